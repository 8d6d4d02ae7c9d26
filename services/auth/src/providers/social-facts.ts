import { createHmac } from 'node:crypto'
import { issuers } from '../oidc/id-token-profile.ts'
import { commonClaims, idAt, joined, listAt, member, textAt, type ProviderFacts } from './facts.ts'
import { oneEmail } from './profile.ts'

// Networks, chats, music and video.

export const discord: ProviderFacts = {
  hosts: { auth: 'discord.com' },
  authorizePath: '/api/oauth2/authorize',
  tokenPath: '/api/oauth2/token',
  scopes: ['email', 'identify'],
  readProfile: async (call) => {
    const api = `${call.hosts.api}/api`
    const user = await call.get(`${api}/users/@me`)
    const [id, name] = [idAt(user, 'id'), textAt(user, 'username')]
    const [avatar, discriminator] = [textAt(user, 'avatar'), textAt(user, 'discriminator')]
    const extension = avatar.startsWith('a_') ? 'gif' : 'png'
    const picture =
      avatar === ''
        ? `https://cdn.discordapp.com/embed/avatars/${Number(discriminator) % 5}.png`
        : `https://cdn.discordapp.com/avatars/${id}/${avatar}.${extension}`
    return {
      emails: oneEmail(textAt(user, 'email'), member(user, 'verified') === true),
      claims: {
        ...commonClaims({ issuer: api, id, name: `${name}#${discriminator}`, picture }),
        full_name: name,
        custom_claims: { global_name: textAt(user, 'global_name') },
      },
    }
  },
}

export const facebook: ProviderFacts = {
  hosts: { auth: 'www.facebook.com', token: 'graph.facebook.com', api: 'graph.facebook.com' },
  authorizePath: '/dialog/oauth',
  tokenPath: '/oauth/access_token',
  scopes: ['email'],
  readProfile: async (call) => {
    const url = `${call.hosts.api}/me?fields=email,first_name,last_name,name,picture`
    const proof = createHmac('sha256', call.clientSecret).update(call.tokens.accessToken).digest('hex')
    const user = await call.get(`${url}&appsecret_proof=${proof}`)
    const alias = textAt(user, 'name')
    return {
      emails: oneEmail(textAt(user, 'email'), true),
      claims: commonClaims({
        issuer: url,
        id: idAt(user, 'id'),
        name: joined(textAt(user, 'first_name'), textAt(user, 'last_name')),
        picture: textAt(user, 'picture', 'data', 'url'),
        more: { nickname: alias, slug: alias },
      }),
    }
  },
}

export const kakao: ProviderFacts = {
  hosts: { auth: 'kauth.kakao.com', api: 'kapi.kakao.com' },
  authorizePath: '/oauth/authorize',
  tokenPath: '/oauth/token',
  scopes: ['account_email', 'profile_image', 'profile_nickname'],
  readProfile: async (call) => {
    const user = await call.get(`${call.hosts.api}/v2/user/me`)
    const account = member(user, 'kakao_account')
    const [id, name] = [idAt(user, 'id'), textAt(account, 'profile', 'nickname')]
    const isVerified = ['is_email_verified', 'is_email_valid'].every((flag) => member(account, flag) === true)
    return {
      emails: oneEmail(textAt(account, 'email'), isVerified),
      claims: {
        iss: call.hosts.api,
        sub: id,
        name,
        preferred_username: name,
        avatar_url: textAt(account, 'profile', 'profile_image_url'),
        full_name: name,
        provider_id: id,
        user_name: name,
      },
    }
  },
}

export const linkedin: ProviderFacts = {
  hosts: { auth: 'api.linkedin.com' },
  authorizePath: '/oauth/v2/authorization',
  tokenPath: '/oauth/v2/accessToken',
  scopes: ['r_emailaddress', 'r_liteprofile'],
  readProfile: async (call) => {
    const api = `${call.hosts.api}/v2`
    const fields = '(id,firstName,lastName,profilePicture(displayImage~:playableStreams))'
    const [user, emails] = await Promise.all([
      call.get(`${api}/me?projection=${fields}`),
      call.get(`${api}/emailAddress?q=members&projection=(elements*(handle~))`),
    ])
    const name = (which: string) => {
      const locale = member(user, which, 'preferredLocale')
      const key = `${textAt(locale, 'language')}_${textAt(locale, 'country')}`
      return textAt(user, which, 'localized', key)
    }
    const picture = ['profilePicture', 'displayImage~', 'elements', 0, 'identifiers', 0, 'identifier']
    return {
      // Only the primary address is told, and that is verified.
      emails: oneEmail(textAt(emails, 'elements', 0, 'handle~', 'emailAddress'), true),
      claims: commonClaims({
        issuer: call.hosts.api,
        id: textAt(user, 'id'),
        name: joined(name('firstName'), name('lastName')),
        picture: textAt(user, ...picture),
      }),
    }
  },
}

