import { defaultAuthSettings } from '@favo/projects'
import { expect, test } from 'vitest'
import { effectiveSettings, type EffectiveSettings } from '../settings.ts'
import { matchesGlob } from './glob.ts'
import { isAllowedRedirect } from './redirect-url.ts'

test.each([
  ['https://*.example.com', 'https://app.example.com', true],
  ['https://*.example.com', 'https://a.b.example.com', false],
  ['https://*.example.com/**', 'https://app.example.com/a/b?c=d', true],
  ['https://*.example.com/*', 'https://app.example.com/a/b', false],
  ['https://example.com/?', 'https://example.com/a', true],
  ['https://{app,www}.example.com', 'https://www.example.com', true],
  ['https://{app,www}.example.com', 'https://api.example.com', false],
  ['http://localhost:[0-9]000', 'http://localhost:3000', true],
  ['http://localhost:[!0-9]000', 'http://localhost:3000', false],
  ['https://example.com', 'https://example.com.evil.net', false],
  ['https://example.com/\\*', 'https://example.com/x', false],
  ['myapp://**', 'myapp://callback/deep', true],
  ['**', 'anything.at/all', true],
  ['', '', true],
])('the pattern %s on %s: %s', (pattern, text, expected) => {
  expect(matchesGlob(pattern, text)).toBe(expected)
})

test('no pattern makes matching slow', () => {
  const started = performance.now()
  expect(matchesGlob('**a'.repeat(100), 'a'.repeat(2_000) + 'b')).toBe(false)
  expect(matchesGlob('{a,b}'.repeat(100), 'x')).toBe(false)
  expect(performance.now() - started).toBeLessThan(2_000)
})

const settings: EffectiveSettings = effectiveSettings({
  auth: {
    ...defaultAuthSettings,
    siteUrl: 'https://site.example',
    uriAllowList: ['https://*.preview.example/**', 'myapp://callback'],
  },
} as never)

test.each([
  ['https://site.example/welcome?x=1#y', true],
  ['https://a.preview.example/x', true],
  ['myapp://callback', true],
  ['http://127.0.0.1:5173/x', true],
  ['http://site.example/', false],
  ['https://site.example.evil.net/', false],
  ['https://site.example@evil.net/', false],
  ['https://evil.net/https://site.example', false],
  ['https://evil.net\\.preview.example/x', false],
  ['https://evil.net/.preview.example/x', false],
  ['https://a.preview.example\t.evil.net/', false],
  ['//evil.net', false],
  ['/relative', false],
  ['javascript:alert(1)', false],
  ['http://2130706433/', true],
  ['http://10.0.0.1/', false],
  ['', false],
])('a mail may lead to %s: %s', (url, expected) => {
  expect(isAllowedRedirect(settings, url)).toBe(expected)
})
