import {
  defaultAuthProtectionSettings,
  defaultAuthSecuritySettings,
  defaultMailSettings,
  defaultSignInSettings,
  type AuthSettings,
  type Project,
} from '@favo/projects'

/** Settings with the defaults of what was left out. */
export type EffectiveSettings = AuthSettings & Required<Pick<AuthSettings, keyof typeof defaults>>

const defaults = {
  ...defaultSignInSettings,
  ...defaultAuthSecuritySettings,
  ...defaultMailSettings,
  ...defaultAuthProtectionSettings,
  anonymousUsersEnabled: false,
  uriAllowList: [],
  mailerOtpExpSeconds: 3_600,
  mailerOtpLength: 6,
  mailerSecureEmailChangeEnabled: true,
  mailMaxFrequencySeconds: 60,
  updatePasswordRequiresReauthentication: false,
} as const

// A project's settings are one object until they change.
const known = new WeakMap<AuthSettings, EffectiveSettings>()

export function effectiveSettings({ auth }: Project): EffectiveSettings {
  const found = known.get(auth)
  if (found !== undefined) return found
  const settings = Object.freeze({ ...defaults, ...auth })
  known.set(auth, settings)
  return settings
}
