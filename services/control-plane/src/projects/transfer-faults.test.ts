import type { Branch, ProjectDetails } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  eventually,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
let target: string
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
  target = (await control.request<{ slug: string }>('POST', '/organizations', { name: 'Target' })).body.slug
})
afterAll(() => platform.close())

const ownersOf = (ref: string) =>
  platform.db.many<{ organization_id: string }>(sql`
    select organization_id from control.projects
    where ref = ${ref} or ref in (select b.ref from control.branches b where b.parent_ref = ${ref})`)
const noted = (ref: string) =>
  platform.db.many<{ operation: string }>(sql`
    select operation from control.audit_log
    where target = ${ref} and status is null and operation in ('projects.transfer', 'projects.receive') order by id`)

/** The tables that a transfer writes to, in its order: what it waits for is the step it is killed in. */
test.each(['control.projects', 'control.audit_log'])(
  'a platform that is killed while a transfer writes to %s leaves the project where it was, with its branches',
  async (table) => {
    const { ref } = (await control.request<ProjectDetails>('POST', '/projects', { name: 'moving' })).body
    const branch = await control.request<Branch>('POST', `/projects/${ref}/branches`, { branch_name: 'b' })
    expect(branch.status).toBe(201)
    const first = await platform.start()
    const killed = await platform.admin((admin) =>
      admin.transaction(async (tx) => {
        await tx.run(sql`lock table ${sql.trusted(table)} in share mode`)
        const reply = first
          .request('POST', `/projects/${ref}/transfer`, { target_organization_slug: target })
          .then(({ status }) => status)
        const waiting = async () =>
          (
            await tx.many<{ pid: number }>(sql`
              select pid from pg_locks where not granted and relation = ${table}::regclass
                and database = (select oid from pg_database where datname = current_database())`)
          )[0]?.pid
        await eventually(waiting).toBeDefined()
        // The process and all its sessions are gone.
        await tx.run(sql`select pg_terminate_backend(${(await waiting()) ?? 0})`)
        return { reply }
      }),
    )
    expect(await killed.reply).toBe(503)
    await first.die()
    expect(new Set((await ownersOf(ref)).map((row) => row.organization_id))).toEqual(new Set(['default']))
    expect(await noted(ref)).toEqual([])

    const second = await platform.start()
    const again = await second.request<ProjectDetails>('POST', `/projects/${ref}/transfer`, {
      target_organization_slug: target,
    })
    expect([again.status, again.body.status]).toEqual([200, 'ACTIVE_HEALTHY'])
    expect(await ownersOf(ref)).toEqual([{ organization_id: target }, { organization_id: target }])
    expect(await noted(ref)).toEqual([{ operation: 'projects.transfer' }, { operation: 'projects.receive' }])
    await second.close()
    await first.close()
  },
)
