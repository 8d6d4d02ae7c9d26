import type { EffectiveSettings } from '../settings.ts'

// Settings are one object until they change.
const parsed = new WeakMap<EffectiveSettings, ReadonlyMap<string, string>>()

/** The code that is always right for this phone, as the project's settings have it. Nothing is sent to such a phone. */
export function findTestOtp(settings: EffectiveSettings, phone: string): string | null {
  if (settings.smsTestOtp === '') return null
  const until = Date.parse(settings.smsTestOtpValidUntil)
  if (Date.now() >= until) return null
  let codes = parsed.get(settings)
  if (codes === undefined) {
    codes = parseCodes(settings.smsTestOtp)
    parsed.set(settings, codes)
  }
  return codes.get(phone) ?? null
}

const parseCodes = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split(',').flatMap((pair): [string, string][] => {
      const [phone = '', code = ''] = pair.split('=')
      return code === '' ? [] : [[phone.trim().replace(/^\+/, '').replaceAll(' ', ''), code.trim()]]
    }),
  )
