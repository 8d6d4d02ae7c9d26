import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const source = resolve(import.meta.dirname, '../src')

/** What a phase may look at beside itself. Types of a phase before are the language in which it gets its input. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  parse: ['errors'],
  plan: ['parse', 'schema-cache', 'errors'],
  compile: ['parse', 'plan', 'schema-cache'],
  execute: ['parse', 'plan', 'compile', 'schema-cache'],
  render: ['parse', 'plan', 'compile', 'execute', 'schema-cache', 'errors'],
}

const filesOf = (folder: string): string[] =>
  readdirSync(join(source, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))

const importsOf = (file: string) =>
  [...readFileSync(file, 'utf8').matchAll(/^(?:import|export)( type)?[^'"]*? from '([^']+)'/gms)].map(
    (m) => ({
      isType: m[1] !== undefined,
      target: m[2] ?? '',
    }),
  )

test.each(Object.keys(MAY_IMPORT))('%s knows only the phases before it', (phase) => {
  for (const file of filesOf(phase))
    for (const { target } of importsOf(file)) {
      if (!target.startsWith('.')) continue
      const [folder = ''] = relative(source, resolve(dirname(file), target)).split('/')
      const isOwn = folder === phase || folder.endsWith('.ts')
      expect(isOwn || MAY_IMPORT[phase]?.includes(folder), `${relative(source, file)} → ${target}`).toBe(true)
    }
})

test.each(['parse', 'plan', 'compile'])('%s does no input or output', (phase) => {
  const pure = new Set(['lru-cache', '@favo/postgres'])
  for (const file of filesOf(phase))
    for (const { isType, target } of importsOf(file)) {
      if (target.startsWith('.') || isType) continue
      expect(pure.has(target), `${relative(source, file)} → ${target}`).toBe(true)
      // Of the data path only the quoting of names.
      if (target === '@favo/postgres') expect(relative(source, file)).toBe('compile/names.ts')
    }
})
