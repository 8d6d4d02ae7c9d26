import { isProviderEnabled } from './providers/find-provider.ts'
import { route } from './route.ts'

/** Every provider that GoTrue tells of; in its order. */
const providers = [
  'anonymous_users',
  'apple',
  'azure',
  'bitbucket',
  'discord',
  'facebook',
  'snapchat',
  'figma',
  'fly',
  'github',
  'gitlab',
  'google',
  'keycloak',
  'kakao',
  'linkedin',
  'linkedin_oidc',
  'notion',
  'spotify',
  'slack',
  'slack_oidc',
  'workos',
  'twitch',
  'twitter',
  'email',
  'phone',
  'zoom',
] as const

export const settingsRoute = route({
  operation: 'auth.settings',
  method: 'GET',
  path: '/settings',
  access: 'public',
  handle: async ({ settings }) => ({
    status: 200,
    body: {
      external: {
        ...Object.fromEntries(providers.map((name) => [name, isProviderEnabled(settings, name)])),
        anonymous_users: settings.anonymousUsersEnabled,
        email: settings.emailProviderEnabled,
        phone: settings.phoneProviderEnabled,
      },
      disable_signup: settings.disableSignup,
      mailer_autoconfirm: settings.mailerAutoconfirm,
      phone_autoconfirm: settings.smsAutoconfirm,
      sms_provider: settings.smsProvider === 'local' ? '' : settings.smsProvider,
      saml_enabled: settings.samlEnabled,
      saml_private_key_next_configured: false,
      passkeys_enabled: settings.passkeyEnabled,
    },
  }),
})
