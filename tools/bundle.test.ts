import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { bundle } from './bundle.mjs'

/** A program of two workspaces and an installed package, and what its bundle exports. */
async function makeProgram() {
  const root = await mkdtemp(join(tmpdir(), 'favo-bundle-'))
  onTestFinished(() => rm(root, { recursive: true }))
  const put = async (path: string, text: string) => {
    await mkdir(join(root, path, '..'), { recursive: true })
    await writeFile(join(root, path), text)
  }
  await put('package-lock.json', '{}')
  await put(
    'apps/main.ts',
    `export { greet, here } from '@x/words'\nexport const where: string = import.meta.url`,
  )
  await put('packages/words/package.json', '{"name":"@x/words","type":"module","exports":"./words.ts"}')
  await put(
    'packages/words/words.ts',
    `import { mark } from 'installed'\nexport const here: string = import.meta.dirname\nexport const greet = () => 'hello' + mark\nexport const later = () => import('./later.ts')`,
  )
  await put('packages/words/later.ts', 'export const later: number = 1')
  await put('node_modules/installed/package.json', '{"type":"module","exports":"./index.js"}')
  await put('node_modules/installed/index.js', `export const mark = '!'`)
  await mkdir(join(root, 'node_modules/@x'))
  await symlink('../../packages/words', join(root, 'node_modules/@x/words'))
  const cache = join(root, 'node_modules/.cache')
  const make = () => bundle({ root, cache, file: join(root, 'apps/main.ts') })
  const load = async (path: string) =>
    (await import(pathToFileURL(path).href)) as { greet: () => string; here: string; where: string }
  return { root, put, make, load }
}

test('a program runs from its bundle as from its sources, and installed packages are left where they are', async () => {
  const { root, make, load } = await makeProgram()
  const program = await load(await make())
  expect(program.greet()).toBe('hello!')
  expect(program.here).toBe(join(root, 'packages/words'))
  expect(program.where).toBe(pathToFileURL(join(root, 'apps/main.ts')).href)
})

test('a bundle is used again until a source, a package.json or the lock file has another content', async () => {
  const { root, put, make, load } = await makeProgram()
  const made = [await make()]
  expect(await make()).toBe(made[0])
  await put('packages/words/words.ts', `export const greet = () => 'good morning'\nexport const here = ''`)
  made.push(await make())
  expect((await load(made[1] ?? '')).greet()).toBe('good morning')
  await put('packages/words/other.ts', `export const greet = () => 'other'\nexport const here = ''`)
  await put('packages/words/package.json', '{"name":"@x/words","type":"module","exports":"./other.ts"}')
  made.push(await make())
  expect((await load(made[2] ?? '')).greet()).toBe('other')
  await put('package-lock.json', '{"another":true}')
  made.push(await make())
  expect(new Set(made).size).toBe(4)
  await rm(join(root, 'node_modules/.cache'), { recursive: true })
  expect(await make()).toBe(made[3])
})

test('rivals get the same whole bundle', async () => {
  const { make, load } = await makeProgram()
  const paths = await Promise.all([make(), make(), make()])
  expect(new Set(paths).size).toBe(1)
  expect((await load(paths[0])).greet()).toBe('hello!')
})
