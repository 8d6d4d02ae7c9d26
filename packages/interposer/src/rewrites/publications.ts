import { argumentOf, childOf, listOfType, optionsOf, textOf, type Node } from '../tree.ts'
import { quoteName } from '../quoting.ts'
import type { Rewrite } from './rewrite.ts'

/**
 * FOR ALL TABLES and FOR TABLES IN SCHEMA take a superuser. The publication itself is the customer's, made without them;
 * a function adds the tables, and an event trigger those that come later.
 */
export const createPublication: Rewrite = (node, { quote }) => {
  const name = textOf(node, 'pubname')
  const schemas = schemasOf(node)
  const isForAll = node.for_all_tables === true
  // A list that mixes tables and schemas is for Postgres to refuse.
  if (name === null || (!isForAll && (schemas === null || schemas.length === 0))) return null
  const options = [...optionsOf(node)].map(
    ([option, element]) => `${quoteName(option)} = ${quote.text(String(argumentOf(element)))}`,
  )
  const withOptions = options.length === 0 ? '' : ` with (${options.join(', ')})`
  // Neither name nor option may end a string that we do not see (quoting.ts).
  if (/['\\]|pg_catalog/.test(name + withOptions)) return null
  const scope = isForAll ? 'null' : quote.array(schemas ?? [])
  return [
    `create publication ${quoteName(name)}${withOptions}`,
    `perform pg_favo.publish_tables(${quote.text(name)}, ${scope})`,
  ]
}

export const alterPublication: Rewrite = (node, { quote }) => {
  const name = textOf(node, 'pubname')
  const schemas = schemasOf(node)
  if (name === null || schemas === null || schemas.length === 0) return null
  if (textOf(node, 'action') !== 'AP_AddObjects') return null
  return [`perform pg_favo.publish_tables(${quote.text(name)}, ${quote.array(schemas)})`]
}

/** Names of the schemas, when the list has schemas only. */
function schemasOf(node: Node): string[] | null {
  const objects = listOfType(node, 'pubobjects', 'PublicationObjSpec')
  const schemas = objects.map((object) =>
    textOf(object, 'pubobjtype') === 'PUBLICATIONOBJ_TABLES_IN_SCHEMA' && childOf(object, 'pubtable') === null
      ? textOf(object, 'name')
      : null,
  )
  const names = schemas.filter((schema) => schema !== null)
  return names.length === schemas.length ? names : null
}
