/** Of the object's own; null when there is no such member. */
export const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : null

/** Go's truth: everything but false, 0, nothing, and what is empty. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (typeof value === 'object' && value !== null) return sizeOf(value) > 0
  return Boolean(value)
}

/** As it is printed; nothing for what is not there. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const sizes = new WeakMap<object, number>()

/** How much work a value may be, about: characters, elements or members. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length
  if (typeof value !== 'object' || value === null) return 0
  const size = sizes.get(value) ?? Object.keys(value).length
  sizes.set(value, size)
  return size
}
