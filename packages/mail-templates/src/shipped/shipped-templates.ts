import { mailNames, type MailLanguage, type MailName } from '@favo/contracts'
import { brazilianPortuguese } from './brazilian-portuguese.ts'
import { english } from './english.ts'
import { layout, type Words } from './layout.ts'

export interface MailTemplate {
  readonly subject: string
  /** HTML. */
  readonly content: string
}

/** What mails look like where a project has no templates of its own. */
export const shippedTemplates: Readonly<Record<MailLanguage, Readonly<Record<MailName, MailTemplate>>>> = {
  en: build('en', english),
  'pt-BR': build('pt-BR', brazilianPortuguese),
}

function build(
  language: MailLanguage,
  all: Readonly<Record<MailName, Words>>,
): Record<MailName, MailTemplate> {
  const templates = mailNames.map((name) => {
    const words = all[name]
    return [name, { subject: words.subject, content: layout(language, words) }]
  })
  return Object.fromEntries(templates) as Record<MailName, MailTemplate>
}
