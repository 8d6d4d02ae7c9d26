import type { OrganizationRole, SqlErrorDetails } from '@favo/contracts'

/** A failure with a public sentence. Everything else that is thrown becomes a 500 whose details are only in the log. */
export class ControlError extends Error {
  readonly status: number
  readonly code: string
  readonly sql: SqlErrorDetails | undefined
  /** Seconds, for the Retry-After header. */
  readonly retryAfterSeconds: number | undefined
  constructor(
    status: number,
    code: string,
    message: string,
    more: { sql?: SqlErrorDetails; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause })
    this.name = 'ControlError'
    this.status = status
    this.code = code
    this.sql = more.sql
    this.retryAfterSeconds = more.retryAfterSeconds
  }
}

/** The catalogue. Sentences say what is wrong and, where there is one, the way out. */
export const controlErrors = {
  unauthorized: (why: string) => new ControlError(401, 'unauthorized', why),
  tooManyBadTokens: (retryAfterSeconds: number) =>
    new ControlError(
      429,
      'too_many_bad_tokens',
      'Too many requests with a wrong access token. Wait a moment.',
      {
        retryAfterSeconds,
      },
    ),
  /** Of what the actor can see; what he cannot see is not found. */
  forbidden: (least: OrganizationRole) =>
    new ControlError(
      403,
      'forbidden',
      `Your role here does not allow that. It needs the role ${least} or a higher one.`,
    ),
  insufficientScope: (grant: string) =>
    new ControlError(
      403,
      'insufficient_scope',
      `This access token was not made for that: it lacks ${grant}.`,
    ),
  forPlatformAdministrators: () =>
    new ControlError(403, 'forbidden', 'Only platform administrators may do that.'),
  tooManyRequests: (retryAfterSeconds: number) =>
    new ControlError(
      429,
      'rate_limited',
      'Too many requests in this minute. Wait for as many seconds as Retry-After says.',
      { retryAfterSeconds },
    ),
  routeNotFound: (method: string, path: string) =>
    new ControlError(404, 'route_not_found', `There is no ${method} ${path}.`),
  malformedBody: () => new ControlError(400, 'malformed_json', 'The body is not valid JSON.'),
  bodyTooLarge: (limitBytes: number) =>
    new ControlError(
      413,
      'body_too_large',
      `The body is larger than ${Math.floor(limitBytes / 1_048_576)} MiB.`,
    ),
  invalid: (sentence: string) => new ControlError(422, 'validation_failed', sentence),

  projectNotFound: () => new ControlError(404, 'project_not_found', 'There is no such project.'),
  organizationNotFound: () =>
    new ControlError(404, 'organization_not_found', 'There is no such organization.'),
  signingKeyNotFound: () => new ControlError(404, 'signing_key_not_found', 'There is no such signing key.'),
  signingKeyExists: (kid: string) =>
    new ControlError(
      409,
      'signing_key_exists',
      `The project has a signing key with the kid "${kid}" already.`,
    ),
  signingKeyStatus: (from: string, to: string) =>
    new ControlError(
      409,
      'signing_key_status',
      from === 'in_use'
        ? 'The key is in use. Put another one in its place first.'
        : `A key that is ${from} cannot become ${to}.`,
    ),
  signingKeyNotDeletable: (status: string) =>
    new ControlError(
      409,
      'signing_key_not_deletable',
      `Only revoked keys can be deleted, and never the JWT secret; this one is ${status}.`,
    ),
  tooManySigningKeys: (max: number) =>
    new ControlError(422, 'too_many_signing_keys', `A project has ${max} signing keys at most.`),
  apiKeyNotFound: () => new ControlError(404, 'api_key_not_found', 'There is no such API key.'),
  apiKeyNameTaken: (name: string) =>
    new ControlError(409, 'api_key_name_taken', `The project has a key of that type called ${name} already.`),
  functionNotFound: () => new ControlError(404, 'function_not_found', 'There is no such edge function.'),
  snippetNotFound: () => new ControlError(404, 'snippet_not_found', 'There is no such snippet.'),
  lastOwner: () =>
    new ControlError(409, 'last_owner', 'An organization needs an owner. Make somebody else an owner first.'),
  memberNotFound: () => new ControlError(404, 'member_not_found', 'There is no such member.'),
  alreadyMember: () => new ControlError(409, 'already_member', 'This person is a member already.'),
  invitationNotFound: () =>
    new ControlError(
      404,
      'invitation_not_found',
      'There is no such invitation for you. It may have expired, been used or been withdrawn.',
    ),
  organizationNotEmpty: (projects: number) =>
    new ControlError(
      409,
      'organization_not_empty',
      `The organization still has ${projects} project${projects === 1 ? '' : 's'}. Delete or transfer them first.`,
    ),
  platformStays: () =>
    new ControlError(
      409,
      'platform_project',
      'This is the platform project: it cannot be paused, deleted or given away.',
    ),
  branchStays: () =>
    new ControlError(409, 'is_branch', 'A branch belongs where its project is. Transfer the project.'),
  userNotFound: () => new ControlError(404, 'user_not_found', 'There is no such user.'),
  tokenNotFound: () => new ControlError(404, 'access_token_not_found', 'There is no such access token.'),
  /** For what the Management API has and this platform does not: the sentence says so, and what there is instead. */
  notAvailable: (sentence: string) => new ControlError(501, 'not_available', sentence),

  clusterNotFound: () => new ControlError(404, 'cluster_not_found', 'There is no such cluster.'),
  clusterNameTaken: (name: string) =>
    new ControlError(409, 'cluster_name_taken', `There is a cluster called ${name} already.`),
  clusterKnown: () =>
    new ControlError(409, 'cluster_known', 'This server is one of the platform’s clusters already.'),
  clusterUnsafe: (why: string) =>
    new ControlError(409, 'cluster_unsafe', `Projects would not be safe on this server. ${why}`),
  clusterNotAdopted: (why: string) =>
    new ControlError(
      409,
      'cluster_not_adopted',
      `The server has to be made ready first. Say that it may be changed (adopt). ${why}`,
    ),
  clusterInUse: (projects: number) =>
    new ControlError(
      409,
      'cluster_in_use',
      `The cluster holds ${projects} project${projects === 1 ? '' : 's'}. Delete them first.`,
    ),
  homeStays: () =>
    new ControlError(409, 'home_cluster', 'The home cluster holds the platform itself and stays.'),
  clusterUnreachable: (why: string, cause: unknown) =>
    new ControlError(502, 'cluster_unreachable', `The server could not be used: ${why}`, { cause }),

  refTaken: (ref: string) =>
    new ControlError(409, 'ref_taken', `A project with the ref ${ref} exists already.`),
  subdomainTaken: (subdomain: string) =>
    new ControlError(409, 'subdomain_taken', `The subdomain ${subdomain} is taken. Choose another one.`),
  subdomainReserved: (subdomain: string) =>
    new ControlError(
      422,
      'subdomain_reserved',
      `The subdomain ${subdomain} is reserved. Choose another one.`,
    ),
  wrongStatus: (status: string, wanted: string) =>
    new ControlError(409, 'wrong_status', `The project is ${status}, so it cannot be ${wanted} now.`),
  notActive: (status: string) =>
    new ControlError(
      409,
      'project_not_active',
      status === 'INACTIVE'
        ? 'The project is paused. Resume it first.'
        : `The project is ${status}, so its database cannot be used now.`,
    ),
  changeFailed: (what: string, cause: unknown) =>
    new ControlError(500, 'change_failed', `The project could not be ${what}: ${reasonOf(cause)}`, { cause }),
  databaseUnavailable: (cause: unknown) =>
    new ControlError(503, 'database_unavailable', 'The database does not answer at the moment. Try again.', {
      cause,
      retryAfterSeconds: 1,
    }),
  notRecorded: (cause: unknown) =>
    new ControlError(
      503,
      'not_recorded',
      'The change may have taken place, but its entry in the audit log could not be written. Look before you repeat it.',
      { cause },
    ),
  cancelled: (cause: unknown) =>
    new ControlError(504, 'cancelled', 'The work in the database took too long and was cancelled.', {
      cause,
    }),
  outcomeUnknown: (cause: unknown) =>
    new ControlError(
      503,
      'outcome_unknown',
      'The connection to the database broke after the statements were sent. Look whether they took effect before you repeat them.',
      { cause },
    ),
  sqlRefused: (sentence: string, sql?: SqlErrorDetails) =>
    new ControlError(400, 'sql_refused', sentence, sql === undefined ? {} : { sql }),
}

/** One line a person can use; never a stack. */
export const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? 'unknown'
