import type { Slot } from '../parse/query-types.ts'

/** Where a parameter's value comes from when the statement is bound to a request. */
export type Binding =
  | { readonly kind: 'literal'; readonly slot: Slot }
  /** The request's body as it came. */
  | { readonly kind: 'body'; readonly isBinary: boolean }
  /** Pairs of the query string or a form, by position. */
  | { readonly kind: 'argument'; readonly indexes: readonly number[]; readonly isVariadic: boolean }

export interface Statement {
  readonly text: string
  readonly bindings: readonly Binding[]
  /** Parameter types by OID; 0 = let Postgres infer. */
  readonly types: readonly number[]
}

export const OID = { json: 114, bytea: 17, text: 25 } as const

/** Collects a statement's parameters while its text is written. */
export class Parameters {
  readonly #bindings: Binding[] = []
  readonly #types: number[] = []

  /** A value whose type Postgres infers from where it stands, as it does for a quoted literal. */
  literal(slot: Slot): string {
    return this.#add({ kind: 'literal', slot }, 0)
  }

  /** The body as JSON: sent in binary form, which for json is its bytes. */
  json(): string {
    return this.#add({ kind: 'body', isBinary: true }, OID.json)
  }

  bytes(): string {
    return this.#add({ kind: 'body', isBinary: true }, OID.bytea)
  }

  /** The body as text of a type that is named after it (`$1::xml`). */
  text(): string {
    return this.#add({ kind: 'body', isBinary: false }, 0)
  }

  argument(indexes: readonly number[], isVariadic: boolean): string {
    return this.#add({ kind: 'argument', indexes, isVariadic }, 0)
  }

  statement(text: string): Statement {
    return { text, bindings: this.#bindings, types: this.#types }
  }

  #add(binding: Binding, type: number): string {
    this.#bindings.push(binding)
    this.#types.push(type)
    return `$${this.#bindings.length}`
  }
}
