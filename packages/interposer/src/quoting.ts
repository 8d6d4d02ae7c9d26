/**
 * Writes values into replacements without a single quote or a backslash. Who sends SQL with standard_conforming_strings off
 * sees other ends of strings than we do, and what we take for a statement may be a part of its data: text without quotes
 * cannot end a string there. Dollar tags are ones that the source does not contain.
 */
export interface Quoting {
  /** An expression of type text. */
  text(value: string | null): string
  json(value: unknown): string
  array(values: readonly string[]): string
  /** A whole body, for DO. */
  body(text: string): string
}

export function createQuoting(source: string): Quoting {
  const tag = freeTag(source, 'f')
  const text = (value: string | null): string => {
    if (value === null) return 'null'
    if (!/['\\$\0]/.test(value)) return `${tag}${value}${tag}`
    const hex = Buffer.from(value).toString('hex')
    return `pg_catalog.convert_from(pg_catalog.decode(${tag}${hex}${tag}, ${tag}hex${tag}), ${tag}UTF8${tag})`
  }
  return {
    text,
    json: (value) => `${text(JSON.stringify(value))}::pg_catalog.jsonb`,
    array: (values) => `array[${values.map(text).join(', ')}]::pg_catalog.text[]`,
    body: (body) => {
      const bodyTag = freeTag(source + body, 'favo')
      return `${bodyTag}${body}${bodyTag}`
    },
  }
}

function freeTag(text: string, stem: string): string {
  let tag = `$${stem}$`
  for (let i = 1; text.includes(tag); i++) tag = `$${stem}${i}$`
  return tag
}

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`
