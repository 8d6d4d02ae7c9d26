const secretName = /pass|secret|token|jwk|sealed|hash|credential|private|api_?key$|(^|_)key$/i

/** Long texts (SQL, templates) are cut: the log says that something changed, it is no backup. */
const TEXT_MAX = 2_000

/** A copy without values under names that look like secrets. */
export function redact(value: unknown): unknown {
  if (typeof value === 'string')
    // A NUL cannot be stored, and a cut must not leave half a character.
    return Buffer.from(value.replaceAll('\0', '').slice(0, TEXT_MAX)).toString()
  if (Array.isArray(value)) return value.map(redact)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      secretName.test(name) && (typeof inner === 'string' || typeof inner === 'object') && inner !== null
        ? '***'
        : redact(inner),
    ]),
  )
}
