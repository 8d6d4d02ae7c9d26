import { mailLanguages, mailNames } from '@favo/contracts'
import { describe, expect, test } from 'vitest'
import {
  chooseLanguage,
  findTemplateProblem,
  renderMail,
  shippedTemplates,
  type MailVariables,
} from './index.ts'

const variables: MailVariables = {
  ConfirmationURL:
    'https://ref.example/auth/v1/verify?token=t&type=signup&redirect_to=https%3A%2F%2Fx.example',
  Token: '123456',
  SiteURL: 'https://x.example',
  Email: 'ann@example.com',
  NewEmail: 'ann@example.org',
  OldEmail: 'old@example.com',
  Phone: '1555',
  OldPhone: '1556',
  Provider: 'google',
  FactorType: 'totp',
  Data: {},
  Language: 'en',
}

describe.each(mailLanguages)('the mails we bring, in %s', (language) => {
  test.each(mailNames)('%s', (name) => {
    const mail = renderMail(name, {}, { ...variables, Language: language })
    expect(mail.problem).toBeNull()
    expect(mail.subject).not.toBe('')
    expect(mail.html).toContain(`lang="${language}"`)
    expect(mail.html).not.toMatch(/\{\{|ZgotmplZ/)
    expect(mail.text.length).toBeGreaterThan(60)
    if (name.endsWith('_notification')) expect(mail.html).not.toContain('<a ')
    else if (name !== 'reauthentication') expect(mail.text).toContain(variables.ConfirmationURL)
    const template = shippedTemplates[language][name]
    expect(findTemplateProblem('content', template.content)).toBeNull()
    expect(findTemplateProblem('subject', template.subject)).toBeNull()
  })
})

test('a template that fails gives way to ours, part by part, and says so', () => {
  const mail = renderMail('recovery', { subject: 'Mine', content: '{{ range 999999 }}x{{ end }}' }, variables)
  expect(mail.subject).toBe('Mine')
  expect(mail.html).toContain('Reset my password')
  expect(mail.problem).toMatch(/^content: line 1: it takes more than/)
})

test('metadata that is out of all proportion is left out', () => {
  const Data = { name: 'Ann', more: 'x'.repeat(70_000) }
  expect(renderMail('invite', { content: 'Hi {{ .Data.name }}' }, { ...variables, Data }).html).toBe('Hi ')
})

test.each([
  [{ locale: 'pt_BR' }, 'en', 'en', 'pt-BR'],
  [{ language: 'EN-us' }, 'pt-BR', 'pt', 'en'],
  [{ locale: 'xx' }, 'pt-BR', 'en', 'pt-BR'],
  [{ locale: 7 }, null, 'de, pt-PT;q=0.8, en;q=0.5', 'pt-BR'],
  [{}, null, 'pt;q=0, en', 'en'],
  [{}, null, '*', 'en'],
  [{}, null, null, 'en'],
] as const)(
  'language of %j in a project of %j, asked for in %j: %s',
  (metadata, project, acceptLanguage, expected) => {
    expect(chooseLanguage({ metadata, project, acceptLanguage })).toBe(expected)
  },
)
