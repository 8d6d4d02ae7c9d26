import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { runCli } from '../test/run-cli.ts'
import { createProgram } from './program.ts'

const terminal = { env: {}, cwd: '/', out: () => undefined, err: () => undefined, isInteractive: false }

/** Every command, as it is typed. */
function listCommands(
  command: Command,
  path: readonly string[] = [],
): { path: string[]; command: Command }[] {
  return command.commands.flatMap((child) => {
    const here = [...path, child.name()]
    return [{ path: here, command: child }, ...listCommands(child, here)]
  })
}
const commands = listCommands(createProgram(terminal))
const leaves = commands.filter(({ command }) => command.commands.length === 0)

test('the command line covers what one does with projects', () => {
  expect(leaves.map(({ path }) => path.join(' '))).toEqual(
    expect.arrayContaining([
      ...['create', 'list', 'get', 'pause', 'resume', 'restart', 'delete', 'status'].map(
        (verb) => `projects ${verb}`,
      ),
      ...['list', 'create', 'delete', 'merge', 'push', 'reset', 'diff'].map((verb) => `branches ${verb}`),
      ...['push', 'reset', 'dump', 'query'].map((verb) => `db ${verb}`),
      ...['new', 'list'].map((verb) => `migration ${verb}`),
      ...['list', 'add', 'verify', 'remove'].map((verb) => `domains ${verb}`),
      ...['get', 'restrict', 'unban', 'require-tls'].map((verb) => `network ${verb}`),
      ...['list', 'add', 'remove'].map((verb) => `clusters ${verb}`),
      ...['create', 'list', 'revoke'].map((verb) => `tokens ${verb}`),
      'doctor',
      'login-profile',
      'members list',
    ]),
  )
})

test('`branch` is `branches`', async () => {
  expect((await runCli(['branch', '--help'])).out).toBe((await runCli(['branches', '--help'])).out)
})

test.each(commands.map(({ path, command }) => [path.join(' '), path, command] as const))(
  '`favo %s --help` says what it does and what it takes',
  async (_name, path, command) => {
    const { code, out, err } = await runCli([...path, '--help'])
    expect([code, err]).toEqual([0, ''])
    expect(command.description()).toMatch(/^[a-zA-Z].{10,}/)
    expect(out).toContain(command.description().split(' ')[0])
    for (const option of command.options) {
      expect(option.description, option.flags).not.toBe('')
      expect(out).toContain(option.flags)
    }
  },
)

test.each(leaves.map(({ path, command }) => [path.join(' '), path, command] as const))(
  '`favo %s` ends with 2 when it is typed wrong, and prints JSON when asked',
  async (name, path, command) => {
    const { code, err } = await runCli([...path, '--no-such-option'])
    expect(code).toBe(2)
    expect(err).not.toBe('')
    // A dump is SQL.
    if (name !== 'db dump') expect(command.options.map(({ long }) => long)).toContain('--json')
  },
)

test('groups whose commands depend on each other show how they are used', async () => {
  for (const group of ['branches', 'domains', 'network', 'clusters'])
    expect((await runCli([group, '--help'])).out).toMatch(/Examples?:\n {2}npx favo/)
})
