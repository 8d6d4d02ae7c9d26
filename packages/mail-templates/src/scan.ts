import { TemplateError } from './template-error.ts'

export type Token =
  | { readonly kind: 'text'; readonly text: string }
  /** What stands between `{{` and `}}`, in words. */
  | { readonly kind: 'action'; readonly words: readonly Word[]; readonly line: number }

export type Word =
  | { readonly kind: 'name'; readonly text: string }
  /** `.` alone has an empty name. `isJoined`: nothing stands between it and the word before. */
  | { readonly kind: 'field'; readonly text: string; readonly isJoined: boolean }
  | { readonly kind: 'variable'; readonly text: string }
  | { readonly kind: 'literal'; readonly value: string | number }
  | { readonly kind: 'sign'; readonly text: '(' | ')' | '|' | ',' | ':=' | '=' }

const blanks = /\s+/y
const word =
  /(?<sign>:=|[()|,=])|\$(?<variable>\w*)|\.(?<field>[\p{L}_][\p{L}\p{Nd}_]*)?|(?<number>[+-]?\d[\w.]*)|(?<name>[\p{L}_][\p{L}\p{Nd}_]*)|(?<raw>`[^`]*`)|(?<quoted>"(?:[^"\\\n]|\\.)*")|(?<char>'(?:[^'\\\n]|\\.)+')/uy

/** Cuts a template into text and actions, with the white space removed that `{{-` and `-}}` ask for. */
export function scan(template: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  let line = 1
  let trimsNext = false
  while (at < template.length) {
    const open = template.indexOf('{{', at)
    const end = open === -1 ? template.length : open
    const trimsBefore = open !== -1 && /^-\s/.test(template.slice(open + 2, open + 4))
    let text = template.slice(at, end)
    line += countLines(text)
    if (trimsNext) text = text.trimStart()
    if (trimsBefore) text = text.trimEnd()
    if (text !== '') tokens.push({ kind: 'text', text })
    if (open === -1) break
    const action = readAction(template, open + (trimsBefore ? 3 : 2), line)
    if (action.words !== null) tokens.push({ kind: 'action', words: action.words, line })
    line += countLines(template.slice(open, action.end))
    at = action.end
    trimsNext = action.trimsAfter
  }
  return tokens
}

interface Action {
  /** Null for a comment. */
  readonly words: readonly Word[] | null
  readonly end: number
  readonly trimsAfter: boolean
}

function readAction(template: string, start: number, line: number): Action {
  const comment = /\s*\/\*/y
  comment.lastIndex = start
  if (comment.test(template)) {
    const close = /\*\/(\s+-)?\}\}/g
    close.lastIndex = comment.lastIndex
    const found = close.exec(template)
    if (found === null) throw new TemplateError(line, 'a comment is not closed')
    return { words: null, end: close.lastIndex, trimsAfter: found[1] !== undefined }
  }
  const words: Word[] = []
  let at = start
  let isJoined = false
  while (at < template.length) {
    if (template.startsWith('}}', at)) return { words, end: at + 2, trimsAfter: false }
    blanks.lastIndex = at
    if (blanks.test(template)) {
      at = blanks.lastIndex
      isJoined = false
      if (template.startsWith('-}}', at)) return { words, end: at + 3, trimsAfter: true }
      continue
    }
    word.lastIndex = at
    const match = word.exec(template)
    if (match === null)
      throw new TemplateError(line, `unexpected ${describe(template.slice(at))} in an action`)
    words.push(readWord(match, isJoined, line))
    at = word.lastIndex
    isJoined = true
  }
  throw new TemplateError(line, 'an action that began with {{ is not closed')
}

function readWord(match: RegExpExecArray, isJoined: boolean, line: number): Word {
  const { sign, variable, field, number, name, raw, quoted, char } = match.groups ?? {}
  if (sign !== undefined) return { kind: 'sign', text: sign as '|' }
  if (variable !== undefined) return { kind: 'variable', text: variable }
  if (match[0].startsWith('.')) return { kind: 'field', text: field ?? '', isJoined }
  if (number !== undefined) return { kind: 'literal', value: readNumber(number, line) }
  if (name !== undefined) return { kind: 'name', text: name }
  if (raw !== undefined) return { kind: 'literal', value: raw.slice(1, -1) }
  if (quoted !== undefined) return { kind: 'literal', value: unquote(quoted, line) }
  return { kind: 'literal', value: unquote(char ?? '', line).codePointAt(0) ?? 0 }
}

function readNumber(text: string, line: number): number {
  const number = Number(text.replaceAll('_', ''))
  if (Number.isNaN(number)) throw new TemplateError(line, `${text} is not a number`)
  return number
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
}

const unquote = (quoted: string, line: number): string =>
  quoted
    .slice(1, -1)
    .replace(
      /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))/gs,
      (whole, hex?: string, unicode?: string, other?: string) => {
        const code = hex ?? unicode
        if (code !== undefined) return String.fromCharCode(parseInt(code, 16))
        const meant = escapes[other ?? '']
        if (meant === undefined) throw new TemplateError(line, `${whole} is not an escape in a string`)
        return meant
      },
    )

const countLines = (text: string): number => text.split('\n').length - 1
const describe = (rest: string): string => JSON.stringify(rest.slice(0, 1))
