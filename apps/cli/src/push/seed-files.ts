import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { isAbsolute, join, posix, resolve } from 'node:path'
import type { Seed } from '@favo/contracts'
import { byBytes, missingIsEmpty } from './local-migrations.ts'

export interface SeedFile {
  /** As Supabase's CLI records it: relative to the work directory, `supabase/seed.sql`. */
  readonly path: string
  readonly hash: string
  readonly text: string
  /** It was run before with another content: then only its hash is updated, as that CLI does. */
  readonly hasChanged: boolean
}

/**
 * Seed files that were not run yet, or changed since, in the order of the patterns. `unmatched` are patterns without a file.
 * As pkg/migration/seed.go of supabase/cli.
 */
export async function findPendingSeeds(
  workdir: string,
  patterns: readonly string[],
  applied: readonly Seed[],
): Promise<{ seeds: SeedFile[]; unmatched: string[] }> {
  const hashes = new Map(applied.map(({ path, hash }) => [path, hash]))
  const unmatched: string[] = []
  const paths = new Set<string>()
  for (const pattern of patterns) {
    const rooted = isAbsolute(pattern) ? pattern : posix.join('supabase', pattern)
    const found = await expandPattern(workdir, rooted)
    if (found.length === 0) unmatched.push(rooted)
    for (const path of found) paths.add(path)
  }
  const seeds: SeedFile[] = []
  for (const path of paths) {
    const bytes = await readFile(resolve(workdir, path))
    const hash = createHash('sha256').update(bytes).digest('hex')
    const known = hashes.get(path)
    if (known !== hash)
      seeds.push({ path, hash, text: bytes.toString('utf8'), hasChanged: known !== undefined })
  }
  return { seeds, unmatched }
}

/** `*`, `?` and `[…]` within one name, as Go's path.Match; `**` is nothing special there either. */
async function expandPattern(workdir: string, pattern: string): Promise<string[]> {
  let found = [isAbsolute(pattern) ? '/' : '']
  const names = pattern.split('/').filter((name) => name !== '' && name !== '.')
  for (const [i, name] of names.entries()) {
    const isLast = i === names.length - 1
    const next: string[] = []
    for (const base of found) {
      if (/[*?[]/.test(name)) {
        const matcher = toRegExp(name)
        const entries = await readdir(resolve(workdir, base), { withFileTypes: true }).catch(missingIsEmpty)
        next.push(
          ...entries
            .filter(
              (entry) => matcher.test(entry.name) && (isLast ? !entry.isDirectory() : entry.isDirectory()),
            )
            .map((entry) => join(base, entry.name)),
        )
      } else next.push(join(base, name))
    }
    found = next
  }
  const existing: string[] = []
  for (const path of found) {
    const isFile = await stat(resolve(workdir, path)).then(
      (stats) => stats.isFile(),
      () => false,
    )
    if (isFile) existing.push(path)
  }
  return existing.sort(byBytes)
}

function toRegExp(name: string): RegExp {
  const source = name.replace(
    /\[(\^?)([^\]]*)\]|[\s\S]/g,
    (part, negation: string | undefined, set: string | undefined) => {
      if (set !== undefined) return `[${negation ?? ''}${set.replace(/[\\\]]/g, '\\$&')}]`
      if (part === '*') return '.*'
      if (part === '?') return '.'
      return part.replace(/[.+^${}()|[\]\\]/g, '\\$&')
    },
  )
  return new RegExp(`^${source}$`, 's')
}
