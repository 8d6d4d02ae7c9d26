import { BlockList, isIP } from 'node:net'

/** Asks one list again and again: connections of a project come with the same restrictions. */
const compiled = new WeakMap<readonly string[], BlockList>()

/** Whether an address lies in one of the ranges (`10.0.0.0/8`, `2001:db8::/32`, single addresses). */
export function isInRanges(address: string, ranges: readonly string[]): boolean {
  let list = compiled.get(ranges)
  if (list === undefined) compiled.set(ranges, (list = compile(ranges)))
  const plain = plainAddress(address)
  const family = isIP(plain)
  return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6')
}

/** IPv4 as such, also where the socket listens on both (`::ffff:192.0.2.1`). */
export const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '')

/** To whom an address counts: with IPv6 a single customer has at least a /64. */
export function networkOf(address: string): string {
  const plain = plainAddress(address)
  if (isIP(plain) !== 6) return plain
  const [left = '', right] = plain.split('::')
  const head = left === '' ? [] : left.split(':')
  const tail = right === undefined || right === '' ? [] : right.split(':')
  const groups =
    right === undefined
      ? head
      : [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail]
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}

function compile(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.trim().split('/')
    const family = isIP(address)
    if (family === 0) continue
    const type = family === 4 ? 'ipv4' : 'ipv6'
    if (bits === undefined) list.addAddress(address, type)
    else list.addSubnet(address, Number(bits), type)
  }
  return list
}
