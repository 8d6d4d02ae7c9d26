import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { oauthServerErrors } from './oauth-server-errors.ts'
import type { ClientRow, ClientValues } from './clients.sql.ts'

export interface ClientInput {
  readonly redirect_uris: readonly string[] | null
  readonly client_type: string
  readonly token_endpoint_auth_method: string | null
  readonly grant_types: readonly string[] | null
  readonly client_name: string | null
  readonly client_uri: string | null
  readonly logo_uri: string | null
}

const { invalid } = oauthServerErrors
const methods = ['none', 'client_secret_basic', 'client_secret_post']
const typeOfMethod = (method: string) => (method === 'none' ? 'public' : 'confidential')

/** A client and its secret, which is told once. Throws in the form of GoTrue's registration. */
export function createClient(
  input: ClientInput,
  registration: ClientRow['registration_type'],
): { readonly values: ClientValues; readonly secret: string | null } {
  try {
    checkRedirectUris(input.redirect_uris, true)
    if ((input.grant_types ?? []).length > 0) checkGrantTypes(input.grant_types ?? [])
    checkTexts(input)
    checkTypes(input)
  } catch (error) {
    // GoTrue wraps its own error here, status and all.
    throw error instanceof Error ? invalid(`400: ${error.message}`) : error
  }
  const method = input.token_endpoint_auth_method ?? ''
  const type =
    input.client_type !== '' ? input.client_type : method === '' ? 'confidential' : typeOfMethod(method)
  const isPublic = type === 'public'
  const secret = isPublic ? null : createClientSecret()
  const grants = input.grant_types ?? []
  return {
    secret,
    values: {
      client_secret_hash: secret === null ? null : hashSecret(secret),
      registration_type: registration,
      client_type: isPublic ? 'public' : 'confidential',
      token_endpoint_auth_method: method !== '' ? method : isPublic ? 'none' : 'client_secret_basic',
      redirect_uris: (input.redirect_uris ?? []).join(','),
      grant_types: (grants.length === 0 ? ['authorization_code', 'refresh_token'] : grants).join(','),
      client_name: emptyToNull(input.client_name),
      client_uri: emptyToNull(input.client_uri),
      logo_uri: emptyToNull(input.logo_uri),
    },
  }
}

/** The client with the members that were given. */
export function changeClient(client: ClientRow, input: ClientInput): ClientValues {
  const {
    redirect_uris,
    grant_types,
    client_name,
    client_uri,
    logo_uri,
    token_endpoint_auth_method: method,
  } = input
  if (
    [redirect_uris, grant_types, client_name, client_uri, logo_uri, method].every((value) => value === null)
  )
    throw invalid('No fields provided for update')
  if (redirect_uris !== null) checkRedirectUris(redirect_uris, false)
  if (grant_types !== null) checkGrantTypes(grant_types)
  checkTexts(input)
  if (method !== null && !methods.includes(method))
    throw invalid(`invalid token_endpoint_auth_method: must be one of [${methods.join(' ')}]`)
  if (method !== null && typeOfMethod(method) !== client.client_type) {
    const allowed = methods.filter((each) => typeOfMethod(each) === client.client_type).join(' ')
    throw invalid(
      `token_endpoint_auth_method '${method}' is not valid for client_type '${client.client_type}'; valid methods: [${allowed}]`,
    )
  }
  return {
    ...client,
    token_endpoint_auth_method: method ?? client.token_endpoint_auth_method,
    redirect_uris: redirect_uris?.join(',') ?? client.redirect_uris,
    grant_types: grant_types?.join(',') ?? client.grant_types,
    client_name: client_name === null ? client.client_name : emptyToNull(client_name),
    client_uri: client_uri === null ? client.client_uri : emptyToNull(client_uri),
    logo_uri: logo_uri === null ? client.logo_uri : emptyToNull(logo_uri),
  }
}

function checkRedirectUris(uris: readonly string[] | null, isRequired: boolean): void {
  if (uris === null || uris.length === 0)
    throw invalid(isRequired ? 'redirect_uris is required' : 'redirect_uris cannot be empty')
  if (uris.length > 10) throw invalid('redirect_uris cannot exceed 10 items')
  for (const uri of uris) {
    const problem = findUriProblem(uri)
    if (problem !== null) throw invalid(`invalid redirect_uri '${uri}': ${problem}`)
  }
}

