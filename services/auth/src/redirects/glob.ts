type Token =
  | { readonly kind: 'text'; readonly of: ReadonlySet<string>; readonly isNegated: boolean }
  /** Any run of characters; `crosses` tells whether it may go over a separator. */
  | { readonly kind: 'run'; readonly crosses: boolean }
  | { readonly kind: 'one' }

/** In addresses, `*` stays within one label of the host or one segment of the path. */
const separators = new Set(['.', '/'])

/**
 * Whether a text matches one of a project's patterns: `*`, `**`, `?`, `[abc]`, `[!a-z]`, `{a,b}` and `\` as in gobwas/glob,
 * which GoTrue uses. It takes steps in proportion to pattern times text and never more: patterns are a customer's, and a
 * regular expression made of one could hold the event loop that all projects share.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  return expandBraces(pattern).some((alternative) => matchesTokens(parse(alternative), text))
}

const ALTERNATIVES_MAX = 64

/** Without nesting. A pattern with more alternatives than anybody would write by hand keeps its first ones. */
function expandBraces(pattern: string): string[] {
  let expanded = ['']
  for (const [whole, choices] of pattern.matchAll(/\{([^{}]*)\}|[^{}]+|[{}]/g)) {
    const next = choices === undefined ? [whole] : choices.split(',')
    expanded = expanded.flatMap((start) => next.map((end) => start + end)).slice(0, ALTERNATIVES_MAX)
  }
  return expanded
}

function parse(pattern: string): Token[] {
  const tokens: Token[] = []
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? ''
    const end = character === '[' ? pattern.indexOf(']', at + 2) : -1
    if (character === '*') {
      const crosses = pattern[at + 1] === '*'
      if (crosses) at += 1
      tokens.push({ kind: 'run', crosses })
    } else if (character === '?') tokens.push({ kind: 'one' })
    else if (end !== -1) {
      tokens.push(parseClass(pattern.slice(at + 1, end)))
      at = end
    } else {
      if (character === '\\') at += 1
      tokens.push({ kind: 'text', of: new Set(pattern[at] ?? '\\'), isNegated: false })
    }
  }
  return tokens
}

function parseClass(inside: string): Token {
  const isNegated = inside.startsWith('!')
  const members = isNegated ? inside.slice(1) : inside
  const range = /^(.)-(.)$/s.exec(members)
  const [from, to] = [range?.[1]?.charCodeAt(0), range?.[2]?.charCodeAt(0)]
  if (from === undefined || to === undefined) return { kind: 'text', of: new Set(members), isNegated }
  const of = Array.from({ length: Math.max(0, Math.min(to - from + 1, 256)) }, (_, i) =>
    String.fromCharCode(from + i),
  )
  return { kind: 'text', of: new Set(of), isNegated }
}

/** Walks the text once, keeping the set of places in the pattern where it may stand. */
function matchesTokens(tokens: readonly Token[], text: string): boolean {
  let places = withSkippedRuns(tokens, new Set([0]))
  for (const character of text) {
    const next = new Set<number>()
    for (const place of places) {
      const token = tokens[place]
      if (token?.kind === 'run') {
        if (token.crosses || !separators.has(character)) next.add(place)
      } else if (token?.kind === 'one') {
        if (!separators.has(character)) next.add(place + 1)
      } else if (token !== undefined && token.of.has(character) !== token.isNegated) next.add(place + 1)
    }
    if (next.size === 0) return false
    places = withSkippedRuns(tokens, next)
  }
  return places.has(tokens.length)
}

/** A run may be empty. */
function withSkippedRuns(tokens: readonly Token[], places: Set<number>): Set<number> {
  for (const place of places) if (tokens[place]?.kind === 'run') places.add(place + 1)
  return places
}
