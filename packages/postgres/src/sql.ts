/**
 * The `sql` tag: whole statements, values as parameters, names through `sql.ident`.
 *
 * Query functions take only what this tag makes, never a string, so a value cannot become SQL text by accident.
 */
const brand = Symbol('sql')

/** Something Postgres accepts as a text-format parameter; objects are sent as JSON, arrays by the driver's rules. */
export type SqlValue =
  string | number | bigint | boolean | null | Date | Buffer | readonly SqlValue[] | object

export interface Sql {
  readonly text: string
  readonly values: readonly SqlValue[]
  /** See `sql.withSettings`. */
  readonly settings?: Readonly<Record<string, string>>
}

interface Fragment extends Sql {
  readonly [brand]: { readonly strings: readonly string[]; readonly parts: readonly (Fragment | Value)[] }
}
interface Value {
  readonly value: SqlValue
}

const isFragment = (part: unknown): part is Fragment =>
  typeof part === 'object' && part !== null && brand in part

function build(strings: readonly string[], parts: readonly (Fragment | Value)[]): Fragment {
  const values: SqlValue[] = []
  const render = (s: readonly string[], p: readonly (Fragment | Value)[]): string => {
    let text = s[0] ?? ''
    p.forEach((part, i) => {
      if (isFragment(part)) text += render(part[brand].strings, part[brand].parts)
      else text += `$${values.push(part.value)}`
      text += s[i + 1] ?? ''
    })
    return text
  }
  return { [brand]: { strings, parts }, text: render(strings, parts), values }
}

export function sql(strings: TemplateStringsArray, ...parts: readonly (Sql | SqlValue)[]): Sql {
  return build(
    strings,
    parts.map((part) => (isFragment(part) ? part : { value: part })),
  )
}

/** A quoted name; several arguments make a qualified one: `sql.ident('auth', 'users')`. */
sql.ident = (...names: string[]): Sql => build([names.map(quoteIdent).join('.')], [])

/** A quoted literal, for the few utility statements that take no parameters (`ALTER ROLE … PASSWORD …`). */
sql.literal = (value: string | number): Sql => build([quoteLiteral(String(value))], [])

/** Fragments joined by a separator that is written in the code. */
sql.join = (fragments: readonly Sql[], separator: ', ' | ' and ' | ' or ' | '; ' | '\n'): Sql =>
  build(['', ...fragments.slice(1).map(() => separator as string), ''], fragments as readonly Fragment[])

/** SQL text that we wrote ourselves (a migration file). Never for anything that came from outside. */
sql.trusted = (text: string): Sql => build([text], [])

/**
 * The statement under other settings than a service's usual ones, as a function of the project needs them. They hold for
 * this statement alone, and only inside `Db.transaction`.
 */
sql.withSettings = (settings: Readonly<Record<string, string>>, query: Sql): Sql => ({ ...query, settings })

export function quoteIdent(name: string): string {
  if (name.includes('\0')) throw new Error('a name cannot contain a zero byte')
  return `"${name.replaceAll('"', '""')}"`
}

/** Safe whatever `standard_conforming_strings` says: a backslash switches to the E'' form. */
export function quoteLiteral(value: string): string {
  if (value.includes('\0')) throw new Error('a literal cannot contain a zero byte')
  const quoted = `'${value.replaceAll("'", "''")}'`
  return value.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}
