const REMEMBERED_MAX = 50_000

export interface BucketRate {
  /** So many at once. */
  readonly capacity: number
  /** So many more each second. */
  readonly perSecond: number
}

/**
 * Token buckets by key, of all projects. Memory is bounded: the bucket that was asked for the longest time ago is forgotten
 * first, and is full again as a rule.
 */
export interface TokenBuckets {
  /** Takes a token. Null when there was one, else the seconds until there is. */
  take(key: string, rate: BucketRate): number | null
  /** As `take`, but leaves the token. */
  peek(key: string, rate: BucketRate): number | null
  /** Takes a token even where there is none: what is owed, once the capacity at most, must come back first. */
  owe(key: string, rate: BucketRate): void
  forget(key: string): void
}

interface Bucket {
  tokens: number
  atMs: number
}

export function createTokenBuckets(
  rememberedMax = REMEMBERED_MAX,
  now: () => number = Date.now,
): TokenBuckets {
  /** The longest untouched first. */
  const buckets = new Map<string, Bucket>()

  const refilled = (key: string, { capacity, perSecond }: BucketRate): Bucket => {
    const nowMs = now()
    const known = buckets.get(key)
    if (known === undefined) return { tokens: capacity, atMs: nowMs }
    const gained = (Math.max(0, nowMs - known.atMs) / 1000) * perSecond
    return { tokens: Math.min(capacity, known.tokens + gained), atMs: nowMs }
  }
  const keep = (key: string, bucket: Bucket): void => {
    buckets.delete(key)
    buckets.set(key, bucket)
    if (buckets.size <= rememberedMax) return
    const oldest = buckets.keys().next()
    if (oldest.done !== true) buckets.delete(oldest.value)
  }
  const waitSeconds = ({ tokens }: Bucket, { perSecond }: BucketRate): number | null =>
    // A little less than one is one: floating point must not make somebody wait a second for nothing.
    tokens > 0.999_999 ? null : Math.max(1, Math.ceil((1 - tokens) / perSecond))

  return {
    take: (key, rate) => {
      const bucket = refilled(key, rate)
      const wait = waitSeconds(bucket, rate)
      if (wait === null) bucket.tokens -= 1
      keep(key, bucket)
      return wait
    },
    peek: (key, rate) => waitSeconds(refilled(key, rate), rate),
    owe: (key, rate) => {
      const bucket = refilled(key, rate)
      bucket.tokens = Math.max(-rate.capacity, bucket.tokens - 1)
      keep(key, bucket)
    },
    forget: (key) => void buckets.delete(key),
  }
}
