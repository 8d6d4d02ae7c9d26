import type { MediaType, PlanOption } from '../parse/media-type.ts'
import type { RangeSlots } from '../parse/request.ts'
import type { Aggregate, JoinType, JsonStep, Operation, Slot } from '../parse/query-types.ts'
import type { Parameter, QualifiedName, Relationship, Routine } from '../schema-cache/types.ts'

/**
 * Plans: what to do in terms of the schema, with every name resolved and every value a slot. They hold nothing of one
 * request that another of the same shape could not share.
 */

/** A column or a value inside one. */
export interface PlannedField {
  readonly name: string
  readonly path: readonly JsonStep[]
  /** The column is no JSON: arrows need `to_jsonb` first. */
  readonly needsJson: boolean
  /** Function that presents the value (in a select) or reads one (in a filter). */
  readonly transform: string | null
  /** Full-text search of something that is no tsvector: wrapped in `to_tsvector` with this language. */
  readonly vector: { readonly language: string | null } | null
  /** The row as a whole, for `count()` of a spread relation. */
  readonly isWholeRow: boolean
}

export interface PlannedSelect {
  readonly field: PlannedField
  readonly cast: string | null
  readonly aggregate: Aggregate | null
  readonly aggregateCast: string | null
  readonly alias: string | null
}

export interface PlannedFilter {
  readonly kind: 'filter'
  readonly field: PlannedField
  readonly negated: boolean
  readonly operation: Operation<Slot>
}
/** `relation=is.null` on an embedded relation: whether it has rows. */
export interface PlannedPresence {
  readonly kind: 'presence'
  readonly embed: string
  readonly isPresent: boolean
}
export interface PlannedGroup {
  readonly kind: 'group'
  readonly negated: boolean
  readonly operator: 'and' | 'or'
  readonly members: readonly PlannedLogic[]
}
export type PlannedLogic = PlannedFilter | PlannedPresence | PlannedGroup

export interface PlannedOrder {
  /** Alias of the embed whose column it is; null for the node's own. */
  readonly embed: string | null
  readonly field: PlannedField
  readonly direction: 'asc' | 'desc' | null
  readonly nulls: 'first' | 'last' | null
}

export type Source =
  | { readonly kind: 'relation'; readonly name: QualifiedName }
  /** The rows that the request's own write or call produced. */
  | { readonly kind: 'request' }
  | { readonly kind: 'computed'; readonly function: QualifiedName; readonly argument: QualifiedName }

/** One level of a read. */
export interface ReadNode {
  readonly source: Source
  readonly alias: string
  readonly select: readonly PlannedSelect[]
  readonly embeds: readonly Embed[]
  readonly where: readonly PlannedLogic[]
  readonly order: readonly PlannedOrder[]
  readonly range: RangeSlots | null
  /** Rows of this level at most, where no range narrows it already. */
  readonly maxRows: number | null
}

/** A relation inside its parent's rows. */
export interface Embed {
  /** Name of the subquery; unique among siblings. */
  readonly alias: string
  /** Key in the parent's JSON. */
  readonly name: string
  readonly relationship: Relationship
  readonly join: JoinType | null
  readonly mode: 'object' | 'array' | 'spread-one' | 'spread-many'
  /** Nothing selected in it or below: joined for filters and order, not shown. */
  readonly isHidden: boolean
  readonly node: ReadNode
  /** For spreads: the columns that rise into the parent. */
  readonly rising: readonly RisingField[]
  /** For `spread-many`: what the arrays are ordered by, selected under other names beside the columns. */
  readonly arrayOrder: readonly ArrayOrder[]
}

export interface RisingField {
  readonly name: string
  /** Aggregates of a to-one spread are applied where the columns arrive. */
  readonly aggregate: Aggregate | null
  readonly aggregateCast: string | null
  readonly alias: string | null
}

export interface ArrayOrder {
  readonly column: string
  readonly term: PlannedOrder
}

/** Who makes the body. */
export type Handler =
  | { readonly kind: 'json'; readonly stripped: boolean }
  | { readonly kind: 'single'; readonly stripped: boolean }
  | { readonly kind: 'csv' | 'geojson' | 'none' }
  | {
      readonly kind: 'custom'
      readonly function: QualifiedName
      readonly target: QualifiedName | null
      /** Makes a bytea. */
      readonly isBinary: boolean
    }

export interface Explain {
  readonly format: 'json' | 'text'
  readonly options: readonly PlanOption[]
}

export interface WrittenColumn {
  readonly name: string
  readonly type: string
  /** Function that reads the JSON value. */
  readonly transform: string | null
  readonly default: string | null
}

interface WriteBase {
  readonly table: QualifiedName
  readonly where: readonly PlannedLogic[]
  /** Columns to return; empty = only the number of rows matters. `*` stands alone. */
  readonly returning: readonly string[]
}
export interface InsertPlan extends WriteBase {
  readonly kind: 'insert'
  readonly columns: readonly WrittenColumn[]
  readonly isObject: boolean
  readonly appliesDefaults: boolean
  readonly conflict: { readonly columns: readonly string[]; readonly action: 'merge' | 'ignore' } | null
  readonly isPut: boolean
}
export interface UpdatePlan extends WriteBase {
  readonly kind: 'update'
  readonly columns: readonly WrittenColumn[]
  readonly isObject: boolean
  readonly appliesDefaults: boolean
}
export interface DeletePlan extends WriteBase {
  readonly kind: 'delete'
}
export type WritePlan = InsertPlan | UpdatePlan | DeletePlan

export type CallArguments =
  /** From the query string or a form: by position among the pairs that were given, several for a variadic one. */
  | {
      readonly kind: 'pairs'
      readonly given: readonly { parameter: Parameter; indexes: readonly number[] }[]
    }
  /** From a JSON object, by name. */
  | { readonly kind: 'json'; readonly parameters: readonly Parameter[]; readonly isObject: boolean }
  /** The whole body as the only argument. */
  | { readonly kind: 'body'; readonly type: string }
  | { readonly kind: 'none' }

export interface CallPlan {
  readonly routine: Routine
  readonly arguments: CallArguments
  /** Columns of the result that are needed; `*` stands alone. */
  readonly returning: readonly string[]
}

interface StatementBase {
  readonly read: ReadNode
  readonly handler: Handler
  readonly mediaType: MediaType
  readonly explain: Explain | null
}
export interface ReadPlan extends StatementBase {
  readonly kind: 'read'
  readonly relation: QualifiedName
  readonly isHead: boolean
}
export interface MutationPlan extends StatementBase {
  readonly kind: 'mutation'
  readonly relation: QualifiedName
  readonly write: WritePlan
  readonly primaryKey: readonly string[]
}
export interface FunctionPlan extends StatementBase {
  readonly kind: 'function'
  readonly call: CallPlan
  readonly isHead: boolean
}
export type StatementPlan = ReadPlan | MutationPlan | FunctionPlan
