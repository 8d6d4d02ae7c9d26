/**
 * Finds the name that a wrong one was probably meant to be, as the FuzzySet library does that PostgREST uses for hints:
 * candidates by cosine similarity of their letter groups (3, else 2), then ranked by edit distance.
 */
export interface Match {
  readonly score: number
  readonly name: string
}

/** Names beyond this number are not looked through: a hint is not worth that time. */
const NAMES_MAX = 2_000
/** Longer texts are no typing errors. */
const LENGTH_MAX = 200
const GRAM_SIZES = [3, 2] as const
const CANDIDATES_MAX = 50

interface Gram {
  readonly name: string
  /** How often it holds this group, relative to the length of all its groups. */
  readonly weight: number
}

/** Built once for a set of names, so that a wrong name costs no walk through all of them. */
export class NameIndex {
  readonly #names = new Map<string, string>()
  readonly #grams = new Map<string, Gram[]>()

  constructor(names: readonly string[]) {
    for (const name of names.slice(0, NAMES_MAX))
      this.#names.set(name.toLowerCase().slice(0, LENGTH_MAX), name)
    for (const normalized of this.#names.keys())
      for (const size of GRAM_SIZES)
        for (const [gram, weight] of weights(normalized, size)) {
          const holders = this.#grams.get(gram)
          if (holders === undefined) this.#grams.set(gram, [{ name: normalized, weight }])
          else holders.push({ name: normalized, weight })
        }
  }

  /** Best first; only those scoring at least `minScore` (0 to 1). */
  similar(wanted: string, minScore = 0.33): Match[] {
    const value = wanted.toLowerCase()
    const exact = this.#names.get(value)
    if (exact !== undefined) return [{ score: 1, name: exact }]
    if (value.length > LENGTH_MAX) return []
    for (const size of GRAM_SIZES) {
      const found = this.#bySize(value, size).filter((m) => m.score >= minScore)
      if (found.length > 0) return found
    }
    return []
  }

  #bySize(value: string, size: number): Match[] {
    const scores = new Map<string, number>()
    for (const [gram, weight] of weights(value, size))
      for (const holder of this.#grams.get(gram) ?? [])
        scores.set(holder.name, (scores.get(holder.name) ?? 0) + weight * holder.weight)
    return [...scores]
      .sort(([, a], [, b]) => b - a)
      .slice(0, CANDIDATES_MAX)
      .map(([name]) => ({ name: this.#names.get(name) ?? name, score: closeness(name, value) }))
      .sort((a, b) => b.score - a.score)
  }
}

/** For a few names that are not worth an index. */
export const similar = (wanted: string, names: readonly string[], minScore?: number): Match[] =>
  new NameIndex(names).similar(wanted, minScore)

/** Letter groups with their share of the text, as a vector of length 1. */
function weights(text: string, size: number): Map<string, number> {
  const padded = `-${text.replace(/[^\p{L}\p{N}_ ,]+/gu, '')}-`.padEnd(size, '-')
  const counts = new Map<string, number>()
  for (let i = 0; i + size <= padded.length; i++) {
    const gram = padded.slice(i, i + size)
    counts.set(gram, (counts.get(gram) ?? 0) + 1)
  }
  let squares = 0
  for (const count of counts.values()) squares += count * count
  for (const [gram, count] of counts) counts.set(gram, count / Math.sqrt(squares))
  return counts
}

/** 1 minus the edit distance relative to the longer text. */
function closeness(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++)
      current[j] = Math.min(
        (previous[j] ?? 0) + 1,
        (current[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      )
    previous = current
  }
  const longest = Math.max(a.length, b.length)
  return longest === 0 ? 1 : 1 - (previous[b.length] ?? 0) / longest
}
