/** The fields in which two states of something differ, as they were and as they are: what an audit row needs of them. */
export function differences(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): { before: Record<string, unknown>; after: Record<string, unknown> } {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  )
  const pick = (state: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(names.filter((name) => name in state).map((name) => [name, state[name]]))
  return { before: pick(before), after: pick(after) }
}
