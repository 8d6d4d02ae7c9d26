import { isIP } from 'node:net'
import { controlErrors } from '../errors.ts'

export const everywhere: readonly string[] = ['0.0.0.0/0', '::/0']

/**
 * Ranges in the form of Postgres' `cidr`; a plain address stands for itself alone. Throws 422 for what is no range, and
 * for an address with bits right of its mask, which is nearly always a mistake.
 */
export function parseCidrs(entries: readonly string[], family: 4 | 6): string[] {
  return entries.map((entry) => {
    const [address = '', bits, ...rest] = entry.trim().split('/')
    const width = family === 4 ? 32 : 128
    const length = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
    const isRange = isIP(address) === family && !address.includes('%') && rest.length === 0 && length <= width
    if (!isRange)
      throw controlErrors.invalid(
        `${entry.slice(0, 64)} is not an IPv${family} range such as ${family === 4 ? '192.0.2.0/24' : '2001:db8::/32'}.`,
      )
    const value = toNumber(address, family)
    const host = (1n << BigInt(width - length)) - 1n
    if ((value & host) !== 0n)
      throw controlErrors.invalid(`${entry.slice(0, 64)} has bits to the right of its mask.`)
    return `${address.toLowerCase()}/${length}`
  })
}

export const familyOf = (cidr: string): 4 | 6 => (cidr.includes(':') ? 6 : 4)

function toNumber(address: string, family: 4 | 6): bigint {
  if (family === 4) return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
  const groups = expand(address)
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n)
}

/** The eight groups of a valid IPv6 address, `::` and a dotted end written out. */
function expand(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const plain =
    dotted === null
      ? address
      : `${dotted[1] ?? ''}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`
  const [head = '', tail] = plain.split('::')
  const parse = (text: string) =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
  const [left, right] = [parse(head), parse(tail ?? '')]
  return tail === undefined
    ? left
    : [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right]
}
