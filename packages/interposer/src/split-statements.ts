import { endOfComment } from './tokens.ts'

/**
 * Cuts a SQL text at its top-level semicolons, by the rules of psql's lexer (PostgreSQL 18, `psqlscan.l`): quotes, dollar
 * quotes, nested comments, parentheses, and `begin atomic … end` bodies of functions.
 *
 * A full parse (libpg-query) would do it too, but a seed of 7 MB cost it 4.5 s on the event loop and 1.5 GB of memory; this
 * takes about 50 ms and lets others run in between. The tests compare the two.
 */
export interface Statement {
  /** With the comments before it, without the semicolon, trimmed: the form that Supabase's CLI keeps in its history. */
  readonly text: string
  /** Where `text` starts in the source, in UTF-16 units. */
  readonly start: number
  /** Up to eight leading words in lower case, outside of quotes and comments. Empty when it is comments alone. */
  readonly words: readonly string[]
}

/** The text has something that only psql understands. `line` is 1-based. */
export class MetaCommandError extends Error {
  readonly line: number
  constructor(command: string, line: number) {
    super(`Line ${line} has ${command}, a command of psql. Only SQL can be run here.`)
    this.name = 'MetaCommandError'
    this.line = line
  }
}

const WORD = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y
const NUMBER = /[0-9][A-Za-z0-9_.]*/y
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y
const STRING_GOES_ON = /[ \t\f\v]*[\r\n]\s*'/y
const META_COMMAND = /\\\S*/y
const WORDS_KEPT = 8
const TURN_CHARACTERS = 262_144

export async function splitStatements(source: string): Promise<Statement[]> {
  const lexer = new Lexer(source.startsWith('\ufeff') ? ` ${source.slice(1)}` : source)
  while (lexer.run(TURN_CHARACTERS)) await new Promise((resolve) => setImmediate(resolve))
  return lexer.statements
}

class Lexer {
  readonly statements: Statement[] = []
  readonly #source: string
  #at = 0
  #start = 0
  #words: string[] = []
  #parentheses = 0
  #blocks = 0

  constructor(source: string) {
    this.#source = source
  }

  /** Reads about that many characters; false at the end of the text. */
  run(characters: number): boolean {
    const until = Math.min(this.#at + characters, this.#source.length)
    while (this.#at < until) this.#token()
    if (this.#at < this.#source.length) return true
    this.#emit(this.#source.length)
    return false
  }

  #token(): void {
    const source = this.#source
    const char = source.charCodeAt(this.#at)
    switch (char) {
      case 0x27: // '
        return this.#skipString(false)
      case 0x22: // "
        return this.#skipPast('"', this.#at + 1)
      case 0x2d: // -
        return source.charCodeAt(this.#at + 1) === 0x2d ? this.#skipPast('\n', this.#at) : this.#step()
      case 0x2f: // /
        return source.charCodeAt(this.#at + 1) === 0x2a ? this.#skipBlockComment() : this.#step()
      case 0x24: // $
        return this.#skipDollarQuote()
      case 0x28: // (
        this.#parentheses++
        return this.#step()
      case 0x29: // )
        this.#parentheses = Math.max(0, this.#parentheses - 1)
        return this.#step()
      case 0x3b: // ;
        if (this.#parentheses === 0 && this.#blocks === 0) {
          this.#emit(this.#at)
          this.#start = this.#at + 1
        }
        return this.#step()
      case 0x5c: // \
        return this.#refuseMetaCommand()
    }
    if (this.#match(NUMBER) !== null) return
    const word = this.#match(WORD)
    if (word === null) return this.#step()
    if ((word === 'e' || word === 'E') && source.charCodeAt(this.#at) === 0x27) this.#skipString(true)
    else this.#noteWord(word.toLowerCase())
  }

  #step(): void {
    this.#at++
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#source)
    if (found === null) return null
    this.#at = pattern.lastIndex
    return found[0]
  }

  #skipPast(end: string, from: number): void {
    const found = this.#source.indexOf(end, from)
    this.#at = found === -1 ? this.#source.length : found + end.length
  }

  #skipString(hasEscapes: boolean): void {
    do {
      let at = this.#at + 1
      while (at < this.#source.length && this.#source.charCodeAt(at) !== 0x27)
        at += hasEscapes && this.#source.charCodeAt(at) === 0x5c ? 2 : 1
      this.#at = Math.min(at + 1, this.#source.length)
      // A doubled quote starts over at once, which comes to the same. An E'' string may go on after a line break.
      if (this.#source.charCodeAt(this.#at) === 0x27 && hasEscapes) continue
      if (!hasEscapes || this.#match(STRING_GOES_ON) === null) return
      this.#at--
    } while (this.#at < this.#source.length)
  }

  #skipBlockComment(): void {
    this.#at = endOfComment(this.#source, this.#at + 2)
  }

  #skipDollarQuote(): void {
    const tag = this.#match(DOLLAR_TAG)
    if (tag === null) this.#step()
    else this.#skipPast(tag, this.#at)
  }

  #noteWord(word: string): void {
    if (this.#words.length < WORDS_KEPT) this.#words.push(word)
    if (this.#parentheses > 0 || !definesRoutine(this.#words)) return
    if (word === 'begin') this.#blocks++
    // CASE ends with END as well; it matters only inside a block.
    else if (word === 'case' && this.#blocks > 0) this.#blocks++
    else if (word === 'end' && this.#blocks > 0) this.#blocks--
  }

  #emit(end: number): void {
    const raw = this.#source.slice(this.#start, end)
    const text = raw.trim()
    if (text !== '')
      this.statements.push({
        text,
        start: this.#start + raw.length - raw.trimStart().length,
        words: this.#words,
      })
    this.#words = []
    this.#parentheses = 0
    this.#blocks = 0
  }

  #refuseMetaCommand(): void {
    const command = this.#match(META_COMMAND) ?? '\\'
    throw new MetaCommandError(command, lineAt(this.#source, this.#at - command.length))
  }
}

/** `create [or replace] function|procedure` */
function definesRoutine([first, second, third, fourth]: readonly string[]): boolean {
  if (first !== 'create') return false
  const kind = second === 'or' && third === 'replace' ? fourth : second
  return kind === 'function' || kind === 'procedure'
}

/** 1-based number of the line that a place in a text is on. */
export function lineAt(source: string, place: number): number {
  let line = 1
  for (let at = source.indexOf('\n'); at !== -1 && at < place; at = source.indexOf('\n', at + 1)) line++
  return line
}
