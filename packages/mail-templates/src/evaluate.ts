import { callFunction } from './functions.ts'
import { STEPS_MAX, TEXT_LENGTH_MAX } from './limits.ts'
import type { Block, Node, Operand, Pipe } from './syntax.ts'
import { isTrue, member, sizeOf, textOf } from './values.ts'
import { TemplateError } from './template-error.ts'

/** Where the output goes, and what makes of a value what may stand there. */
export interface Output {
  text(literal: string): void
  value(text: string): void
  readonly length: number
}

/** Writes a template's output. Throws TemplateError when it takes too many steps, or grows too long. */
export function evaluate(nodes: readonly Node[], data: unknown, output: Output): void {
  new Evaluation(output).run(nodes, data, { name: '', value: data, next: null })
}

/** The innermost variable first. A value may change, so inner blocks see what they assign in outer ones. */
interface Variable {
  readonly name: string
  value: unknown
  readonly next: Variable | null
}

class Evaluation {
  readonly #output: Output
  #steps = 0

  constructor(output: Output) {
    this.#output = output
  }

  /** What a loop around it has to do next. */
  run(nodes: readonly Node[], dot: unknown, outer: Variable): 'break' | 'continue' | null {
    let variables = outer
    for (const node of nodes) {
      if (node.kind === 'text') {
        this.#step(1)
        this.#output.text(node.text)
        this.#checkLength(1)
      } else if (node.kind === 'action') variables = this.#act(node, dot, variables)
      else if (node.kind === 'break' || node.kind === 'continue') return node.kind
      else {
        const next = this.#block(node, dot, variables)
        if (next !== null) return next
      }
    }
    return null
  }

  #act({ pipe, line }: Node & { kind: 'action' }, dot: unknown, variables: Variable): Variable {
    const value = this.#pipe(pipe, dot, variables, line)
    const [name] = pipe.variables
    if (name === undefined) {
      const text = textOf(value)
      this.#step(line, text.length >> 6)
      this.#output.value(text)
      this.#checkLength(line)
      return variables
    }
    if (!pipe.isAssignment) return { name, value, next: variables }
    findVariable(variables, name).value = value
    return variables
  }

  #block(node: Block, dot: unknown, variables: Variable) {
    return node.kind === 'range' ? this.#range(node, dot, variables) : this.#branch(node, dot, variables)
  }

  #branch(node: Block, dot: unknown, outer: Variable) {
    const value = this.#pipe(node.pipe, dot, outer, node.line)
    const [name] = node.pipe.variables
    if (name !== undefined && node.pipe.isAssignment) findVariable(outer, name).value = value
    const variables = name === undefined || node.pipe.isAssignment ? outer : { name, value, next: outer }
    if (!isTrue(value)) return this.run(node.otherwise, dot, variables)
    return this.run(node.body, node.kind === 'with' ? value : dot, variables)
  }

  #range(node: Block, dot: unknown, outer: Variable) {
    const elements = elementsOf(this.#pipe(node.pipe, dot, outer, node.line), node.line)
    let isEmpty = true
    for (const [key, element] of elements) {
      isEmpty = false
      this.#step(node.line)
      if (this.run(node.body, element, declare(node.pipe, key, element, outer)) === 'break') break
    }
    return isEmpty ? this.run(node.otherwise, dot, outer) : null
  }

  #pipe({ commands }: Pipe, dot: unknown, variables: Variable, line: number): unknown {
    let value: unknown
    for (const [index, command] of commands.entries()) {
      this.#step(line)
      const [first, ...others] = command
      if (first === undefined) continue
      if (first.kind !== 'function') value = this.#operand(first, dot, variables, line)
      else {
        const given = others.map((operand) => () => this.#operand(operand, dot, variables, line))
        const piped = value
        value = callFunction(first.name, index === 0 ? given : [...given, () => piped], line)
      }
      // Large values are dear each time: a thousand short steps must not be a thousand long ones.
      this.#step(line, sizeOf(value) >> 6)
    }
    return value
  }

  #operand(operand: Operand, dot: unknown, variables: Variable, line: number): unknown {
    const value = this.#read(operand, dot, variables, line)
    this.#step(line, 1 + (sizeOf(value) >> 6))
    return value
  }

  #read(operand: Operand, dot: unknown, variables: Variable, line: number): unknown {
    switch (operand.kind) {
      case 'literal':
        return operand.value
      case 'field':
        return operand.path.reduce(member, dot)
      case 'variable':
        return operand.path.reduce(member, findVariable(variables, operand.name).value)
      case 'pipe':
        return operand.path.reduce(member, this.#pipe(operand.pipe, dot, variables, line))
      case 'function':
        return callFunction(operand.name, [], line)
    }
  }

  #step(line: number, count = 1): void {
    this.#steps += count
    if (this.#steps > STEPS_MAX) throw new TemplateError(line, `it takes more than ${STEPS_MAX} steps`)
  }

  #checkLength(line: number): void {
    if (this.#output.length > TEXT_LENGTH_MAX)
      throw new TemplateError(line, `its output is longer than ${TEXT_LENGTH_MAX} characters`)
  }
}

/** Parsing has checked that it is there. */
function findVariable(variables: Variable, name: string): Variable {
  let found = variables
  while (found.name !== name && found.next !== null) found = found.next
  return found
}

function declare(
  { variables, isAssignment }: Pipe,
  key: unknown,
  element: unknown,
  outer: Variable,
): Variable {
  const values = variables.length === 2 ? [key, element] : [element]
  let inner = outer
  for (const [index, name] of variables.entries())
    if (isAssignment) findVariable(outer, name).value = values[index]
    else inner = { name, value: values[index], next: inner }
  return inner
}

/** Keys of objects come in order, as Go has it. */
function elementsOf(value: unknown, line: number): Iterable<readonly [unknown, unknown]> {
  if (value === null || value === undefined) return []
  if (Array.isArray(value)) return value.entries()
  if (typeof value === 'number')
    return Array.from({ length: Math.min(Math.max(0, value), STEPS_MAX) }, (_, i) => [i, i])
  if (typeof value === 'object') return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  throw new TemplateError(line, `range cannot iterate over ${typeof value === 'string' ? 'a text' : 'this'}`)
}