export const snapchat: ProviderFacts = {
  hosts: { auth: 'accounts.snapchat.com', api: 'kit.snapchat.com' },
  authorizePath: '/accounts/oauth2/auth',
  tokenPath: '/accounts/oauth2/token',
  scopes: ['external_id', 'display_name', 'bitmoji.avatar'].map(
    (name) => `https://auth.snapchat.com/oauth2/api/user.${name}`,
  ),
  readProfile: async (call) => {
    const query = new URLSearchParams({
      query: '{me { externalId displayName bitmoji { avatar id } email } }',
    })
    const user = member(await call.get(`${call.hosts.api}/v1/me?${query.toString()}`), 'data', 'me')
    const name = textAt(user, 'displayName')
    return {
      emails: oneEmail(textAt(user, 'email'), true),
      claims: commonClaims({
        issuer: issuers.snapchat,
        id: textAt(user, 'externalId'),
        name,
        picture: textAt(user, 'bitmoji', 'avatar'),
        more: { slug: name },
      }),
    }
  },
}

export const spotify: ProviderFacts = {
  hosts: { auth: 'accounts.spotify.com', api: 'api.spotify.com/v1' },
  authorizePath: '/authorize',
  tokenPath: '/api/token',
  scopes: ['user-read-email'],
  readProfile: async (call) => {
    const user = await call.get(`${call.hosts.api}/me`)
    const size = (image: unknown) => Number(member(image, 'height')) * Number(member(image, 'width')) || 0
    const largest = listAt(user, 'images').reduce<unknown>(
      (best, image) => (best === undefined || size(image) > size(best) ? image : best),
      undefined,
    )
    return {
      // It does not verify addresses.
      emails: oneEmail(textAt(user, 'email'), false),
      claims: commonClaims({
        issuer: call.hosts.api,
        id: textAt(user, 'id'),
        name: textAt(user, 'display_name'),
        picture: textAt(largest, 'url'),
      }),
    }
  },
}

export const twitch: ProviderFacts = {
  hosts: { auth: 'id.twitch.tv', api: 'api.twitch.tv' },
  authorizePath: '/oauth2/authorize',
  tokenPath: '/oauth2/token',
  scopes: ['user:read:email'],
  readProfile: async (call) => {
    const answer = await call.get(`${call.hosts.api}/helix/users`, { 'client-id': call.clientId })
    const user = member(answer, 'data', 0)
    if (user === undefined) throw new Error('unable to find user with twitch provider')
    const nickname = textAt(user, 'display_name')
    const custom = ['broadcaster_type', 'description', 'type', 'offline_image_url', 'view_count']
    return {
      emails: oneEmail(textAt(user, 'email'), true),
      claims: commonClaims({
        issuer: call.hosts.api,
        id: textAt(user, 'id'),
        name: textAt(user, 'login'),
        picture: textAt(user, 'profile_image_url'),
        more: {
          nickname,
          slug: nickname,
          custom_claims: Object.fromEntries(custom.map((name) => [name, member(user, name) ?? null])),
        },
      }),
    }
  },
}

export const x: ProviderFacts = {
  hosts: { auth: 'x.com', token: 'api.x.com', api: 'api.x.com' },
  authorizePath: '/i/oauth2/authorize',
  tokenPath: '/2/oauth2/token',
  scopes: ['users.email', 'tweet.read', 'users.read', 'offline.access'],
  usesPkce: true,
  readProfile: async (call) => {
    const fields = 'id,name,username,confirmed_email,profile_image_url,url,created_at'
    const user = member(await call.get(`${call.hosts.api}/2/users/me?user.fields=${fields}`), 'data')
    const username = textAt(user, 'username')
    return {
      emails: oneEmail(textAt(user, 'confirmed_email'), true),
      claims: commonClaims({
        issuer: call.hosts.api,
        id: textAt(user, 'id'),
        name: textAt(user, 'name'),
        picture: textAt(user, 'profile_image_url'),
        more: {
          preferred_username: username,
          user_name: username,
          profile: `https://x.com/${username}`,
          website: textAt(user, 'url'),
          custom_claims: { created_at: textAt(user, 'created_at') },
        },
      }),
    }
  },
}

export const zoom: ProviderFacts = {
  hosts: { auth: 'zoom.us', api: 'api.zoom.us' },
  authorizePath: '/oauth/authorize',
  tokenPath: '/oauth/token',
  scopes: [],
  hasFixedScopes: true,
  readProfile: async (call) => {
    const api = `${call.hosts.api}/v2`
    const user = await call.get(`${api}/users/me`)
    // Type 100 signs in by address; only there Zoom has to have verified it itself.
    const isVerified = textAt(user, 'login_type') !== '100' || Number(member(user, 'verified')) !== 0
    return {
      emails: oneEmail(textAt(user, 'email'), isVerified),
      claims: commonClaims({
        issuer: api,
        id: textAt(user, 'id'),
        name: joined(textAt(user, 'first_name'), textAt(user, 'last_name')),
        picture: textAt(user, 'pic_url'),
      }),
    }
  },
}