const dangerous = new Set(['javascript', 'data', 'file', 'vbscript', 'about', 'blob'])

function findUriProblem(uri: string): string | null {
  if (uri === '') return 'redirect URI cannot be empty'
  // They are stored with commas between, and browsers must read them as we do.
  if (!URL.canParse(uri) || /[\s,\\]/.test(uri))
    return /^[a-z]/i.test(uri) && uri.includes(':') ? 'invalid URL format' : 'must have scheme and host'
  const url = new URL(uri)
  const scheme = url.protocol.slice(0, -1)
  if (dangerous.has(scheme) && url.host !== '')
    return `scheme '${scheme}' is not allowed for security reasons`
  if (url.host === '') return 'must have scheme and host'
  if (scheme === 'http' && !['localhost', '127.0.0.1', '[::1]'].includes(url.hostname))
    return 'HTTP scheme only allowed for localhost'
  return url.hash === '' ? null : 'fragment not allowed in redirect URI'
}

function checkGrantTypes(grants: readonly string[]): void {
  if (grants.length === 0) throw invalid('grant_types cannot be empty')
  if (grants.some((grant) => grant !== 'authorization_code' && grant !== 'refresh_token'))
    throw invalid("grant_types must only contain 'authorization_code' and/or 'refresh_token'")
}

function checkTexts({ client_name, client_uri, logo_uri }: ClientInput): void {
  if ((client_name ?? '').length > 1_024) throw invalid('client_name cannot exceed 1024 characters')
  for (const [name, uri] of Object.entries({ client_uri, logo_uri })) {
    if (uri === null || uri === '') continue
    if (uri.length > 2_048) throw invalid(`${name} cannot exceed 2048 characters`)
    if (!URL.canParse(uri)) throw invalid(`${name} must be a valid URL`)
  }
}

function checkTypes({ client_type: type, token_endpoint_auth_method: method }: ClientInput): void {
  if (type !== '' && type !== 'public' && type !== 'confidential')
    throw invalid("client_type must be 'public' or 'confidential'")
  if (method === null || method === '') return
  if (!methods.includes(method))
    throw invalid(`token_endpoint_auth_method must be one of: [${methods.join(' ')}]`)
  if (type !== '' && type !== typeOfMethod(method))
    throw invalid(
      `client_type '${type}' is inconsistent with token_endpoint_auth_method '${method}' (expected client_type '${typeOfMethod(method)}')`,
    )
}

export const createClientSecret = (): string => randomBytes(32).toString('base64url')
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('base64url')
export function isSecretOf(client: ClientRow, secret: string): boolean {
  const [given, stored] = [Buffer.from(hashSecret(secret)), Buffer.from(client.client_secret_hash ?? '')]
  return given.length === stored.length && timingSafeEqual(given, stored)
}

const emptyToNull = (text: string | null) => (text === '' ? null : text)
export const listOf = (text: string): string[] => (text === '' ? [] : text.split(','))

export function renderClient(client: ClientRow, secret: string | null = null) {
  return {
    client_id: client.id,
    ...(secret === null ? {} : { client_secret: secret }),
    client_type: client.client_type,
    redirect_uris: listOf(client.redirect_uris),
    token_endpoint_auth_method: client.token_endpoint_auth_method,
    grant_types: listOf(client.grant_types),
    response_types: ['code'],
    ...(client.client_name === null ? {} : { client_name: client.client_name }),
    ...(client.client_uri === null ? {} : { client_uri: client.client_uri }),
    ...(client.logo_uri === null ? {} : { logo_uri: client.logo_uri }),
    registration_type: client.registration_type,
    created_at: client.created_at,
    updated_at: client.updated_at,
  }
}

/** As consent pages and lists of grants show it. */
export const renderClientDetails = (
  client: Pick<ClientRow, 'id' | 'client_name' | 'client_uri' | 'logo_uri'>,
) => ({
  id: client.id,
  ...(client.client_name === null ? {} : { name: client.client_name }),
  ...(client.client_uri === null ? {} : { uri: client.client_uri }),
  ...(client.logo_uri === null ? {} : { logo_uri: client.logo_uri }),
})
