import { randomUUID } from 'node:crypto'
import { externalProviderNames } from '@favo/contracts'
import { startOpenIdProvider } from '@favo/testkit'
import { sql } from '@favo/postgres'
import { expect, test } from 'vitest'
import { fragmentOf, socialOf, startSocial } from '../../test/social.ts'
import { startAuth } from '../../test/start-auth.ts'

const email = 'ann@example.com'

interface Case {
  /** Where the browser must be sent. */
  readonly authorize: string
  readonly scope: string | null
  /** What the provider answers, by path. */
  readonly api: Readonly<Record<string, unknown>>
  readonly tokenExtra?: Record<string, unknown>
  readonly settings?: object
  /** Claims that identity_data must hold. */
  readonly data: object
}

const custom = { attributes: 'x' }
/** Answers as each provider's documentation has them. */
const cases: Readonly<Record<string, Case>> = {
  bitbucket: {
    authorize: 'https://bitbucket.org/site/oauth2/authorize',
    scope: 'account email',
    api: {
      '/2.0/user': { uuid: '{1}', display_name: 'Ann', avatar: { href: 'pic' } },
      '/2.0/user/emails': { values: [{ email, is_primary: true, is_confirmed: true }] },
    },
    data: { iss: 'https://api.bitbucket.org/2.0', sub: '{1}', name: 'Ann', picture: 'pic' },
  },
  discord: {
    authorize: 'https://discord.com/api/oauth2/authorize',
    scope: 'email identify',
    api: {
      '/api/users/@me': {
        id: '7',
        username: 'ann',
        discriminator: '12',
        email,
        verified: true,
        avatar: 'a_b',
      },
    },
    data: {
      sub: '7',
      name: 'ann#12',
      full_name: 'ann',
      picture: 'https://cdn.discordapp.com/avatars/7/a_b.gif',
    },
  },
  facebook: {
    authorize: 'https://www.facebook.com/dialog/oauth',
    scope: 'email',
    api: {
      '/me': {
        id: '7',
        email,
        first_name: 'Ann',
        last_name: 'Ex',
        name: 'annie',
        picture: { data: { url: 'p' } },
      },
    },
    data: { sub: '7', name: 'Ann Ex', nickname: 'annie', slug: 'annie', picture: 'p' },
  },
  figma: {
    authorize: 'https://www.figma.com/oauth',
    scope: 'current_user:read',
    api: { '/v1/me': { id: '7', email, handle: 'ann', img_url: 'p' } },
    data: { iss: 'https://api.figma.com', sub: '7', name: 'ann', avatar_url: 'p' },
  },
  fly: {
    authorize: 'https://api.fly.io/oauth/authorize',
    scope: 'read',
    api: { '/oauth/token/info': { user_id: '7', user_name: 'Ann', email, organizations: [{ id: 'o' }] } },
    data: { sub: '7', full_name: 'Ann', custom_claims: { organizations: [{ id: 'o' }] } },
  },
  github: {
    authorize: 'https://github.com/login/oauth/authorize',
    scope: 'user:email',
    api: {
      '/user': { id: 7, login: 'ann', name: 'Ann', avatar_url: 'p' },
      '/user/emails': [
        { email: 'old@example.com', primary: false, verified: true },
        { email, primary: true, verified: true },
      ],
    },
    data: {
      iss: 'https://api.github.com',
      sub: '7',
      user_name: 'ann',
      preferred_username: 'ann',
      avatar_url: 'p',
    },
  },
  gitlab: {
    authorize: 'https://gitlab.com/oauth/authorize',
    scope: 'read_user',
    api: {
      '/api/v4/user': { id: 7, name: 'Ann', email, confirmed_at: '2020-01-01', avatar_url: 'p' },
      '/api/v4/user/emails': [{ id: 1, email: 'second@example.com' }],
    },
    data: { iss: 'https://gitlab.com', sub: '7', name: 'Ann', picture: 'p' },
  },
  kakao: {
    authorize: 'https://kauth.kakao.com/oauth/authorize',
    scope: 'account_email profile_image profile_nickname',
    api: {
      '/v2/user/me': {
        id: 7,
        kakao_account: { email, is_email_valid: true, is_email_verified: true, profile: { nickname: 'ann' } },
      },
    },
    data: { iss: 'https://kapi.kakao.com', sub: '7', user_name: 'ann' },
  },
  keycloak: {
    authorize: 'https://sso.example.com/realms/r/protocol/openid-connect/auth',
    scope: 'profile email',
    settings: { url: 'https://sso.example.com/realms/r/' },
    api: {
      '/realms/r/protocol/openid-connect/userinfo': {
        sub: '7',
        name: 'Ann',
        email,
        email_verified: true,
        ...custom,
      },
    },
    data: { iss: 'https://sso.example.com/realms/r', sub: '7', custom_claims: custom },
  },
  linkedin: {
    authorize: 'https://api.linkedin.com/oauth/v2/authorization',
    scope: 'r_emailaddress r_liteprofile',
    api: {
      '/v2/me': {
        id: '7',
        firstName: { localized: { en_US: 'Ann' }, preferredLocale: { language: 'en', country: 'US' } },
        lastName: { localized: { en_US: 'Ex' }, preferredLocale: { language: 'en', country: 'US' } },
      },
      '/v2/emailAddress': { elements: [{ 'handle~': { emailAddress: email } }] },
    },
    data: { sub: '7', name: 'Ann Ex' },
  },
  notion: {
    authorize: 'https://api.notion.com/v1/oauth/authorize',
    scope: null,
    api: { '/v1/users/me': { bot: { owner: { user: { id: '7', name: 'Ann', person: { email } } } } } },
    data: { sub: '7', name: 'Ann' },
  },
  slack: {
    authorize: 'https://slack.com/oauth/authorize',
    scope: 'profile email openid',
    api: { '/api/openid.connect.userInfo': { 'https://slack.com/user_id': '7', email, name: 'Ann' } },
    data: { iss: 'https://slack.com/api', sub: '7' },
  },
  slack_oidc: {
    authorize: 'https://slack.com/openid/connect/authorize',
    scope: 'profile email openid',
    api: {
      '/api/openid.connect.userInfo': {
        'https://slack.com/user_id': '7',
        'https://slack.com/team_id': 'T',
        email,
        email_verified: true,
      },
    },
    data: { sub: '7', custom_claims: { 'https://slack.com/team_id': 'T' } },
  },
  snapchat: {
    authorize: 'https://accounts.snapchat.com/accounts/oauth2/auth',
    scope: expect.stringContaining('user.external_id') as string,
    api: {
      '/v1/me': { data: { me: { externalId: '7', displayName: 'ann', bitmoji: { avatar: 'p' }, email } } },
    },
    data: { sub: '7', name: 'ann', slug: 'ann', picture: 'p' },
  },
  twitch: {
    authorize: 'https://id.twitch.tv/oauth2/authorize',
    scope: 'user:read:email',
    api: {
      '/helix/users': {
        data: [{ id: '7', login: 'ann', display_name: 'Ann', email, profile_image_url: 'p' }],
      },
    },
    data: { sub: '7', name: 'ann', nickname: 'Ann', picture: 'p' },
  },
  workos: {
    authorize: 'https://api.workos.com/sso/authorize',
    scope: null,
    api: {},
    tokenExtra: { profile: { id: '7', email, first_name: 'Ann', last_name: 'Ex', connection_id: 'c' } },
    data: { sub: '7', name: 'Ann Ex', custom_claims: { connection_id: 'c' } },
  },
  x: {
    authorize: 'https://x.com/i/oauth2/authorize',
    scope: 'users.email tweet.read users.read offline.access',
    api: { '/2/users/me': { data: { id: '7', name: 'Ann', username: 'ann', confirmed_email: email } } },
    data: { iss: 'https://api.x.com', sub: '7', user_name: 'ann', profile: 'https://x.com/ann' },
  },
  zoom: {
    authorize: 'https://zoom.us/oauth/authorize',
    scope: null,
    api: {
      '/v2/users/me': { id: '7', first_name: 'Ann', last_name: 'Ex', email, login_type: '1', pic_url: 'p' },
    },
    data: { iss: 'https://api.zoom.us/v2', sub: '7', name: 'Ann Ex', picture: 'p' },
  },
}

