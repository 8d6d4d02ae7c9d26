/** What a client may ask for (auth internal/models/oauth_scope.go@bc32168). */
export const supportedScopes = ['openid', 'profile', 'email', 'phone', 'offline_access']

export const parseScopes = (text: string): string[] => text.split(/\s+/).filter((scope) => scope !== '')
