import type { Json } from '../users/user.ts'
import { mailTemplates, type MailKind } from './templates.ts'

export interface Mail {
  readonly kind: MailKind
  readonly recipient: string
  readonly subject: string
  readonly html: string
}

/** What templates may name; Supabase's variables. */
export interface MailVariables {
  readonly ConfirmationURL: string
  readonly Token: string
  readonly TokenHash: string
  readonly SiteURL: string
  readonly RedirectTo: string
  readonly Email: string
  readonly NewEmail: string
  readonly Data: Json
}

export function composeMail(kind: MailKind, recipient: string, variables: MailVariables): Mail {
  const { subject, html } = mailTemplates[kind]
  return {
    kind,
    recipient,
    // A line end in a subject would begin another header.
    subject: fill(subject, variables, (text) => text.replace(/[\r\n]+/g, ' ')),
    html: fill(html, variables, escapeHtml),
  }
}

/** `{{ .Name }}` and `{{ .Data.member }}`; what is not there is empty. */
function fill(template: string, variables: MailVariables, escape: (text: string) => string): string {
  return template.replace(
    /\{\{-?\s*\.(\w+)(?:\.(\w+))?\s*-?\}\}/g,
    (_whole, name: string, member?: string) => {
      const value: unknown =
        name === 'Data'
          ? member === undefined
            ? undefined
            : own(variables.Data, member)
          : own(variables, name)
      return typeof value === 'string' || typeof value === 'number' ? escape(String(value)) : ''
    },
  )
}

const own = (object: object, name: string): unknown =>
  Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
}
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => entities[character] ?? '')

/** Where a mail's link goes. Made of the project's own address, never of the request's Host. */
export function verifyLink(issuer: string, tokenHash: string, type: string, redirectTo: string): string {
  const query = new URLSearchParams({ token: tokenHash, type, redirect_to: redirectTo })
  return `${issuer}/verify?${query.toString()}`
}
