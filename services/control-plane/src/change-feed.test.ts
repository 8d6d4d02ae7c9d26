import { silentLogger } from '@favo/runtime'
import { expect, test, vi } from 'vitest'
import { ChangeFeed } from './change-feed.ts'

/** A feed whose messages come when `deliver` says so. */
async function startFeed() {
  let onNotify: (payload: string) => void = () => undefined
  const sent: string[] = []
  const feed = new ChangeFeed(
    {
      listen: (_channel, listener) => {
        onNotify = listener
        return Promise.resolve()
      },
    },
    {
      run: (query) => {
        sent.push(/'(\?[^']+)'/.exec(query.text)?.[1] ?? '')
        return Promise.resolve(0)
      },
    },
    silentLogger(),
  )
  const heard: (string | null)[] = []
  feed.subscribe((ref) => heard.push(ref))
  await feed.start()
  return { feed, heard, sent, notify: (payload: string) => onNotify(payload) }
}

test('one is caught up when the own message has come back, and nobody else hears of it', async () => {
  const { feed, heard, sent, notify } = await startFeed()
  let isCaughtUp = false
  const caughtUp = feed.catchUp().then(() => (isCaughtUp = true))
  await vi.waitFor(() => expect(sent).toHaveLength(1))
  notify('ref')
  expect(isCaughtUp).toBe(false)
  notify(sent[0] ?? '')
  await caughtUp
  expect(heard).toEqual(['ref'])
})

test('a connection that stays deaf is not relied on until something is heard again', async () => {
  const { feed, heard, notify } = await startFeed()
  vi.useFakeTimers()
  const caughtUp = feed.catchUp()
  await vi.advanceTimersByTimeAsync(2_000)
  vi.useRealTimers()
  await caughtUp
  expect(feed.isFollowing).toBe(false)
  expect(heard).toEqual([null])
  notify('ref')
  expect(feed.isFollowing).toBe(true)
  expect(heard).toEqual([null, null, 'ref'])
})