const hosts = [
  'https://bitbucket.org https://api.bitbucket.org https://discord.com https://www.facebook.com',
  'https://graph.facebook.com https://www.figma.com https://api.figma.com https://api.fly.io https://github.com',
  'https://api.github.com https://gitlab.com https://kauth.kakao.com https://kapi.kakao.com https://sso.example.com',
  'https://api.linkedin.com https://api.notion.com https://slack.com https://accounts.snapchat.com',
  'https://kit.snapchat.com https://accounts.spotify.com https://api.spotify.com https://id.twitch.tv',
  'https://api.twitch.tv https://api.workos.com https://x.com https://api.x.com https://zoom.us https://api.zoom.us',
].flatMap((line) => line.split(' '))

test('every provider is asked at its own address, for its own scopes, and its answer is understood', async () => {
  const social = await startSocial(
    {
      external: Object.fromEntries(
        Object.entries(cases).map(([name, { settings }]) => [
          name,
          { enabled: true, clientId: 'our-client', secret: 'our-secret', ...settings },
        ]),
      ),
    },
    { origins: hosts },
  )
  const { auth, provider, visit, signIn } = social
  for (const [name, { authorize, scope, api, tokenExtra = {}, data }] of Object.entries(cases)) {
    await auth.admin.run(sql`delete from auth.users`)
    provider.api.clear()
    for (const [path, answer] of Object.entries(api)) provider.api.set(path, answer)
    provider.tokenExtra = tokenExtra
    const { location } = await visit(`/authorize?provider=${name}`)
    expect(location === null ? '' : location.origin + location.pathname, name).toBe(authorize)
    expect(location?.searchParams.get('scope') ?? null, name).toEqual(scope)
    const token = fragmentOf(await signIn({ provider: name })).get('access_token') ?? ''
    const { body } = await auth.get('/user', { token })
    expect(body.identities?.[0], name).toMatchObject({
      provider: name,
      identity_data: { email, email_verified: true, ...data },
    })
    expect(body.email, name).toBe(email)
  }
})

