import type { Claims } from '@favo/http'

/**
 * Where a token names its role: PostgREST's `jwt_role_claim_key` (14, `Config/JSPath.hs`), `.app_metadata.roles[0]` or
 * `.roles[?(@ ^== "app_")]`, the first of a list that fits.
 */
export type RolePath = readonly PathStep[]

type PathStep = string | number | { readonly operator: string; readonly text: string }

const STEP =
  /\.(?:([\p{L}\p{N}_$@]+)|"([^"]*)")|\[(\d+)\]|\[\?\(@\s*(==\^|==|!=|\^==|\*==)\s*"([^"]*)"\)\]$/uy

/** The claim `role` where nothing is said, and where what is said is no path. */
export const usualRolePath: RolePath = ['role']

export function parseRolePath(text: string | undefined): RolePath {
  if (text === undefined) return usualRolePath
  const path: PathStep[] = []
  STEP.lastIndex = 0
  while (STEP.lastIndex < text.length) {
    const found = STEP.exec(text)
    if (found === null) return usualRolePath
    const [, bare, quoted, index, operator, wanted = ''] = found
    if (operator !== undefined) path.push({ operator, text: wanted })
    else path.push(index === undefined ? (bare ?? quoted ?? '') : Number(index))
  }
  return path.length === 0 ? usualRolePath : path
}

/** Undefined = the claims name no role. */
export function roleAt(claims: Claims, path: RolePath): unknown {
  let value: unknown = claims
  for (const part of path) {
    if (typeof part === 'string')
      value = isObject(value) && Object.hasOwn(value, part) ? value[part] : undefined
    else if (!Array.isArray(value)) return undefined
    else if (typeof part === 'number') value = value[part]
    else value = value.find((item) => typeof item === 'string' && fits(item, part.operator, part.text))
  }
  return value
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function fits(item: string, operator: string, text: string): boolean {
  switch (operator) {
    case '==':
      return item === text
    case '!=':
      return item !== text
    case '^==':
      return item.startsWith(text)
    case '==^':
      return item.endsWith(text)
    default:
      return item.includes(text)
  }
}
