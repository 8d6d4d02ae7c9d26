import { expect, test } from 'vitest'
import { createDirectory } from './directory.ts'
import type { DirectorySource } from './directory-source.ts'
import type { Project } from './project.ts'

function startDirectory(initial: readonly Partial<Project>[]) {
  const projects = new Map(
    initial.map((project) => [project.ref, { apiKeys: [], ...project } as unknown as Project]),
  )
  let notify: (ref: string | null) => void = () => undefined
  let queries = 0
  let isFollowing = true
  const find = async (matches: (project: Project) => boolean) => {
    queries += 1
    return [...projects.values()].find(matches) ?? null
  }
  const source: DirectorySource = {
    loadByRef: (ref) => find((project) => project.ref === ref),
    loadBySubdomain: (label) => find((project) => project.subdomain === label),
    loadByDomain: (hostname) => find((project) => project.domains?.includes(hostname) === true),
    loadByKeyHash: (hash) => find((project) => project.apiKeys.some((key) => key.hash === hash)),
    onChange: (listener) => (notify = listener),
    isFollowing: () => isFollowing,
  }
  return {
    directory: createDirectory(source),
    change: (ref: string, project: Partial<Project> | null) => {
      if (project === null) projects.delete(ref)
      else projects.set(ref, { apiKeys: [], ref, ...project } as unknown as Project)
      notify(ref)
    },
    interrupt: () => notify(null),
    follow: (is: boolean) => {
      isFollowing = is
      notify(null)
    },
    queries: () => queries,
  }
}

const ref = 'a'.repeat(20)

test('look-ups of one project that come together share one query', async () => {
  const { directory, queries } = startDirectory([{ ref, subdomain: 'demo' }])
  const found = await Promise.all([1, 2, 3].map(async () => directory.findByRef(ref)))
  expect(found.map((project) => project?.ref)).toEqual([ref, ref, ref])
  expect(queries()).toBe(1)
})

test('a known project is answered without a promise', async () => {
  const { directory } = startDirectory([{ ref, subdomain: 'demo' }])
  await directory.findByLabel('demo')
  expect(directory.findByLabel('demo')).toMatchObject({ ref })
  expect(directory.findByRef(ref)).toMatchObject({ ref })
})

test('the ref is a label, too', async () => {
  const { directory } = startDirectory([{ ref, subdomain: 'demo' }])
  expect(await directory.findByLabel(ref)).toMatchObject({ ref })
  expect(directory.findByLabel(ref)).toMatchObject({ ref })
})

test('a changed subdomain stops answering at once, and the new one answers', async () => {
  const { directory, change } = startDirectory([{ ref, subdomain: 'old' }])
  await directory.findByLabel('old')
  expect(await directory.findByLabel('new')).toBeNull()
  change(ref, { subdomain: 'new' })
  expect(await directory.findByLabel('old')).toBeNull()
  expect(await directory.findByLabel('new')).toMatchObject({ ref })
})

test('a revoked key stops working at once', async () => {
  const apiKeys = [{ id: '1', type: 'secret' as const, hash: 'h' }]
  const { directory, change } = startDirectory([{ ref, subdomain: 'demo', apiKeys }])
  expect(await directory.findByKeyHash('h')).toMatchObject({ ref })
  change(ref, { subdomain: 'demo', apiKeys: [] })
  expect(await directory.findByKeyHash('h')).toBeNull()
})

test('an answer that was under way when the project changed is not kept', async () => {
  const { directory, change, queries } = startDirectory([{ ref, subdomain: 'demo' }])
  const early = directory.findByRef(ref)
  change(ref, { subdomain: 'other' })
  await early
  expect(await directory.findByRef(ref)).toMatchObject({ subdomain: 'other' })
  expect(queries()).toBe(2)
})

test('guesses reach the source once, until something changes', async () => {
  const { directory, interrupt, queries } = startDirectory([])
  await directory.findByRef('b'.repeat(20))
  await directory.findByRef('b'.repeat(20))
  expect(queries()).toBe(1)
  interrupt()
  await directory.findByRef('b'.repeat(20))
  expect(queries()).toBe(2)
})

test('a verified domain leads to its project until it is taken away, and an unknown one is remembered briefly', async () => {
  const { directory, change, queries } = startDirectory([{ ref, domains: ['api.example.com'] }])
  expect((await directory.findByDomain('api.example.com'))?.ref).toBe(ref)
  expect(directory.findByDomain('api.example.com')).toMatchObject({ ref })
  expect(await directory.findByDomain('other.example.com')).toBeNull()
  expect(directory.findByDomain('other.example.com')).toBeNull()
  expect(queries()).toBe(2)
  change(ref, { domains: ['other.example.com'] })
  expect(await directory.findByDomain('api.example.com')).toBeNull()
  expect((await directory.findByDomain('other.example.com'))?.ref).toBe(ref)
})

test('while changes are not heard of, nothing is remembered', async () => {
  const { directory, follow, queries } = startDirectory([{ ref, subdomain: 'demo' }])
  follow(false)
  await directory.findByRef(ref)
  await directory.findByRef(ref)
  await directory.findByLabel('nobody')
  await directory.findByLabel('nobody')
  expect(queries()).toBe(4)
  follow(true)
  await directory.findByRef(ref)
  await directory.findByRef(ref)
  expect(queries()).toBe(5)
})
