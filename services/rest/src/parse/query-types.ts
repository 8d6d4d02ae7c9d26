/** What a query string says, before anything is known about the schema. Values are lifted out: see `Slot`. */

/** Index into the request's `literals`. Plans and SQL are made of slots only, so that one plan serves every value. */
export type Slot = number

export interface JsonStep {
  readonly arrow: '->' | '->>'
  /** A key, or the text of an index (`+1`, `-2`). */
  readonly operand: string
  readonly isIndex: boolean
}

export interface FieldRef {
  readonly name: string
  readonly path: readonly JsonStep[]
}

export type Aggregate = 'sum' | 'avg' | 'count' | 'max' | 'min'
export type JoinType = 'inner' | 'left'

export interface SelectField {
  readonly kind: 'field'
  readonly field: FieldRef
  readonly alias: string | null
  readonly cast: string | null
  readonly aggregate: Aggregate | null
  readonly aggregateCast: string | null
}

export interface SelectRelation {
  readonly kind: 'relation' | 'spread'
  readonly name: string
  readonly alias: string | null
  readonly hint: string | null
  readonly join: JoinType | null
  readonly items: readonly SelectItem[]
}

export type SelectItem = SelectField | SelectRelation

export interface OrderTerm {
  /** Name of an embedded to-one relation whose column orders the parent; null for a column of its own. */
  readonly relation: string | null
  readonly field: FieldRef
  readonly direction: 'asc' | 'desc' | null
  readonly nulls: 'first' | 'last' | null
}

export type CompareOperator =
  | 'eq' | 'gte' | 'gt' | 'lte' | 'lt' | 'like' | 'ilike' | 'match' | 'imatch'
  | 'neq' | 'cs' | 'cd' | 'ov' | 'sl' | 'sr' | 'nxr' | 'nxl' | 'adj' // prettier-ignore

export type FtsOperator = 'fts' | 'plfts' | 'phfts' | 'wfts'

/** `Value` is text while parsing and a `Slot` afterwards. */
export type Operation<Value> =
  | {
      readonly kind: 'compare'
      readonly operator: CompareOperator
      readonly quantifier: 'any' | 'all' | null
      readonly value: Value
    }
  | { readonly kind: 'in'; readonly value: Value }
  | { readonly kind: 'is'; readonly value: 'null' | 'not null' | 'true' | 'false' | 'unknown' }
  | { readonly kind: 'distinct'; readonly value: Value }
  | {
      readonly kind: 'fts'
      readonly operator: FtsOperator
      readonly language: string | null
      readonly value: Value
    }

export interface Filter<Value = Slot> {
  readonly kind: 'filter'
  readonly field: FieldRef
  readonly negated: boolean
  readonly operation: Operation<Value>
}

export interface LogicGroup<Value = Slot> {
  readonly kind: 'group'
  readonly negated: boolean
  readonly operator: 'and' | 'or'
  readonly members: readonly Logic<Value>[]
}

export type Logic<Value = Slot> = Filter<Value> | LogicGroup<Value>

/** Names of embedded relations from the root down; empty for the root itself. */
export type EmbedPath = readonly string[]

export interface AtPath<T> {
  readonly path: EmbedPath
  readonly value: T
}
