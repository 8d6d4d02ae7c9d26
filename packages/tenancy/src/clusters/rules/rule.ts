import type { Endpoint } from '@favo/postgres'
import type { AdminSession } from '../../admin.ts'

/** What a look at a cluster found, one for each rule. */
export interface Finding {
  readonly rule: string
  /** `failed`: unsafe, or it cannot work; no project is put there. `warning`: a layer is missing, or something is slower. */
  readonly status: 'ok' | 'warning' | 'failed'
  readonly message: string
  /** What to do about it; null where nothing is to be done. */
  readonly mend: string | null
  /** Adopting the cluster does it. */
  readonly is_mended_by_adoption: boolean
}

export interface RuleContext {
  readonly endpoint: Endpoint
  /** Of this platform: what its clusters are marked with. Null for the home cluster, which needs no mark. */
  readonly platformId: string | null
}

export type Rule = (session: AdminSession, context: RuleContext) => Promise<Finding>

const finding =
  (status: Finding['status'], isMendedByAdoption: boolean) =>
  (rule: string, message: string, mend: string | null = null): Finding => ({
    rule,
    status,
    message,
    mend,
    is_mended_by_adoption: isMendedByAdoption,
  })

export const ok = finding('ok', false)
export const warning = finding('warning', false)
export const failed = finding('failed', false)
/** Failed until the cluster is adopted. */
export const adoptable = finding('failed', true)
