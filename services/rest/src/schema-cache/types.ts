/** What REST knows of a project's database: enough to plan every request without asking again. */

export interface QualifiedName {
  readonly schema: string
  readonly name: string
}
/** Key of maps; no identifier of Postgres holds a zero byte. */
export const nameKey = (q: QualifiedName): string => `${q.schema}\0${q.name}`

export interface Column {
  readonly name: string
  readonly description: string | null
  readonly isNullable: boolean
  /** Of a domain its base type, without length for types of pg_catalog. */
  readonly baseType: string
  /** As declared: `character varying(20)`, `app_uuid`. */
  readonly type: string
  readonly maxLength: number | null
  /** Expression; what `missing=default` puts in. */
  readonly default: string | null
  readonly enumValues: readonly string[]
}

export interface Table extends QualifiedName {
  readonly description: string | null
  readonly isView: boolean
  readonly isInsertable: boolean
  readonly isUpdatable: boolean
  readonly isDeletable: boolean
  readonly primaryKey: readonly string[]
  readonly columns: ReadonlyMap<string, Column>
}

export interface ColumnPair {
  readonly own: string
  readonly foreign: string
}

interface RelationshipEnds {
  readonly table: QualifiedName
  readonly foreign: QualifiedName
  readonly isSelf: boolean
}

export interface KeyRelationship extends RelationshipEnds {
  readonly kind: 'many-to-one' | 'one-to-one' | 'one-to-many'
  readonly constraint: string
  readonly columns: readonly ColumnPair[]
  /** One-to-one: true on the side that is referenced. */
  readonly isReferenced: boolean
  readonly isTableView: boolean
  readonly isForeignView: boolean
}

export interface JunctionRelationship extends RelationshipEnds {
  readonly kind: 'many-to-many'
  readonly junction: QualifiedName
  readonly constraint: string
  readonly foreignConstraint: string
  /** Own column and the junction's that refers to it. */
  readonly columns: readonly ColumnPair[]
  /** The foreign table's column and the junction's that refers to it. */
  readonly foreignColumns: readonly ColumnPair[]
  readonly isTableView: boolean
  readonly isForeignView: boolean
}

/** A function from a table's row to rows of another. */
export interface ComputedRelationship extends RelationshipEnds {
  readonly kind: 'computed'
  readonly function: QualifiedName
  readonly isToOne: boolean
}

export type Relationship = KeyRelationship | JunctionRelationship | ComputedRelationship

export const isToOne = (r: Relationship): boolean =>
  r.kind === 'many-to-one' || r.kind === 'one-to-one' || (r.kind === 'computed' && r.isToOne)

export interface Parameter {
  /** Empty for an unnamed one. */
  readonly name: string
  readonly type: string
  /** Types that would cut a value to their default length of 1 (`bit`, `character`) are widened. */
  readonly wideType: string
  readonly isRequired: boolean
  readonly isVariadic: boolean
}

export interface Routine extends QualifiedName {
  /** Its oid. */
  readonly id: number
  readonly description: string | null
  readonly parameters: readonly Parameter[]
  readonly returns: {
    readonly type: QualifiedName
    readonly isSet: boolean
    readonly isComposite: boolean
  }
  readonly volatility: 'immutable' | 'stable' | 'volatile'
  readonly hasVariadic: boolean
  readonly isolation: 'repeatable read' | 'serializable' | null
  /** `set …` clauses of its definition. */
  readonly settings: readonly (readonly [string, string])[]
}

export const isVoid = (r: Routine): boolean =>
  !r.returns.isSet &&
  !r.returns.isComposite &&
  r.returns.type.schema === 'pg_catalog' &&
  r.returns.type.name === 'void'

/** Makes the body of a custom media type. */
export interface MediaHandler {
  readonly function: QualifiedName
  /** The relation (or function) that it serves; null for any. */
  readonly target: QualifiedName | null
  /** What is accepted: `text/html`, or any type (`*`+`/*`). */
  readonly accepts: string
  readonly produces: string
  /** The media type is a domain over bytea. */
  readonly isBinary: boolean
}

export interface SchemaCache {
  readonly tables: ReadonlyMap<string, Table>
  /** By name of the table they start from. */
  readonly relationships: ReadonlyMap<string, readonly Relationship[]>
  /** By name; overloads together, fewest parameters first. */
  readonly routines: ReadonlyMap<string, readonly Routine[]>
  /** Functions that present or read a domain: by `source type\0target type`. */
  readonly representations: ReadonlyMap<string, string>
  readonly mediaHandlers: readonly MediaHandler[]
}