test('Spotify does not verify addresses', async () => {
  const { auth, provider, signIn } = await startSocial(
    {
      mailerAutoconfirm: false,
      external: { spotify: { enabled: true, clientId: 'our-client', secret: 'our-secret' } },
    },
    { origins: ['https://accounts.spotify.com', 'https://api.spotify.com'] },
  )
  provider.api.set('/v1/me', { id: '7', email, images: [] })
  const end = await signIn({ provider: 'spotify' })
  expect(end.searchParams.get('error_code')).toBe('provider_email_needs_verification')
  expect((await auth.mails(email)).length).toBe(1)
})

test('Azure: tokens of a tenant are read, and those of another than the chosen one refused', async () => {
  const tenant = 'https://login.microsoftonline.com/11111111-1111-1111-1111-111111111111'
  const settings = (url: string) => ({
    external: { azure: { enabled: true, clientId: 'our-client', secret: 'our-secret', url } },
  })
  const prefix = new URL(tenant).pathname
  const user = { sub: randomUUID(), email, name: 'Ann', xms_edov: '1', tid: 't' }
  // One host, several issuers: the document stands below the tenant.
  const serve = await startOpenIdProvider({
    issuer: `${tenant}/v2.0`,
    clients: { 'our-client': 'our-secret' },
    basePath: `${prefix}/v2.0`,
  })
  serve.user = user
  const outbound = { origins: { 'https://login.microsoftonline.com': serve.url } }
  const start = async (url: string) => socialOf(await startAuth({ auth: settings(url), outbound }), serve)
  const token = fragmentOf(await (await start('')).signIn({ provider: 'azure' })).get('access_token')
  expect(token).toBeTruthy()
  const own = fragmentOf(await (await start(tenant)).signIn({ provider: 'azure' })).get('access_token')
  expect(own).toBeTruthy()
  const other = await start('https://login.microsoftonline.com/22222222-2222-2222-2222-222222222222')
  expect((await other.signIn({ provider: 'azure' })).searchParams.get('error_description')).toBe(
    'Error getting user profile from external provider',
  )
})

