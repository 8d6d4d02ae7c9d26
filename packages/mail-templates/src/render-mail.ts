import type { MailLanguage, MailName } from '@favo/contracts'
import { htmlToText } from './html-to-text.ts'
import { shippedTemplates, type MailTemplate } from './shipped/shipped-templates.ts'
import { renderHtml, renderLine } from './template.ts'
import { TemplateError } from './template-error.ts'

/** What templates may name: Supabase's variables, and `Language`. Those that a mail has no use for are empty. */
export interface MailVariables {
  readonly ConfirmationURL?: string
  readonly Token?: string
  readonly TokenHash?: string
  readonly SiteURL: string
  readonly RedirectTo?: string
  readonly Email: string
  readonly NewEmail?: string
  readonly SendingTo?: string
  readonly OldEmail?: string
  readonly Phone?: string
  readonly OldPhone?: string
  readonly Provider?: string
  readonly FactorType?: string
  /** The user's metadata. */
  readonly Data: Readonly<Record<string, unknown>>
  readonly Language: MailLanguage
}

export interface RenderedMail {
  readonly subject: string
  readonly html: string
  readonly text: string
  /** Why the project's own template was not used; null when all is well. */
  readonly problem: string | null
}

/** Metadata beyond this is left out: a mail that needs more is a mistake, and each mention of it costs time. */
const DATA_LENGTH_MAX = 65_536

/**
 * A mail in the project's words, or in ours for what it has not chosen. A template of the project's that fails gives way to
 * ours: users who wait for a link get one.
 */
export function renderMail(
  name: MailName,
  own: Partial<MailTemplate>,
  variables: MailVariables,
): RenderedMail {
  const ours = shippedTemplates[variables.Language][name]
  const isLarge = JSON.stringify(variables.Data).length > DATA_LENGTH_MAX
  const data = isLarge ? { ...variables, Data: {} } : variables
  const problems: string[] = []
  const render = (part: keyof MailTemplate, engine: typeof renderHtml): string => {
    const template = own[part]
    if (template === undefined || template === '') return engine(ours[part], data)
    try {
      return engine(template, data)
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      problems.push(`${part}: ${error.message}`)
      return engine(ours[part], data)
    }
  }
  const html = render('content', renderHtml)
  const subject = render('subject', renderLine)
  return {
    subject,
    html,
    text: htmlToText(html),
    problem: problems.length === 0 ? null : problems.join('; '),
  }
}

const sample: Required<MailVariables> = {
  ConfirmationURL:
    'https://ref.example.com/auth/v1/verify?token=abc&type=signup&redirect_to=https://example.com/',
  Token: '123456',
  TokenHash: 'abc',
  SiteURL: 'https://example.com',
  RedirectTo: 'https://example.com/welcome',
  Email: 'ann@example.com',
  NewEmail: 'ann@example.org',
  SendingTo: 'ann@example.com',
  OldEmail: 'ann@example.net',
  Phone: '15550001111',
  OldPhone: '15550002222',
  Provider: 'google',
  FactorType: 'totp',
  Data: {},
  Language: 'en',
}

/** Why a template cannot be used, as a sentence; null when it can. It is read, and tried on a mail that nobody gets. */
export function findTemplateProblem(part: keyof MailTemplate, template: string): string | null {
  try {
    if (part === 'subject') renderLine(template, sample)
    else renderHtml(template, sample)
    return null
  } catch (error) {
    if (error instanceof TemplateError) return error.message
    throw error
  }
}
