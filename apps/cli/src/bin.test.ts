import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const bin = join(import.meta.dirname, '../bin/favo.mjs')

test('the installed command runs and passes its exit code on', async () => {
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, [bin, '--help'], { cwd: '/' })
  expect(stdout).toContain('Usage: favo')
  const failed = run(process.execPath, [bin, 'projects', 'list'], {
    cwd: '/',
    env: { PATH: process.env.PATH, FAVO_HOME: '/nonexistent/favo' },
  })
  await expect(failed).rejects.toMatchObject({
    code: 3,
    stdout: '',
    stderr: expect.stringContaining('npm start') as string,
  })
})
