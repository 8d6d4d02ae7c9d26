import { createRequire } from 'node:module'
import { isNode, listOf, type Node } from './tree.ts'

/**
 * Postgres' own grammar (libpg-query 18.1.5: PostgreSQL 18), compiled to WebAssembly. Loaded by the first statement that
 * may need it (about 15 ms), once per process.
 */
interface Parser {
  loadModule(): Promise<void>
  parseSync(text: string): unknown
}

/** Statements are parsed on the event loop: the longest of the kinds that are looked at. Longer ones stay as they are. */
const STATEMENT_LENGTH_MAX = 131_072

const require = createRequire(import.meta.url)
const PARSED_PER_TURN = 20
let parsed = 0
let loading: Promise<Parser> | null = null

/** Null for what is no single statement of Postgres' grammar, for whatever reason. */
export async function parseStatement(
  text: string,
  lengthMax = STATEMENT_LENGTH_MAX,
): Promise<{ type: string; node: Node } | null> {
  // The parser reads C strings: it would see less than is there.
  if (text.length > lengthMax || text.includes('\0')) return null
  // A text may be a long list of statements; others shall get their turn in between.
  if (++parsed % PARSED_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
  loading ??= load()
  const parser = await loading
  try {
    return onlyStatement(parser.parseSync(text))
  } catch (error) {
    // A syntax error is Postgres' to report. Anything else (a stack that overflowed in the middle of C code) may have left
    // the parser's memory in any state: the next statement gets a new one.
    if ((error as Error).name !== 'SqlError') loading = null
    return null
  }
}

async function load(): Promise<Parser> {
  const path = require.resolve('libpg-query')
  delete require.cache[path]
  const parser = require(path) as Parser
  await parser.loadModule()
  return parser
}

function onlyStatement(tree: unknown): { type: string; node: Node } | null {
  if (!isNode(tree)) return null
  const [first, second] = listOf(tree, 'stmts')
  if (first === undefined || second !== undefined || !isNode(first.stmt)) return null
  const [type] = Object.keys(first.stmt)
  const node = type === undefined ? null : first.stmt[type]
  return type !== undefined && isNode(node) ? { type, node } : null
}