test('Google without an id token is asked for the profile', async () => {
  const { auth, provider, signIn } = await startSocial({}, { origins: ['https://www.googleapis.com'] })
  provider.givesIdToken = false
  provider.api.set('/userinfo/v2/me', { id: '7', email, verified_email: true, name: 'Ann', picture: 'p' })
  const token = fragmentOf(await signIn()).get('access_token') ?? ''
  const { body } = await auth.get('/user', { token })
  expect(body.user_metadata).toMatchObject({ sub: '7', iss: 'https://www.googleapis.com/userinfo/v2/me' })
})

test('a provider of the project’s own making: OpenID by discovery, OAuth 2 by userinfo', async () => {
  const issuer = 'https://id.example.com'
  const { auth, provider, signIn } = await startSocial({ customOAuthEnabled: true }, { issuer })
  await auth.admin.run(sql`
    insert into auth.custom_oauth_providers (
      provider_type, identifier, name, client_id, client_secret, scopes, issuer, attribute_mapping,
      custom_claims_allowlist, authorization_url, token_url, userinfo_url
    )
    values
      ('oidc', 'custom:oidc', 'o', 'our-client', 'our-secret', '{profile}', ${issuer},
       '{"name": "nickname"}', '{team}', null, null, null),
      ('oauth2', 'custom:plain', 'p', 'our-client', 'our-secret', '{}', null, '{}', '{}',
       ${`${issuer}/authorize`}, ${`${issuer}/token`}, ${`${issuer}/userinfo`})
  `)
  provider.user = { sub: '7', email, email_verified: true, nickname: 'annie', team: 'blue' }
  for (const name of ['custom:oidc', 'custom:plain']) {
    const token = fragmentOf(await signIn({ provider: name })).get('access_token') ?? ''
    const { body } = await auth.get('/user', { token })
    expect(body.identities.some((identity) => identity.provider === name)).toBe(true)
    if (name === 'custom:oidc')
      expect(body.user_metadata).toMatchObject({ name: 'annie', custom_claims: { team: 'blue' } })
  }
})

test('Twitter speaks OAuth 1: every request is signed, with the secret of its token', async () => {
  const { auth, provider, visit } = await startSocial(
    { external: { twitter: { enabled: true, clientId: 'our-client', secret: 'our-secret' } } },
    { origins: ['https://api.twitter.com'] },
  )
  provider.oauth1 = {
    consumerSecret: 'our-secret',
    user: { id_str: '7', name: 'Ann', screen_name: 'ann', email, profile_image_url_https: 'p' },
  }
  const { location } = await visit('/authorize?provider=twitter')
  expect(location?.origin).toBe('https://api.twitter.com')
  const reply = await fetch(provider.url + (location?.pathname ?? '') + (location?.search ?? ''), {
    redirect: 'manual',
  })
  const end = await visit(reply.headers.get('location') ?? '')
  const token = fragmentOf(end.location ?? new URL('http://nowhere')).get('access_token') ?? ''
  const { body } = await auth.get('/user', { token })
  expect(body.user_metadata).toMatchObject({ sub: '7', user_name: 'ann', email })
  // The token's secret was good once.
  const again = await visit(reply.headers.get('location') ?? '')
  expect(again.location?.searchParams.get('error')).toBe('invalid_request')
})

test('each of Supabase’s providers is in the table', () => {
  const openId = ['apple', 'google', 'azure', 'linkedin_oidc', 'vercel_marketplace']
  const covered = [...Object.keys(cases), ...openId, 'spotify', 'twitter'].sort()
  expect(covered).toEqual([...externalProviderNames].sort())
})
