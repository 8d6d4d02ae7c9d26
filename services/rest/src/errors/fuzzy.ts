/**
 * Finds the name that a wrong one was probably meant to be, as the FuzzySet library does that PostgREST uses for hints:
 * candidates by cosine similarity of their letter groups (3, else 2), then ranked by edit distance.
 */
export interface Match {
  readonly score: number
  readonly name: string
}

/** Best first; only those scoring above `minScore` (0 to 1). */
export function similar(wanted: string, names: readonly string[], minScore = 0.33): Match[] {
  const value = normalize(wanted)
  const unique = [...new Map(names.map((name) => [normalize(name), name]))]
  const exact = unique.find(([normalized]) => normalized === value)
  if (exact !== undefined) return [{ score: 1, name: exact[1] }]
  for (const size of [3, 2]) {
    const found = bySize(value, unique, size).filter((m) => m.score >= minScore)
    if (found.length > 0) return found
  }
  return []
}

const normalize = (text: string) => text.toLowerCase()

function bySize(value: string, names: readonly (readonly [string, string])[], size: number): Match[] {
  const wanted = grams(value, size)
  const length = norm(wanted)
  const scored = names.flatMap(([normalized, name]) => {
    const own = grams(normalized, size)
    let product = 0
    for (const [gram, count] of wanted) product += count * (own.get(gram) ?? 0)
    return product === 0 ? [] : [{ normalized, name, score: product / (length * norm(own)) }]
  })
  return scored
    .sort((a, b) => b.score - a.score)
    .slice(0, 50)
    .map(({ normalized, name }) => ({ name, score: closeness(normalized, value) }))
    .sort((a, b) => b.score - a.score)
}

function grams(text: string, size: number): Map<string, number> {
  const cleaned = `-${text.replace(/[^\p{L}\p{N}_ ,]+/gu, '')}-`.padEnd(size, '-')
  const counts = new Map<string, number>()
  for (let i = 0; i + size <= cleaned.length; i++) {
    const gram = cleaned.slice(i, i + size)
    counts.set(gram, (counts.get(gram) ?? 0) + 1)
  }
  return counts
}

const norm = (counts: Map<string, number>) =>
  Math.sqrt([...counts.values()].reduce((sum, n) => sum + n * n, 0))

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
