import type { ServiceName } from '@favo/contracts'
import type { Service } from '@favo/http'
import type { Db, Pools } from '@favo/postgres'
import type { Logger } from '@favo/runtime'
import type { Tenancy } from '@favo/tenancy'
import type { SecretBox } from '@favo/tokens'
import type { ClusterTools } from './clusters/cluster-keeper.ts'
import type { Instance } from './instance.ts'
import type { RunningChanges } from './projects/running-changes.ts'

/** Where things are, as clients are told. No slash at the end of any address. */
export interface Addresses {
  /** The control plane's own: `http://127.0.0.1:8000`. */
  readonly apiUrl: string
  /** `label` is a ref or a subdomain: `http://<label>.favo.localhost:8000`. */
  projectUrl(label: string): string
  /** `http://127.0.0.1:8000/p/<ref>` */
  pathUrl(ref: string): string
  /** Where customers reach Postgres: `port` gives each client a session, `transactionPort` a backend per transaction. */
  readonly database: { readonly host: string; readonly port: number; readonly transactionPort: number }
}

/** Of the Postgres gateway's transaction port, for one project. */
export interface Pooling {
  /** Connections to Postgres that its clients share. */
  readonly poolSize: number
  readonly clientsMax: number
  /** How long a transaction waits for one of them. */
  readonly waitSeconds: number
  /** After which an unused one is closed. */
  readonly idleSeconds: number
}

/** What the control plane's functions work with; made once. */
export interface Platform {
  /** The platform project's database, as the control plane's own login. */
  readonly db: Db
  readonly tenancy: Tenancy
  readonly clusters: ClusterTools
  readonly pools: Pick<Pools, 'forDatabase' | 'closeDatabase' | 'holdDatabase'>
  readonly secretBox: SecretBox
  readonly addresses: Addresses
  readonly pooling: Pooling
  /** Services that this platform has, for the health of a project. `db` is always there. */
  readonly services: ReadonlyMap<ServiceName, Pick<Service, 'checkHealth'>>
  readonly instance: Pick<Instance, 'number'>
  readonly running: RunningChanges
  /** Resolves when this process has heard of every change of a project that was committed before. */
  catchUp(): Promise<void>
  /** Sends what the outbox holds, now instead of at the next sweep. Call it after the commit. */
  deliverMails(): void
  /** How long a deleted project can be restored; zero: not at all. */
  readonly deleteGraceSeconds: number
  /** TXT records of a name, each in parts. Rejects with a `code` as node:dns has it. */
  resolveTxt(name: string): Promise<readonly (readonly string[])[]>
  readonly log: Logger
  readonly clock: () => Date
}
