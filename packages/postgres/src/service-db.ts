import type { Budget } from './pool/budget.ts'
import { lease } from './pool/lease.ts'
import { PipelineJob } from './pool/pipeline-job.ts'
import { createQueryable } from './queryable.ts'
import { beginReadWrite, runTransaction } from './transaction.ts'
import type { Db, PipelineRequest, PipelineResult, ServiceRole, Step } from './types.ts'
import { encodeValue } from './values.ts'

/**
 * Every setting under which services read and write, pinned in each flight: a customer's trigger may change any of them in
 * the middle of a transaction. `pg_temp` stands last, or a temporary table would hide a catalog one; services qualify
 * every name outside pg_catalog.
 */
const pinned: Readonly<Record<string, string>> = {
  search_path: 'pg_catalog, pg_temp',
  timezone: 'UTC',
  datestyle: 'ISO, MDY',
  intervalstyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
  array_nulls: 'on',
  xmloption: 'content',
  row_security: 'on',
  check_function_bodies: 'on',
  client_min_messages: 'warning',
  // Services do short work; whoever waits longer than this waits for a customer's lock.
  lock_timeout: '10s',
  statement_timeout: '30s',
  idle_in_transaction_session_timeout: '30s',
}

/** Statements of a platform service under its own role. */
export function createServiceDb(budget: Budget, database: string, role: ServiceRole): Db {
  const settings = [['role', role], ...Object.entries(pinned)] as const
  const pin: Step = { text: pinText, values: settings.flat(), plan: '(service)' }
  const queryable = createQueryable(async (query) => {
    const step = { text: query.text, values: query.values.map(encodeValue), plan: role }
    const [result] = await runPipeline(budget, database, { settings, steps: [step], isRead: false })
    if (result === undefined) throw new Error('the statement had no result')
    return result
  })
  return {
    ...queryable,
    transaction: (work) =>
      runTransaction(
        {
          lease: () => lease((waiter) => budget.acquire(database, 'svc', waiter)),
          clean: true,
          begin: beginReadWrite,
          prelude: [pin],
          plan: role,
          allowsScripts: false,
        },
        work,
      ),
  }
}

const pinText = `select ${['role', ...Object.keys(pinned)]
  .map((_, i) => `pg_catalog.set_config($${2 * i + 1}, $${2 * i + 2}, true)`)
  .join(', ')}`

/** A service's statement may write, so it is never repeated once it was sent. */
function runPipeline(budget: Budget, database: string, request: PipelineRequest): Promise<PipelineResult> {
  return new Promise((resolve, reject) => {
    new PipelineJob(
      request,
      (waiter) => budget.acquire(database, 'svc', waiter),
      () => {},
      resolve,
      reject,
    ).start()
  })
}
