import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startPlatform } from '@favo/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { createSupabaseCli, findSupabaseCli } from './support/supabase-cli.ts'

const program = await findSupabaseCli()

test.skipIf(program === null)(
  'Supabase’s CLI pushes all of config.toml that a project has, and finds no difference but what the platform decides',
  async () => {
    const platform = await startPlatform()
    const { apiUrl, domain, token } = platform
    const cli = await createSupabaseCli(program ?? '', { apiUrl, domain, token })
    onTestFinished(() => cli.close())
    const { ref } = await platform.createProject({ name: 'configured' })
    await cli.ok('init', '--yes')
    await cli.ok('link', '--project-ref', ref)
    const path = join(cli.directory, 'supabase/config.toml')
    const text = (await readFile(path, 'utf8'))
      .replace('max_rows = 1000', 'max_rows = 77')
      .replace(/^schemas = .*$/m, 'schemas = ["public", "extensions"]')
      .replace(/^allowed_cidrs = .*$/m, 'allowed_cidrs = ["203.0.113.0/24"]')
      .replace(/^allowed_cidrs_v6 = .*$/m, 'allowed_cidrs_v6 = ["2001:db8::/32"]')
      .replace(/(\[db\.network_restrictions\][^]*?enabled = )false/, '$1true')
    await writeFile(
      path,
      `${text}\n[db.settings]\nwork_mem = "9MB"\nstatement_timeout = "30s"\n\n[db.ssl_enforcement]\nenabled = true\n`,
    )
    await cli.ok('config', 'push', '--remote', '--yes')

    const get = (part: string) => platform.api('GET', `/v1/projects/${ref}${part}`)
    expect(await get('/postgrest')).toMatchObject({ max_rows: 77, db_schema: 'public, extensions' })
    expect(await get('/config/database/postgres')).toEqual({ work_mem: '9MB', statement_timeout: '30s' })
    expect(await get('/network-restrictions')).toMatchObject({
      config: { dbAllowedCidrs: ['203.0.113.0/24'], dbAllowedCidrsV6: ['2001:db8::/32'] },
    })
    expect(await get('/ssl-enforcement')).toMatchObject({ currentConfig: { database: true } })

    const { out, code } = await cli.run(['config', 'diff', '--remote'])
    expect(code).toBe(0)
    expect([...out.matchAll(/^(\S+) \[/gm)].map(([, name]) => name)).toEqual([
      'db.major_version',
      'db.pooler.default_pool_size',
      'db.pooler.max_client_conn',
    ])
  },
)
