/** A piece of SQL or PL/pgSQL text that matters for finding where statements begin and end. */
export interface Token {
  readonly kind: 'word' | 'string' | 'dollar' | 'semicolon' | 'other'
  readonly start: number
  readonly end: number
}

const TOKEN =
  /(?<space>\s+|--[^\n\r]*)|(?<comment>\/\*)|(?<dollar>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)|(?<escape>[eE]')|(?<string>')|(?<name>")|(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(?<number>\d[\w.]*)|(?<semicolon>;)|(?<other>[^])/uy

/** Comments and spaces are left out; what is open at the end goes to the end. */
export function* tokensOf(text: string): Generator<Token> {
  let at = 0
  while (at < text.length) {
    TOKEN.lastIndex = at
    const groups = TOKEN.exec(text)?.groups ?? {}
    const start = at
    const found = TOKEN.lastIndex
    if (groups.space !== undefined) at = found
    else if (groups.comment !== undefined) at = endOfComment(text, found)
    else if (groups.dollar !== undefined) {
      at = endAfter(text, groups.dollar, found)
      yield { kind: 'dollar', start, end: at }
    } else if (groups.escape !== undefined || groups.string !== undefined) {
      at = endOfString(text, found, groups.escape !== undefined)
      yield { kind: groups.escape === undefined ? 'string' : 'other', start, end: at }
    } else if (groups.name !== undefined) {
      at = endAfter(text, '"', found)
      yield { kind: 'other', start, end: at }
    } else {
      at = found > start ? found : start + 1
      const kind = groups.word !== undefined ? 'word' : groups.semicolon !== undefined ? 'semicolon' : 'other'
      yield { kind, start, end: at }
    }
  }
}

function endAfter(text: string, end: string, from: number): number {
  const found = text.indexOf(end, from)
  return found === -1 ? text.length : found + end.length
}

const COMMENT_MARK = /\/\*|\*\//g

/** Past the end of a comment that is open at `from`; comments nest. */
export function endOfComment(text: string, from: number): number {
  COMMENT_MARK.lastIndex = from
  for (let depth = 1; depth > 0;) {
    const mark = COMMENT_MARK.exec(text)
    if (mark === null) return text.length
    depth += mark[0] === '/*' ? 1 : -1
  }
  return COMMENT_MARK.lastIndex
}

/** Past the closing quote; a doubled one stands for itself. */
function endOfString(text: string, from: number, hasEscapes: boolean): number {
  for (let at = from; at < text.length; at++) {
    if (hasEscapes && text[at] === '\\') at++
    else if (text[at] === "'") {
      if (text[at + 1] !== "'") return at + 1
      at++
    }
  }
  return text.length
}
