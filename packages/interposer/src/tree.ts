/** The parse tree comes as JSON; these read it without trusting its shape. */
export type Node = Readonly<Record<string, unknown>>

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const childOf = (node: Node | null, key: string): Node | null => {
  const child = node?.[key]
  return isNode(child) ? child : null
}

export const listOf = (node: Node | null, key: string): Node[] => {
  const list = node?.[key]
  return Array.isArray(list) ? list.filter(isNode) : []
}

export const textOf = (node: Node | null, key: string): string | null => {
  const text = node?.[key]
  return typeof text === 'string' ? text : null
}

/** Elements `{ [type]: node }` of a list, unwrapped. */
export const listOfType = (node: Node | null, key: string, type: string): Node[] =>
  listOf(node, key)
    .map((element) => childOf(element, type))
    .filter((element) => element !== null)

/** Elements of a list of strings. */
export const stringsOf = (node: Node | null, key: string): string[] =>
  listOfType(node, key, 'String').map((element) => textOf(element, 'sval') ?? '')

/** The options of a statement, by name; of a repeated one the last. */
export const optionsOf = (node: Node, key = 'options'): Map<string, Node> =>
  new Map(
    listOfType(node, key, 'DefElem').map((element) => [textOf(element, 'defname') ?? '', element] as const),
  )

/** Of an option's argument: a string's or number's text, `true` for one without argument. */
export function argumentOf(option: Node): string | number | boolean | null {
  const argument = childOf(option, 'arg')
  if (argument === null) return true
  const boolean = childOf(argument, 'Boolean')
  if (boolean !== null) return boolean.boolval === true
  const integer = childOf(argument, 'Integer')
  if (integer !== null) return typeof integer.ival === 'number' ? integer.ival : 0
  return textOf(childOf(argument, 'String'), 'sval')
}

/** Every object of a tree that says whose name it is. Without recursion: expressions nest as deep as the text is long. */
export function findRoleSpecs(tree: Node): Node[] {
  const found: Node[] = []
  const pending: unknown[] = [tree]
  while (pending.length > 0) {
    const next = pending.pop()
    if (Array.isArray(next)) for (const element of next) pending.push(element)
    else if (isNode(next)) {
      if (typeof next.roletype === 'string') found.push(next)
      else for (const key in next) pending.push(next[key])
    }
  }
  return found
}
