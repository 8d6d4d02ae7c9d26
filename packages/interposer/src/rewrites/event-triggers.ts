import { childOf, listOf, listOfType, stringsOf, textOf } from '../tree.ts'
import { quoteName } from '../quoting.ts'
import type { Rewrite } from './rewrite.ts'
import { roleExpression } from './role-names.ts'

export const createEventTrigger: Rewrite = (node, { quote }) => {
  const [name, event] = [textOf(node, 'trigname'), textOf(node, 'eventname')]
  const conditions = listOfType(node, 'whenclause', 'DefElem')
  // Only TAG is a condition, and only once: Postgres says so better.
  if (name === null || event === null || conditions.length > 1) return null
  const [condition] = conditions
  if (condition !== undefined && textOf(condition, 'defname') !== 'tag') return null
  const tags = stringsOf(childOf(childOf(condition ?? null, 'arg'), 'List'), 'items')
  // Looked up here, under the search_path of who names it.
  const signature = `${stringsOf(node, 'funcname').map(quoteName).join('.')}()`
  const parts = [
    quote.text(name),
    quote.text(event),
    quote.text(signature),
    `pg_catalog.to_regprocedure(${quote.text(signature)})`,
    quote.array(tags),
  ]
  return [`perform pg_favo.create_event_trigger(${parts.join(', ')})`]
}

const states = new Map([
  ['O', 'enable'],
  ['D', 'disable'],
  ['R', 'enable replica'],
  ['A', 'enable always'],
])

export const alterEventTrigger: Rewrite = (node, { quote }) => {
  const [name, state] = [textOf(node, 'trigname'), states.get(textOf(node, 'tgenabled') ?? '')]
  if (name === null || state === undefined) return null
  return [`perform pg_favo.alter_event_trigger(${quote.text(name)}, ${quote.text(state)})`]
}

export const dropEventTriggers: Rewrite = (node, { quote }) => {
  const missingOk = String(node.missing_ok === true)
  return stringsOf(node, 'objects').map(
    (name) => `perform pg_favo.drop_event_trigger(${quote.text(name)}, ${missingOk})`,
  )
}

export const renameEventTrigger: Rewrite = (node, { quote }) => {
  const name = textOf(childOf(childOf(node, 'object'), 'String'), 'sval')
  const newName = textOf(node, 'newname')
  if (name === null || newName === null) return null
  return [`perform pg_favo.rename_event_trigger(${quote.text(name)}, ${quote.text(newName)})`]
}

/** Their owner is the platform; dumps say whose they were. */
export const alterEventTriggerOwner: Rewrite = (node, { quote }) => {
  const name = textOf(childOf(childOf(node, 'object'), 'String'), 'sval')
  const owner = roleExpression(childOf(node, 'newowner'), quote)
  if (name === null || owner === null || listOf(node, 'objargs').length > 0) return null
  return [`perform pg_favo.alter_event_trigger_owner(${quote.text(name)}, ${owner})`]
}
