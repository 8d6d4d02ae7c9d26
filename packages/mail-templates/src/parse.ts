import { DEPTH_MAX, TEMPLATE_LENGTH_MAX } from './limits.ts'
import { scan, type Token, type Word } from './scan.ts'
import { functionNames, type Node, type Operand, type Pipe } from './syntax.ts'
import { TemplateError } from './template-error.ts'

/** Throws TemplateError, which names the line. */
export function parse(template: string): readonly Node[] {
  if (template.length > TEMPLATE_LENGTH_MAX)
    throw new TemplateError(1, `a template must not be longer than ${TEMPLATE_LENGTH_MAX} characters`)
  const reader = { tokens: scan(template), at: 0 }
  const { nodes, end } = readNodes(reader, 0, { loops: 0, variables: new Set(['']) })
  if (end !== null) throw new TemplateError(end.line, `{{${end.keyword}}} closes nothing`)
  return nodes
}

interface Reader {
  readonly tokens: readonly Token[]
  at: number
}

/** What the place of a node allows. */
interface Scope {
  readonly loops: number
  readonly variables: ReadonlySet<string>
}

interface Ending {
  readonly keyword: 'end' | 'else'
  readonly words: readonly Word[]
  readonly line: number
}

const blocks = ['if', 'with', 'range'] as const
type BlockKind = (typeof blocks)[number]

function readNodes(reader: Reader, depth: number, outer: Scope): { nodes: Node[]; end: Ending | null } {
  const nodes: Node[] = []
  // A variable lives until the end of the block that declares it.
  const scope = { loops: outer.loops, variables: new Set(outer.variables) }
  for (;;) {
    const token = reader.tokens[reader.at]
    reader.at += 1
    if (token === undefined) return { nodes, end: null }
    if (token.kind === 'text') {
      nodes.push(token)
      continue
    }
    const { words, line } = token
    const [first] = words
    const keyword = first?.kind === 'name' ? first.text : null
    if (keyword === 'end' || keyword === 'else')
      return { nodes, end: { keyword, words: words.slice(1), line } }
    const block = blocks.find((kind) => kind === keyword)
    if (block !== undefined) {
      if (depth >= DEPTH_MAX)
        throw new TemplateError(line, `blocks must not be nested deeper than ${DEPTH_MAX}`)
      nodes.push(readBlock(reader, block, words.slice(1), line, depth + 1, scope))
    } else if (keyword === 'break' || keyword === 'continue') {
      if (scope.loops === 0) throw new TemplateError(line, `{{${keyword}}} stands outside of {{range}}`)
      nodes.push({ kind: keyword, line })
    } else if (keyword === 'define' || keyword === 'template' || keyword === 'block')
      throw new TemplateError(line, `{{${keyword}}} is not supported: a mail is one template`)
    else {
      const pipe = readPipe(words, line, scope.variables)
      if (!pipe.isAssignment) for (const name of pipe.variables) scope.variables.add(name)
      nodes.push({ kind: 'action', pipe, line })
    }
  }
}

function readBlock(
  reader: Reader,
  kind: BlockKind,
  words: readonly Word[],
  line: number,
  depth: number,
  outer: Scope,
): Node {
  const pipe = readPipe(words, line, outer.variables, kind === 'range' ? 2 : 1)
  const scope = {
    loops: outer.loops + (kind === 'range' ? 1 : 0),
    variables: new Set([...outer.variables, ...pipe.variables]),
  }
  const { nodes: body, end } = readNodes(reader, depth, scope)
  const otherwise = readOtherwise(reader, kind, end, line, depth, { ...scope, loops: outer.loops })
  return { kind, pipe, body, otherwise, line }
}

/** What follows `{{else}}`, up to `{{end}}`. `{{else if …}}` is a block of its own that shares the end. */
function readOtherwise(
  reader: Reader,
  kind: BlockKind,
  end: Ending | null,
  line: number,
  depth: number,
  scope: Scope,
): readonly Node[] {
  if (end === null) throw new TemplateError(line, `{{${kind}}} has no {{end}}`)
  if (end.keyword === 'end') return []
  const [next] = end.words
  if (next !== undefined) {
    const chained = next.kind === 'name' ? blocks.find((block) => block === next.text) : undefined
    if (chained === undefined || chained === 'range' || depth >= DEPTH_MAX)
      throw new TemplateError(end.line, '{{else}} is followed by what cannot be read')
    return [readBlock(reader, chained, end.words.slice(1), end.line, depth + 1, scope)]
  }
  const last = readNodes(reader, depth, scope)
  if (last.end?.keyword === 'else') throw new TemplateError(last.end.line, `{{${kind}}} has two {{else}}`)
  if (last.end === null) throw new TemplateError(line, `{{${kind}}} has no {{end}}`)
  return last.nodes
}

