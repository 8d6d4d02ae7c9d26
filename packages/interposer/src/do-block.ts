import { keepLines } from './lines.ts'
import { isCandidate } from './may-need-interposing.ts'
import { parseStatement } from './parser.ts'
import { createQuoting } from './quoting.ts'
import { rewrite } from './rewrites/index.ts'
import { tokensOf, type Token } from './tokens.ts'
import { listOfType, textOf, childOf, type Node } from './tree.ts'

/** More statements than that in one DO are generated, not written; each costs the parser about 0.1 ms. */
const STATEMENTS_MAX = 2_000

/**
 * Rewrites the statements of a DO block that can be seen in its text: plain ones, and EXECUTE of a constant. SQL that the
 * block puts together while it runs meets Postgres' refusal.
 */
export async function rewriteDoBlock(node: Node, text: string): Promise<string | null> {
  const options = listOfType(node, 'args', 'DefElem')
  const find = (name: string) =>
    textOf(childOf(childOf(options.find(({ defname }) => defname === name) ?? null, 'arg'), 'String'), 'sval')
  const body = find('as')
  const language = find('language') ?? 'plpgsql'
  if (body === null || language.toLowerCase() !== 'plpgsql') return null
  const literal = [...tokensOf(text)].find((token) => contentOf(token, text) === body)
  if (literal === undefined) return null
  const rewritten = await rewriteBody(body)
  if (rewritten === null) return null
  const quoted = createQuoting(text).body(rewritten)
  return text.slice(0, literal.start) + quoted + text.slice(literal.end)
}

/** Words after which a statement of PL/pgSQL may begin. */
const openers = new Set(['begin', 'then', 'else', 'loop'])
const verbs = new Set(['alter', 'comment', 'create', 'drop', 'execute', 'grant', 'reassign', 'revoke', 'set'])

async function rewriteBody(body: string): Promise<string | null> {
  let done = 0
  let out = ''
  let looked = 0
  for (const { start, end, verb } of statementsOf(body)) {
    if (++looked > STATEMENTS_MAX) return null
    const text = body.slice(start, end)
    const replacement = await (verb === 'execute' ? rewriteExecute(text) : rewriteOne(text))
    if (replacement === null) continue
    out += body.slice(done, start) + keepLines(replacement, text)
    done = end
  }
  return done === 0 ? null : out + body.slice(done)
}

function* statementsOf(body: string): Generator<{ start: number; end: number; verb: string }> {
  let open: { start: number; verb: string } | null = null
  let mayBegin = true
  for (const token of tokensOf(body)) {
    const word = token.kind === 'word' ? body.slice(token.start, token.end).toLowerCase() : null
    if (token.kind === 'semicolon') {
      if (open !== null) yield { ...open, end: token.start }
      open = null
      mayBegin = true
    } else if (open === null) {
      if (mayBegin && word !== null && verbs.has(word)) open = { start: token.start, verb: word }
      mayBegin = word !== null && openers.has(word)
    }
  }
}

async function rewriteOne(text: string): Promise<string | null> {
  if (!isCandidate(text)) return null
  const found = await parseStatement(text)
  if (found === null) return null
  const calls = rewrite(found.type, found.node, { text, quote: createQuoting(text) })
  return calls === null ? null : calls.join('; ')
}

/** `execute 'create role x'` */
async function rewriteExecute(text: string): Promise<string | null> {
  const [execute, literal, more] = tokensOf(text)
  if (execute === undefined || literal === undefined || more !== undefined) return null
  const content = contentOf(literal, text)
  return content === null ? null : rewriteOne(content)
}

/** Of a string without escapes, or in dollars. */
function contentOf({ kind, start, end }: Token, text: string): string | null {
  const raw = text.slice(start, end)
  if (kind === 'string') return raw.slice(1, -1).replaceAll("''", "'")
  if (kind !== 'dollar') return null
  const tag = raw.slice(0, raw.indexOf('$', 1) + 1)
  return raw.slice(tag.length, -tag.length)
}
