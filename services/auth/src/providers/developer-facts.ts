import { commonClaims, idAt, listAt, member, textAt, type ProviderFacts } from './facts.ts'
import { oneEmail, type ProviderEmail } from './profile.ts'

// Where code, designs and documents are kept.

/** Addresses that stand in a list of objects. */
const emailsOf = (
  list: readonly unknown[],
  names: { readonly verified: string; readonly primary: string },
): ProviderEmail[] =>
  list
    .map((entry) => ({
      email: textAt(entry, 'email'),
      isVerified: member(entry, names.verified) === true,
      isPrimary: member(entry, names.primary) === true,
    }))
    .filter(({ email }) => email !== '')

export const bitbucket: ProviderFacts = {
  hosts: { auth: 'bitbucket.org', api: 'api.bitbucket.org' },
  authorizePath: '/site/oauth2/authorize',
  tokenPath: '/site/oauth2/access_token',
  scopes: ['account', 'email'],
  hasFixedScopes: true,
  readProfile: async (call) => {
    const api = `${call.hosts.api}/2.0`
    const [user, emails] = await Promise.all([call.get(`${api}/user`), call.get(`${api}/user/emails`)])
    return {
      emails: emailsOf(listAt(emails, 'values'), { verified: 'is_confirmed', primary: 'is_primary' }),
      claims: commonClaims({
        issuer: api,
        id: textAt(user, 'uuid'),
        name: textAt(user, 'display_name'),
        picture: textAt(user, 'avatar', 'href'),
      }),
    }
  },
}

export const github: ProviderFacts = {
  hosts: { auth: 'github.com', api: 'api.github.com' },
  authorizePath: '/login/oauth/authorize',
  tokenPath: '/login/oauth/access_token',
  scopes: ['user:email'],
  readProfile: async (call) => {
    const api = call.url === '' ? call.hosts.api : `${call.hosts.api}/api/v3`
    const [user, emails] = await Promise.all([call.get(`${api}/user`), call.get(`${api}/user/emails`)])
    const [id, name, login] = [idAt(user, 'id'), textAt(user, 'name'), textAt(user, 'login')]
    return {
      emails: emailsOf(listAt(emails), { verified: 'verified', primary: 'primary' }),
      claims: {
        iss: api,
        sub: id,
        name,
        preferred_username: login,
        avatar_url: textAt(user, 'avatar_url'),
        full_name: name,
        provider_id: id,
        user_name: login,
      },
    }
  },
}

export const gitlab: ProviderFacts = {
  hosts: { auth: 'gitlab.com' },
  authorizePath: '/oauth/authorize',
  tokenPath: '/oauth/token',
  scopes: ['read_user'],
  readProfile: async (call) => {
    const api = `${call.hosts.api}/api/v4`
    const [user, emails] = await Promise.all([call.get(`${api}/user`), call.get(`${api}/user/emails`)])
    return {
      emails: [
        // Whether further ones are confirmed is not told.
        ...emailsOf(listAt(emails), { verified: '', primary: '' }),
        ...oneEmail(textAt(user, 'email'), textAt(user, 'confirmed_at') !== ''),
      ],
      claims: commonClaims({
        issuer: call.hosts.api,
        id: idAt(user, 'id'),
        name: textAt(user, 'name'),
        picture: textAt(user, 'avatar_url'),
      }),
    }
  },
}

export const figma: ProviderFacts = {
  hosts: { auth: 'www.figma.com', token: 'api.figma.com', api: 'api.figma.com' },
  authorizePath: '/oauth',
  tokenPath: '/v1/oauth/token',
  scopes: ['current_user:read'],
  readProfile: async (call) => {
    const user = await call.get(`${call.hosts.api}/v1/me`)
    const [id, name] = [idAt(user, 'id'), textAt(user, 'handle')]
    return {
      emails: oneEmail(textAt(user, 'email'), true),
      claims: {
        iss: call.hosts.api,
        sub: id,
        name,
        avatar_url: textAt(user, 'img_url'),
        full_name: name,
        provider_id: id,
      },
    }
  },
}

export const fly: ProviderFacts = {
  hosts: { auth: 'api.fly.io' },
  authorizePath: '/oauth/authorize',
  tokenPath: '/oauth/token',
  scopes: ['read'],
  readProfile: async (call) => {
    const user = await call.get(`${call.hosts.api}/oauth/token/info`)
    const id = textAt(user, 'user_id')
    const custom = ['resource_owner_id', 'organizations', 'application', 'scope', 'created_at']
    return {
      emails: oneEmail(textAt(user, 'email'), true),
      claims: {
        iss: call.hosts.api,
        sub: id,
        full_name: textAt(user, 'user_name'),
        provider_id: id,
        custom_claims: Object.fromEntries(custom.map((name) => [name, member(user, name) ?? null])),
      },
    }
  },
}

export const notion: ProviderFacts = {
  hosts: { auth: 'api.notion.com' },
  authorizePath: '/v1/oauth/authorize',
  tokenPath: '/v1/oauth/token',
  scopes: [],
  hasFixedScopes: true,
  readProfile: async (call) => {
    const answer = await call.get(`${call.hosts.api}/v1/users/me`, { 'notion-version': '2021-08-16' })
    const user = member(answer, 'bot', 'owner', 'user')
    return {
      // It does not tell whether the address is verified; GoTrue trusts it.
      emails: oneEmail(textAt(user, 'person', 'email'), true),
      claims: commonClaims({
        issuer: call.hosts.api,
        id: textAt(user, 'id'),
        name: textAt(user, 'name'),
        picture: textAt(user, 'avatar_url'),
      }),
    }
  },
}
