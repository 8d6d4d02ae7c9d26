import { setMaxListeners } from 'node:events'
import { expect, test } from 'vitest'
import { FairQueue, type FairQueueOptions, type QueueRefusal } from './fair-queue.ts'

/** Of a client that stays. */
const never = new AbortController().signal
setMaxListeners(0, never)

function start(options: Partial<FairQueueOptions> = {}) {
  const queue = new FairQueue({
    concurrency: () => 1,
    waitingMax: 100,
    waitingPerTenantMax: 50,
    waitMsMax: 10_000,
    ...options,
  })
  const order: string[] = []
  /** A job that runs until it is let go. */
  const hold = () => {
    let letGo: () => void = () => {}
    const wait = new Promise<void>((resolve) => (letGo = resolve))
    const held = queue.run('holder', never, () => wait)
    return async () => {
      letGo()
      await held
    }
  }
  const add = (tenant: string, name = tenant, signal = never) =>
    queue.run(tenant, signal, async () => {
      order.push(name)
    })
  return { queue, order, hold, add }
}

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: unknown) => (error as QueueRefusal).kind,
  )

test('a tenant with one job waits for one job of a tenant with many, not for all', async () => {
  const { order, hold, add } = start()
  const letGo = hold()
  const jobs = [...Array.from({ length: 5 }, (_, i) => add('loud', `loud ${i}`)), add('quiet'), add('third')]
  await letGo()
  await Promise.all(jobs)
  expect(order).toEqual(['loud 0', 'quiet', 'third', 'loud 1', 'loud 2', 'loud 3', 'loud 4'])
})

test('never more run at once than there are places', async () => {
  let [running, most] = [0, 0]
  const { queue } = start({ concurrency: () => 2 })
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      queue.run(`t${i % 3}`, never, async () => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
      }),
    ),
  )
  expect(most).toBe(2)
  expect(queue.stats).toEqual({ running: 0, waiting: 0, tenants: 0 })
})

test('what may wait is bounded for each tenant and for all together', async () => {
  const { hold, add } = start({ waitingMax: 3, waitingPerTenantMax: 2 })
  const letGo = hold()
  const waiting = [add('a'), add('a')]
  expect(await refusal(add('a'))).toBe('full')
  waiting.push(add('b'))
  expect(await refusal(add('c'))).toBe('full')
  await letGo()
  await Promise.all(waiting)
  expect(await refusal(add('c'))).toBe('done')
})

test('a job that waits too long, or whose client has gone, is dropped and holds nothing', async () => {
  const { queue, order, hold, add } = start({ waitMsMax: 5 })
  const letGo = hold()
  const client = new AbortController()
  const [late, left] = [refusal(add('a')), refusal(add('b', 'b', client.signal))]
  client.abort()
  expect([await late, await left]).toEqual(['timeout', 'gone'])
  expect(await refusal(add('b', 'b', client.signal))).toBe('gone')
  await letGo()
  expect(order).toEqual([])
  expect(queue.stats).toEqual({ running: 0, waiting: 0, tenants: 0 })
})

test('a job that fails gives its place on', async () => {
  const { queue, order, add } = start()
  await expect(
    queue.run('a', never, async () => {
      throw new Error('mine')
    }),
  ).rejects.toThrow('mine')
  await add('a')
  expect(order).toEqual(['a'])
})

test('closing refuses those who wait and those who come', async () => {
  const { queue, hold, add } = start()
  const letGo = hold()
  const waiting = refusal(add('a'))
  queue.close()
  expect(await waiting).toBe('closed')
  expect(await refusal(add('a'))).toBe('closed')
  await letGo()
})
