import { randomInt } from 'node:crypto'

/**
 * `<name>-<organization>` as a DNS label; from the second attempt on with a random tail, for when that is taken. Names
 * without any Latin letter or digit become `project`.
 */
export function proposeSubdomain(name: string, organizationId: string, attempt: number): string {
  const tail = attempt === 0 ? '' : `-${randomInt(36 ** 3, 36 ** 4).toString(36)}`
  const stem = `${slugify(name) || 'project'}-${slugify(organizationId)}`
  return `${trimHyphens(stem.slice(0, 63 - tail.length))}${tail}`
}

/** Accents are dropped (`Café` → `cafe`); everything else that is no letter or digit becomes a hyphen. */
export const slugify = (text: string): string =>
  trimHyphens(
    text
      .normalize('NFKD')
      .replace(/\p{M}+/gu, '')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-'),
  )

const trimHyphens = (text: string) => text.replace(/^-+|-+$/g, '')
