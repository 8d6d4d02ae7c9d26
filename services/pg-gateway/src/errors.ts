/** What a client is told in Postgres' own form before its connection ends (severity FATAL). */
export class Refusal extends Error {
  /** SQLSTATE. */
  readonly code: string
  readonly hint: string | null
  constructor(code: string, message: string, hint: string | null = null) {
    super(message)
    this.name = 'Refusal'
    this.code = code
    this.hint = hint
  }
}

/**
 * Those that are given before the password was proved are the same whether a project exists or not; the others may tell
 * their reason.
 */
export const refusals = {
  protocolViolation: (what: string) => new Refusal('08P01', what),
  handshakeTooSlow: () => new Refusal('57014', 'the sign-in took too long'),
  unsupportedProtocol: (version: number) =>
    new Refusal(
      '0A000',
      `unsupported frontend protocol ${version >>> 16}.${version & 0xffff}: server supports 3.0`,
    ),
  noUser: () => new Refusal('28000', 'no PostgreSQL user name specified in startup packet'),
  replication: () => new Refusal('0A000', 'replication connections are not available'),
  /** The words of Postgres itself, for a wrong password, an unknown project and a role that cannot sign in. */
  wrongPassword: (user: string) =>
    new Refusal('28P01', `password authentication failed for user "${user.slice(0, 200)}"`),
  tooManyFailures: () =>
    new Refusal('28000', 'too many failed sign-ins from this address', 'Wait a minute, then try again.'),
  banned: () =>
    new Refusal(
      '28000',
      'connections from this address are refused for a while, after too many wrong passwords',
      'Whoever administers the project can lift the ban, for example by `favo network unban`.',
    ),
  tlsRequired: () =>
    new Refusal('28000', 'SSL connection is required by this project', 'Connect with sslmode=require.'),
  tooManyPending: () => new Refusal('53300', 'too many connections are being opened from this address'),
  expiredPassword: (user: string) => new Refusal('28P01', `password of user "${user}" has expired`),
  forbiddenAddress: (address: string) =>
    new Refusal(
      '28000',
      `connections from ${address} are not allowed by the network restrictions of this project`,
    ),
  unknownDatabase: (name: string) =>
    new Refusal(
      '3D000',
      `database "${name.slice(0, 200)}" does not exist`,
      'A project has one database; connect to "postgres".',
    ),
  paused: () =>
    new Refusal('57P03', 'the project is paused', 'Resume it, for example by `favo projects resume`.'),
  notRunning: (status: string) =>
    new Refusal('57P03', `the project cannot be used now: its status is ${status}`),
  gone: () => new Refusal('57P01', 'the project has been deleted'),
  shuttingDown: () => new Refusal('57P01', 'the server is shutting down'),
  tooManyOfProject: (count: number) =>
    new Refusal(
      '53300',
      `the project has ${count} connections already, which is the limit`,
      'Close some, or use the transaction port, where idle connections cost nothing.',
    ),
  tooManyInAll: () =>
    new Refusal(
      '53300',
      'the server has no connection left for another session',
      'Try again in a moment, or use the transaction port, where idle connections cost nothing.',
    ),
  waitedInVain: () =>
    new Refusal(
      '53300',
      'no database connection came free in time',
      'Shorter transactions free them sooner.',
    ),
  databaseUnreachable: () => new Refusal('57P03', 'the database cannot be reached at the moment'),
  connectionLost: () =>
    new Refusal(
      '08006',
      'the connection to the database broke',
      'What was underway may or may not have been committed.',
    ),
  heldTooLong: (seconds: number) =>
    new Refusal(
      '25P03',
      `terminating connection: nothing happened in an open transaction for ${seconds} seconds`,
      'Transactions on this port have to be short; use the session port for long ones.',
    ),
  tooManyStatements: () =>
    new Refusal('54000', 'too many prepared statements in one connection', 'Use the session port.'),
  messageTooLarge: (bytes: number) =>
    new Refusal(
      '54000',
      `a message of ${bytes} bytes is too large for the transaction port`,
      'Use the session port.',
    ),
}
