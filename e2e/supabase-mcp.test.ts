import { startPlatform, type TestPlatform } from '@favo/testkit'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { openMcpSession, type McpSession } from './support/mcp-session.ts'
import { startTlsFront } from './support/tls-front.ts'

// A session of an agent with Supabase's own MCP server.

vi.setConfig({ testTimeout: 60_000 })
let platform: TestPlatform
let session: McpSession
let ref: string

beforeAll(async () => {
  platform = await startPlatform()
  session = await openMcpSession(platform.apiUrl, platform.token)
})
afterAll(async () => {
  await session.close()
  await platform.close()
})

const open = async (...flags: readonly string[]) => {
  const opened = await openMcpSession(platform.apiUrl, platform.token, flags)
  onTestFinished(() => opened.close())
  return opened
}
const onProject = (tool: string, input: Record<string, unknown> = {}) =>
  session.call(tool, { project_id: ref, ...input })

/** An agent asks what it costs and says that it is agreed. */
async function confirmCost(type: 'project' | 'branch'): Promise<string> {
  const cost = await session.call('get_cost', { type, organization_id: 'default' })
  const confirmed = await session.call('confirm_cost', {
    type,
    recurrence: cost.includes('hourly') ? 'hourly' : 'monthly',
    amount: Number(/\d+(\.\d+)?/.exec(cost)?.[0] ?? 0),
  })
  return (JSON.parse(confirmed) as { confirmation_id: string }).confirmation_id
}

test('lists organizations, makes a project in one, and finds it', async () => {
  expect(await session.call('list_organizations')).toContain('default')
  expect(await session.call('get_organization', { id: 'default' })).toContain('platform')
  const created = await session.call('create_project', {
    name: 'made by an agent',
    region: 'us-east-1',
    organization_id: 'default',
    confirm_cost_id: await confirmCost('project'),
  })
  ref = /[a-z]{20}/.exec(created)?.[0] ?? ''
  expect(await session.call('list_projects')).toContain(ref)
  expect(await session.call('get_project', { id: ref })).toContain('ACTIVE_HEALTHY')
})

test('applies migrations and sees what they made', async () => {
  await onProject('apply_migration', {
    name: 'todos',
    query: 'create table todos (id int primary key, list_id int); create index on todos (list_id)',
  })
  expect(await onProject('list_migrations')).toContain('todos')
  expect(await onProject('list_tables', { schemas: ['public'], verbose: true })).toContain('list_id')
  expect(await onProject('list_extensions')).toContain('pgcrypto')
})

test('runs SQL, and hears what Postgres says of mistakes', async () => {
  expect(await onProject('execute_sql', { query: 'insert into todos values (1) returning id' })).toContain(
    '1',
  )
  await expect(onProject('execute_sql', { query: 'select * from nothing' })).rejects.toThrow(
    'relation \\"nothing\\" does not exist',
  )
})

test('gets types, advice, the address and the keys that may be public', async () => {
  expect(await onProject('generate_typescript_types')).toContain('todos: {')
  expect(await onProject('get_advisors', { type: 'security' })).toContain('rls_disabled_in_public')
  expect(await onProject('get_advisors', { type: 'performance' })).toContain('unused_index')
  const keys = await onProject('get_publishable_keys')
  expect(keys).toContain('sb_publishable_')
  expect(keys).not.toContain('sb_secret_')
  expect(await onProject('get_project_url')).toContain(ref)
})

test('hears the truth about functions and logs', async () => {
  expect(await onProject('list_edge_functions')).toContain('[]')
  expect(await onProject('get_logs', { service: 'api' })).toContain('keeps no logs')
})

test('in read-only mode nothing can be changed, whatever the SQL says', async () => {
  const readOnly = await open('--read-only', '--project-ref', ref)
  expect(await readOnly.call('execute_sql', { query: 'select count(*) from todos' })).toContain('1')
  for (const query of [
    'delete from todos',
    'commit; delete from todos',
    'set transaction read write; delete from todos',
  ])
    await expect(readOnly.call('execute_sql', { query }), query).rejects.toThrow()
  expect(await onProject('execute_sql', { query: 'select count(*) from todos' })).toContain('1')
})

test('a session that is bound to one project sees no other', async () => {
  const other = await platform.createProject()
  // Without the search in Supabase's documentation, for which it would ask the internet.
  const bound = await open('--project-ref', ref, '--features', 'account,database,development')
  expect(await bound.listTools()).not.toContain('list_projects')
  expect(await bound.call('get_project_url')).toContain(ref)
  expect(await bound.call('execute_sql', { query: 'select id from todos' })).toContain('1')
  await expect(bound.call('execute_sql', { project_id: other.ref, query: 'select 1' })).rejects.toThrow()
})

test('a wrong token learns nothing', async () => {
  const stranger = await openMcpSession(platform.apiUrl, `sbp_${'0'.repeat(40)}`)
  onTestFinished(() => stranger.close())
  await expect(stranger.call('list_projects')).rejects.toThrow(/not valid|Unauthorized/)
  await expect(stranger.call('execute_sql', { project_id: ref, query: 'select 1' })).rejects.toThrow()
})

test('the same over TLS', async () => {
  const front = await startTlsFront(platform.port)
  onTestFinished(() => front.close())
  const secure = await openMcpSession(front.url, platform.token, [], {
    NODE_EXTRA_CA_CERTS: front.certificateFile,
  })
  onTestFinished(() => secure.close())
  expect(await secure.call('list_projects')).toContain(ref)
})

test('branches, and takes the branch’s migration home', async () => {
  const created = await onProject('create_branch', {
    name: 'feature',
    confirm_cost_id: await confirmCost('branch'),
  })
  const branch = JSON.parse(created) as { id: string; project_ref: string }
  expect(await onProject('list_branches')).toContain('feature')
  await session.call('apply_migration', {
    project_id: branch.project_ref,
    name: 'more',
    query: 'create table more (id int primary key)',
  })
  await session.call('merge_branch', { branch_id: branch.id })
  expect(await onProject('list_tables', { schemas: ['public'] })).toContain('more')
  await session.call('delete_branch', { branch_id: branch.id })
  expect(await onProject('list_branches')).not.toContain('feature')
})

test('pauses and restores a project', async () => {
  await onProject('pause_project')
  expect(await session.call('get_project', { id: ref })).toContain('INACTIVE')
  await onProject('restore_project')
  expect(await onProject('execute_sql', { query: 'select id from todos' })).toContain('1')
})
