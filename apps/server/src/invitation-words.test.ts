import { mailLanguages } from '@favo/contracts'
import { expect, test } from 'vitest'
import { composeInvitation } from './invitation-words.ts'

const mail = {
  email: 'dora@example.com',
  organization: 'Carl & <Co>',
  role: 'read_only',
  invitedBy: 'carl@example.com',
  token: 'sbi_1',
  expiresAt: '2026-11-21T18:00:00.000Z',
  acceptLanguage: null,
}

test('an invitation is written in the language that was chosen', () => {
  expect(composeInvitation(mail, null, 'en')).toMatchObject({
    subject: 'Invitation to Carl & <Co>',
    text: expect.stringContaining('as read-only.') as string,
  })
  const portuguese = composeInvitation(mail, 'https://x.example/verify?a=1&b=2', 'pt-BR')
  expect(portuguese.subject).toBe('Convite para Carl & <Co>')
  expect(portuguese.text).toContain('Seu papel: somente leitura.')
  expect(portuguese.html).toContain('href="https://x.example/verify?a=1&amp;b=2">criar minha conta')
})

test.each(mailLanguages)(
  'in %s names stay text, subjects one line, and all that is needed is there',
  (language) => {
    const composed = composeInvitation(
      { ...mail, organization: 'A\r\nBcc: eve@x <b>' },
      'https://x/',
      language,
    )
    expect(composed.subject).not.toMatch(/[\r\n]/)
    expect(composed.html).not.toContain('<b>')
    for (const text of [composed.text, composed.html])
      for (const needed of ['https://x/', 'sbi_1', '2026-11-21 18:00 UTC', 'carl@example.com'])
        expect(text).toContain(needed)
  },
)
