import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')

interface Import {
  readonly file: string
  readonly area: string
  readonly workspace: string
  readonly target: string
}

const areas = ['apps', 'services', 'packages'] as const
const workspaceOf = new Map<string, { area: string; name: string }>(
  areas.flatMap((area) =>
    readdirSync(join(root, area)).map((name) => [`@favo/${name}`, { area, name }] as const),
  ),
)

function* sourceFiles(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue
    const path = join(directory, entry.name)
    if (entry.isDirectory()) yield* sourceFiles(path)
    else if (/\.(ts|tsx)$/.test(entry.name)) yield path
  }
}

/** Imports of product code; tests may reach for the testkit and the whole platform. */
const imports: Import[] = [...areas].flatMap((area) =>
  readdirSync(join(root, area)).flatMap((workspace) =>
    [...sourceFiles(join(root, area, workspace, 'src'))]
      .filter((file) => !/\.test\.ts$|\/(test|attacks)\//.test(file))
      .flatMap((file) =>
        [...readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'([^']+)'/g)].map((match) => ({
          file: relative(root, file),
          area,
          workspace,
          target: match[1] ?? '',
        })),
      ),
  ),
)
const ours = imports.flatMap((found) => {
  const target = workspaceOf.get(found.target)
  return target === undefined ? [] : [{ ...found, to: target }]
})

test('packages of ours are imported through their front door', () => {
  const inside = imports.filter(({ target }) => /^@favo\/[^/]+\//.test(target))
  expect(inside).toEqual([])
})

test('relative imports stay inside their workspace', () => {
  const outside = imports.filter(({ file, area, workspace, target }) => {
    if (!target.startsWith('.')) return false
    return !resolve(root, dirname(file), target).startsWith(join(root, area, workspace))
  })
  expect(outside).toEqual([])
})

test('services never import services, nor apps', () => {
  expect(ours.filter(({ area, to }) => area === 'services' && to.area !== 'packages')).toEqual([])
})

test('packages import packages only (the testkit starts the whole server)', () => {
  const wrong = ours.filter(
    ({ area, workspace, to }) => area === 'packages' && workspace !== 'testkit' && to.area !== 'packages',
  )
  expect(wrong).toEqual([])
})

test('the command line speaks HTTP: contracts, client and runtime only', () => {
  const wrong = ours.filter(
    ({ workspace, area, to }) =>
      area === 'apps' && workspace === 'cli' && !['contracts', 'client', 'runtime'].includes(to.name),
  )
  expect(wrong).toEqual([])
})

test('contracts and runtime import nothing of ours', () => {
  expect(ours.filter(({ workspace }) => workspace === 'contracts' || workspace === 'runtime')).toEqual([])
})

test('packages form no cycles', () => {
  const edges = new Map<string, Set<string>>()
  for (const { area, workspace, to } of ours)
    if (area === 'packages' && workspace !== 'testkit' && to.name !== workspace)
      edges.set(workspace, (edges.get(workspace) ?? new Set()).add(to.name))
  const reaches = (from: string, goal: string, seen = new Set<string>()): boolean =>
    [...(edges.get(from) ?? [])].some(
      (next) => next === goal || (!seen.has(next) && reaches(next, goal, seen.add(next))),
    )
  expect([...edges.keys()].filter((name) => reaches(name, name))).toEqual([])
})

test('only entry points read the environment, listen on a fixed port or end the process', () => {
  const wrong = [...areas]
    .flatMap((area) => readdirSync(join(root, area)).map((workspace) => join(root, area, workspace, 'src')))
    .flatMap((directory) => [...sourceFiles(directory)])
    .filter((file) => !/\.test\.ts$|\/main\.ts$|packages\/testkit\/|\/(test|attacks)\//.test(file))
    .filter((file) => /process\.env\b(?!\.PATH)|process\.exit\(/.test(readFileSync(file, 'utf8')))
    .map((file) => relative(root, file))
  expect(wrong).toEqual([])
})

test('the REST service does no input or output while it parses, plans and compiles', () => {
  const pure = imports.filter(({ file }) => /^services\/rest\/src\/(parse|plan|compile)\//.test(file))
  expect(pure.filter(({ target }) => /^(node:(fs|net|http)|pg|fastify)/.test(target))).toEqual([])
})
