import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { createInstallation } from '@favo/testkit'
import { expect, onTestFinished, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')

/** The shell blocks of the README's tour, and what it says the last of them prints. */
async function readTour(): Promise<{ commands: string[]; output: string }> {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const tour = readme.split(/^## /m).find((section) => section.startsWith('Five-minute tour')) ?? ''
  const blocks = [...tour.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
  const textOf = (language: string) =>
    blocks.filter((block) => block[1] === language).map((block) => block[2] ?? '')
  return { commands: textOf('sh'), output: textOf('')[0] ?? '' }
}

test('the README’s five-minute tour works as it is written', async () => {
  const { commands, output } = await readTour()
  expect(commands).toHaveLength(3)
  const favo = await createInstallation({ isUsed: true })
  await favo.start()
  const folder = await mkdtemp(join(tmpdir(), 'favo-tour-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))

  let printed = ''
  for (const command of commands) {
    const ours = command.replaceAll('/tmp/tour', folder)
    const { stdout } = await promisify(execFile)('sh', ['-ec', ours], {
      cwd: root,
      env: { ...process.env, FAVO_HOME: favo.home },
    })
    printed = stdout
  }
  expect(printed).toBe(output)
}, 90_000)
