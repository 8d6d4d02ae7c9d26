/** A template as it was read: Go's text/template without definitions of further templates. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipe; readonly line: number }
  | Block
  | { readonly kind: 'break'; readonly line: number }
  | { readonly kind: 'continue'; readonly line: number }

export interface Block {
  readonly kind: 'if' | 'with' | 'range'
  readonly pipe: Pipe
  readonly body: readonly Node[]
  readonly otherwise: readonly Node[]
  readonly line: number
}

/** Commands from left to right; each gets the value of the one before as its last argument. */
export interface Pipe {
  /** Variables that get the value: one, or two (index, element) in `range`. */
  readonly variables: readonly string[]
  /** `=` instead of `:=`. */
  readonly isAssignment: boolean
  readonly commands: readonly (readonly Operand[])[]
}

export type Operand =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  /** `.` with an empty path, `.Data.name` with two names. */
  | { readonly kind: 'field'; readonly path: readonly string[] }
  /** `$` is the variable with the empty name. */
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'pipe'; readonly pipe: Pipe; readonly path: readonly string[] }

export const functionNames = [
  'and',
  'or',
  'not',
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'len',
  'index',
  'slice',
  'print',
  'println',
  'printf',
  'html',
  'js',
  'urlquery',
] as const
export type FunctionName = (typeof functionNames)[number]
