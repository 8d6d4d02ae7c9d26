import { expect, test } from 'vitest'
import type { PipelineResult, ProjectDb } from '@favo/postgres'
import type { Project } from '@favo/projects'
import { SchemaStore } from './store.ts'

/** A database whose catalog is empty, and which counts how often it is asked. */
function fakeDb() {
  const db = { readings: 0, notify: () => {}, lose: () => {}, fails: false }
  const answer = (text: string): PipelineResult[number] => ({
    fields: [],
    tag: 'SELECT 1',
    rows: [[Buffer.from(text.includes('to_regclass') ? 'f' : '[]')]],
  })
  const project: ProjectDb = {
    pipeline: async (_login, { steps }) => {
      if (steps.length > 2) db.readings++
      if (db.fails) throw new Error('down')
      return steps.map((step) => answer(step.text))
    },
    listen: async (_channel, onNotify, onLost) => {
      db.notify = () => onNotify('')
      db.lose = onLost
    },
    asService: () => {
      throw new Error('not used')
    },
  }
  return Object.assign(db, { project })
}

const project = (over: Partial<Project['rest']> = {}) =>
  ({
    database: 'p_x',
    rest: { schemas: ['public'], extraSearchPath: [], maxRows: null, ...over },
  }) as unknown as Project

test('whoever asks during a reading waits for the same one', async () => {
  const db = fakeDb()
  const store = new SchemaStore<object>()
  const given = project()
  const entries = await Promise.all(Array.from({ length: 20 }, async () => store.get(given, db.project)))
  expect(db.readings).toBe(1)
  expect(new Set(entries).size).toBe(1)
})

test('a change makes it be read again, but a stream of changes does not make it be read all the time', async () => {
  const db = fakeDb()
  const store = new SchemaStore<object>()
  const given = project()
  await store.get(given, db.project)
  const until = performance.now() + 200
  let asked = 0
  while (performance.now() < until) {
    db.notify()
    await store.get(given, db.project)
    asked++
  }
  expect(db.readings).toBeGreaterThan(1)
  expect(db.readings).toBeLessThan(asked / 2)
})

test('other settings, and the loss of the listener, make it be read at once', async () => {
  const db = fakeDb()
  const store = new SchemaStore<object>()
  await store.get(project(), db.project)
  const given = project({ maxRows: 5 })
  expect((await store.get(given, db.project)).snapshot.settings.maxRows).toBe(5)
  db.lose()
  await store.get(given, db.project)
  expect(db.readings).toBe(3)
})

test('a reading that failed is tried again by the next request', async () => {
  const db = fakeDb()
  const store = new SchemaStore<object>()
  const given = project()
  db.fails = true
  await expect(store.get(given, db.project)).rejects.toThrow('down')
  db.fails = false
  await expect(store.get(given, db.project)).resolves.toBeDefined()
})