function readPipe(words: readonly Word[], line: number, known: ReadonlySet<string>, variablesMax = 1): Pipe {
  const { variables, isAssignment, rest } = readVariables(words, line, variablesMax)
  if (isAssignment) for (const name of variables) checkVariable(name, known, line)
  const reader = { words: rest, at: 0 }
  const commands = readCommands(reader, line, known, 0)
  if (reader.at < rest.length) throw new TemplateError(line, 'there is a ")" without its "("')
  return { variables, isAssignment, commands }
}

/** `$name :=`, `$name =`, and `$index, $element :=` in front of a pipeline. */
function readVariables(words: readonly Word[], line: number, variablesMax: number) {
  const variables: string[] = []
  for (let at = 0; ; at += 2) {
    const [variable, sign] = [words[at], words[at + 1]]
    if (variable?.kind !== 'variable' || sign?.kind !== 'sign') break
    if (sign.text !== ',' && sign.text !== ':=' && sign.text !== '=') break
    variables.push(variable.text)
    if (variable.text === '' || variables.length > variablesMax)
      throw new TemplateError(line, 'too many variables, or one without a name, get a value')
    if (sign.text === ',') continue
    return { variables, isAssignment: sign.text === '=', rest: words.slice(at + 2) }
  }
  return { variables: [], isAssignment: false, rest: words }
}

interface WordReader {
  readonly words: readonly Word[]
  at: number
}

function readCommands(
  reader: WordReader,
  line: number,
  known: ReadonlySet<string>,
  depth: number,
): readonly (readonly Operand[])[] {
  if (depth > DEPTH_MAX)
    throw new TemplateError(line, `parentheses must not be nested deeper than ${DEPTH_MAX}`)
  const commands: Operand[][] = [[]]
  for (; reader.at < reader.words.length; reader.at += 1) {
    const word = reader.words[reader.at]
    if (word === undefined || (word.kind === 'sign' && word.text === ')')) break
    if (word.kind === 'sign' && word.text === '|') commands.push([])
    else commands.at(-1)?.push(readOperand(reader, word, line, known, depth))
  }
  for (const [index, command] of commands.entries()) checkCommand(command, index, line)
  return commands
}

function readOperand(
  reader: WordReader,
  word: Word,
  line: number,
  known: ReadonlySet<string>,
  depth: number,
): Operand {
  switch (word.kind) {
    case 'literal':
      return word
    case 'variable':
      checkVariable(word.text, known, line)
      return { kind: 'variable', name: word.text, path: readPath(reader) }
    case 'field':
      return { kind: 'field', path: word.text === '' ? [] : [word.text, ...readPath(reader)] }
    case 'name':
      return readName(word.text, line)
    case 'sign': {
      if (word.text !== '(') throw new TemplateError(line, `unexpected "${word.text}"`)
      reader.at += 1
      const commands = readCommands(reader, line, known, depth + 1)
      const close = reader.words[reader.at]
      if (close === undefined) throw new TemplateError(line, 'there is a "(" without its ")"')
      return { kind: 'pipe', pipe: { variables: [], isAssignment: false, commands }, path: readPath(reader) }
    }
  }
}

function readName(name: string, line: number): Operand {
  if (name === 'true' || name === 'false') return { kind: 'literal', value: name === 'true' }
  if (name === 'nil') return { kind: 'literal', value: null }
  if (!(functionNames as readonly string[]).includes(name))
    throw new TemplateError(line, `there is no function "${name}"; there are ${functionNames.join(', ')}`)
  return { kind: 'function', name }
}

/** Fields that follow without a blank: `$user.name`, `(index .Data.list 0).name`. */
function readPath(reader: WordReader): readonly string[] {
  const path: string[] = []
  for (;;) {
    const next = reader.words[reader.at + 1]
    if (next?.kind !== 'field' || !next.isJoined || next.text === '') return path
    path.push(next.text)
    reader.at += 1
  }
}

function checkVariable(name: string, known: ReadonlySet<string>, line: number): void {
  if (!known.has(name)) throw new TemplateError(line, `the variable $${name} has no value here`)
}

function checkCommand(command: readonly Operand[], index: number, line: number): void {
  const [first] = command
  if (first === undefined) throw new TemplateError(line, 'an action, or a part of it, is empty')
  if (first.kind !== 'function' && (command.length > 1 || index > 0))
    throw new TemplateError(line, 'only functions take arguments')
}
