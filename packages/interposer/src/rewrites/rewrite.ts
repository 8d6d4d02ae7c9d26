import type { Quoting } from '../quoting.ts'
import type { Node } from '../tree.ts'

/** One statement, and what its rewriting needs beside the tree. */
export interface Source {
  /** The statement as it was parsed; places in the tree are offsets into its UTF-8 bytes. */
  readonly text: string
  readonly quote: Quoting
}

/** Statements of PL/pgSQL that do what the statement says; null when Postgres shall have it as it is. */
export type Rewrite = (node: Node, source: Source) => readonly string[] | null
