/** A cluster of its own with one project-like database: 1000 rows under row level security, of which anon sees 900. */
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded, superuser } from '@favo/cluster'
import { openDb, sql } from '@favo/postgres'
import { silentLogger } from '@favo/runtime'

/** Where the calibration signs in, as `<database>_api`. */
export interface Target {
  readonly endpoint: { readonly host: string; readonly port: number }
  readonly database: string
  readonly password: string
}

export interface BenchProject extends Target {
  /** Process id of the postmaster: its reaped children's CPU time is the database's work. */
  readonly postmasterPid: number
  stop(): Promise<void>
}

export async function startBenchProject(): Promise<BenchProject> {
  const directory = await mkdtemp(join(tmpdir(), 'favo-bench-'))
  // As root, the server runs as another user, who must get through.
  await chmod(directory, 0o711)
  const password = randomBytes(16).toString('hex')
  const server = await startEmbedded({
    directory,
    binariesDirectory: join(tmpdir(), 'favo-test-postgres'),
    password,
    port: 0,
    maxConnections: 100,
    extensionsDirectory: null,
    log: silentLogger(),
  })
  const { endpoint } = server
  const database = 'p_bench'
  const login = { endpoint, user: superuser, password, max: 1 }

  const maintenance = openDb({ ...login, database: 'postgres' })
  await maintenance.run(sql`create database ${sql.ident(database)}`)
  await maintenance.close()
  const db = openDb({ ...login, database })
  await db.run(sql`
    create role ${sql.ident(database)} nologin;
    create role anon nologin;
    create role ${sql.ident(`${database}_api`)} login noinherit password ${sql.literal(password)};
    grant anon, ${sql.ident(database)} to ${sql.ident(`${database}_api`)};
    create table todos (
      id bigint generated always as identity primary key,
      title text not null,
      is_public boolean not null,
      created_at timestamptz not null default now()
    );
    insert into todos (title, is_public) select 'todo number ' || n, n % 10 <> 0 from generate_series(1, 1000) n;
    alter table todos enable row level security;
    create policy "anybody reads public todos" on todos for select to anon using (is_public);
    grant select on todos to anon;
  `)
  await db.run(sql`vacuum analyze todos`)
  await db.close()
  return {
    endpoint,
    database,
    password,
    postmasterPid: server.pid() ?? 0,
    stop: async () => {
      await server.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** The two statements of a REST read, as they are measured everywhere here. */
export const contextText = (placeholders: readonly [string, string, string]): string =>
  `select set_config('role', ${placeholders[0]}, true), set_config('request.jwt.claims', ${placeholders[1]}, true), ` +
  `set_config('search_path', ${placeholders[2]}, true)`

export const readText =
  `select coalesce(json_agg(t), '[]')::text, count(*) ` +
  `from (select id, title, is_public, created_at from public.todos order by id limit 10) t`

export const contextValues = [
  'anon',
  '{"role":"anon","sub":"8d5b3f5e-8d5a-4f0e-9f0d-0a2b7c0e3b11"}',
  'public',
] as const
