import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { writeFiles } from '../../test/run-cli.ts'
import { findPending } from './find-pending.ts'
import { readLocalMigrations } from './local-migrations.ts'
import { readPushConfig } from './push-config.ts'
import { findPendingSeeds } from './seed-files.ts'

const local = (...versions: string[]) =>
  versions.map((version) => ({ version, name: 'x', file: `${version}_x.sql`, path: `/${version}_x.sql` }))

describe('what is pending', () => {
  test.each([
    ['nothing there', [], [], []],
    ['all new', ['1', '2'], [], ['1', '2']],
    ['some applied', ['1', '2', '3'], ['1'], ['2', '3']],
    ['all applied', ['1', '2'], ['1', '2'], []],
  ])('%s', (_name, versions, remote, expected) => {
    const pending = findPending(local(...versions), remote, false)
    expect(pending).toEqual({ kind: 'ready', migrations: local(...expected) })
  })

  test('versions that only the project has stop everything', () => {
    expect(findPending(local('1', '3'), ['1', '2'], true)).toEqual({
      kind: 'missingLocally',
      versions: ['2'],
    })
    expect(findPending([], ['1'], false)).toEqual({ kind: 'missingLocally', versions: ['1'] })
  })

  test('a file older than the newest applied one needs --include-all', () => {
    const files = local('1', '2', '3', '4')
    expect(findPending(files, ['1', '3'], false)).toEqual({ kind: 'outOfOrder', migrations: local('2') })
    expect(findPending(files, ['1', '3'], true)).toEqual({ kind: 'ready', migrations: local('2', '4') })
  })
})

describe('migration files', () => {
  test('come in the order of their names; others are named and skipped', async () => {
    const directory = await writeFiles({
      '20260102_b.sql': '',
      '20260101_a_b.sql': '',
      'notes.md': '',
      'nodigits_a.sql': '',
      'sub/20250101_x.sql': '',
    })
    const { migrations, skipped } = await readLocalMigrations(directory)
    expect(migrations.map(({ version, name }) => [version, name])).toEqual([
      ['20260101', 'a_b'],
      ['20260102', 'b'],
    ])
    expect(skipped).toHaveLength(2)
  })

  test('the first file of old CLIs is skipped, later ones of that name are not', async () => {
    const old = await readLocalMigrations(await writeFiles({ '20210101000000_init.sql': '' }))
    expect(old.migrations).toEqual([])
    const recent = await readLocalMigrations(await writeFiles({ '20240101000000_init.sql': '' }))
    expect(recent.migrations).toHaveLength(1)
  })

  test('two of one version are refused', async () => {
    const directory = await writeFiles({ '1_a.sql': '', '1_b.sql': '' })
    await expect(readLocalMigrations(directory)).rejects.toThrow('Two migrations have the version 1.')
  })

  test('no folder means no migrations', async () => {
    expect(await readLocalMigrations('/nonexistent')).toEqual({ migrations: [], skipped: [] })
  })
})

describe('config.toml', () => {
  const read = async (text: string) =>
    readPushConfig(join(await writeFiles({ 'supabase/config.toml': text }), 'supabase/config.toml'))

  test('a missing file and an empty one mean the defaults', async () => {
    const defaults = { migrationsEnabled: true, seedEnabled: true, seedPaths: ['seed.sql'] }
    expect(await readPushConfig('/nonexistent/config.toml')).toEqual(defaults)
    expect(await read('project_id = "x"\n[db]\nport = 54322\n')).toEqual(defaults)
  })

  test('the sections of db are read', async () => {
    expect(
      await read('[db.migrations]\nenabled = false\n[db.seed]\nenabled = false\nsql_paths = ["a/*.sql"]\n'),
    ).toEqual({ migrationsEnabled: false, seedEnabled: false, seedPaths: ['a/*.sql'] })
  })

  test('what cannot be read is named', async () => {
    await expect(read('[db.seed\n')).rejects.toThrow(/config\.toml cannot be read: /)
    await expect(read('[db.seed]\nenabled = "yes"\n')).rejects.toThrow('config.toml: db.seed.enabled: ')
  })
})

describe('seed files', () => {
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')

  test('patterns are relative to supabase/, keep their order, and name no file twice', async () => {
    const workdir = await writeFiles({
      'supabase/seed.sql': '0',
      'supabase/seeds/b.sql': 'b',
      'supabase/seeds/a.sql': 'a',
      'supabase/seeds/.hidden': 'x',
      'supabase/seeds/deep/c1.sql': 'c',
    })
    const { seeds, unmatched } = await findPendingSeeds(
      workdir,
      ['./seeds/*.sql', 'seed.sql', 'seeds/a.sql', 'seeds/*/c[0-9].sql', 'none/*.sql', 'missing.sql'],
      [],
    )
    expect(seeds.map(({ path }) => path)).toEqual([
      'supabase/seeds/a.sql',
      'supabase/seeds/b.sql',
      'supabase/seed.sql',
      'supabase/seeds/deep/c1.sql',
    ])
    expect(unmatched).toEqual(['supabase/none/*.sql', 'supabase/missing.sql'])
  })

  test('what was run is left out, what changed since is marked', async () => {
    const workdir = await writeFiles({ 'supabase/a.sql': 'a', 'supabase/b.sql': 'b', 'supabase/c.sql': 'c' })
    const { seeds } = await findPendingSeeds(
      workdir,
      ['*.sql'],
      [
        { path: 'supabase/a.sql', hash: hash('a') },
        { path: 'supabase/b.sql', hash: hash('before') },
      ],
    )
    expect(seeds).toEqual([
      { path: 'supabase/b.sql', hash: hash('b'), text: 'b', hasChanged: true },
      { path: 'supabase/c.sql', hash: hash('c'), text: 'c', hasChanged: false },
    ])
  })

  test('a question mark is one character and a dot is a dot', async () => {
    const workdir = await writeFiles({ 'supabase/a1.sql': '', 'supabase/a12.sql': '', 'supabase/a1xsql': '' })
    const { seeds } = await findPendingSeeds(workdir, ['a?.sql'], [])
    expect(seeds.map(({ path }) => path)).toEqual(['supabase/a1.sql'])
  })
})
