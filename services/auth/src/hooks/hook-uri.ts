/** A function of the project's database. */
export interface HookFunction {
  readonly schema: string
  readonly name: string
}

/**
 * Where a `pg-functions://<database>/<schema>/<function>` leads; the database's name says nothing, each project has one.
 * Null when it is not in that form, of names as GoTrue allows them (auth internal/conf/configuration.go@bc32168).
 */
export function parseFunctionUri(uri: string): HookFunction | null {
  const match = /^pg-functions:\/\/[^/]+\/([a-zA-Z_][a-zA-Z0-9_]{0,62})\/([a-zA-Z_][a-zA-Z0-9_]{0,62})$/.exec(
    uri,
  )
  const [, schema, name] = match ?? []
  return schema === undefined || name === undefined ? null : { schema, name }
}
