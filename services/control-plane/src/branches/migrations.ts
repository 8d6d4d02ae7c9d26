import type { ControlContext } from '../context.ts'
import { ControlError } from '../errors.ts'
import { prepareMigrations, recordMigration, refuseAppliedVersion } from '../owner-sql/history.ts'
import { rowsToJson } from '../owner-sql/json-cells.ts'
import { MIGRATION_DEADLINE_MS } from '../owner-sql/limits.ts'
import { readHistory } from '../owner-sql/read-history.ts'
import { runOwnerSql, splitOwnerSql } from '../owner-sql/run-owner-sql.ts'
import { unwrapTransaction } from '../owner-sql/statement-kind.ts'

type Databases = Pick<ControlContext, 'pools' | 'signal'>

export interface AppliedMigration {
  readonly version: string
  readonly name: string
  /** Empty for one that was only marked as applied. */
  readonly statements: readonly string[]
}

/** All that a database remembers, in the order of versions. */
export async function readMigrations(ctx: Databases, database: string): Promise<AppliedMigration[]> {
  const result = await readHistory(
    ctx,
    database,
    `select version, to_jsonb(m) ->> 'name' as name, to_jsonb(m) -> 'statements' as statements
      from supabase_migrations.schema_migrations m order by version`,
  )
  if (result === null) return []
  return rowsToJson(result).map(({ version, name, statements }) => ({
    version: String(version),
    name: typeof name === 'string' ? name : '',
    statements: Array.isArray(statements) ? statements.map(String) : [],
  }))
}

/** What the one has and the other lacks, up to and including a version. */
export function findNew(
  from: readonly AppliedMigration[],
  to: readonly AppliedMigration[],
  upTo: string | undefined,
): AppliedMigration[] {
  const there = new Set(to.map(({ version }) => version))
  return from.filter(({ version }) => !there.has(version) && (upTo === undefined || version <= upTo))
}

/**
 * Applies migrations in order, each in a transaction of its own together with its row in the history, as the owner. What
 * somebody else applied meanwhile is passed over. Returns the versions that were applied.
 *
 * Throws what the first that fails says, with its name; those before it stay.
 */
export async function applyMigrations(
  ctx: Databases,
  database: string,
  migrations: readonly AppliedMigration[],
): Promise<string[]> {
  const applied: string[] = []
  for (const { version, name, statements } of migrations) {
    const source = joinStatements(statements)
    try {
      await runOwnerSql(ctx, database, {
        source,
        statements: unwrapTransaction(await splitOwnerSql(source)),
        before: [...prepareMigrations, refuseAppliedVersion(version)],
        after: recordMigration({ version, name, statements, rollback: null }, false),
        deadlineMs: MIGRATION_DEADLINE_MS,
      })
      applied.push(version)
    } catch (error) {
      if (!(error instanceof ControlError)) throw error
      if (error.code === '23505' && error.sql?.statement === null) continue
      const title = name === '' ? version : `${version}_${name}`
      throw new ControlError(error.status, error.code, `The migration ${title} failed: ${error.message}`, {
        ...(error.sql === undefined ? {} : { sql: error.sql }),
        cause: error,
      })
    }
  }
  return applied
}

/** A line of its own for each semicolon: a statement may end in a comment. */
export const joinStatements = (statements: readonly string[]): string =>
  statements.map((statement) => `${statement.replace(/;\s*$/, '')}\n;\n`).join('')
