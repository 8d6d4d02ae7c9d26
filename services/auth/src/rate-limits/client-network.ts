import { isIP } from 'node:net'

/**
 * What requests of one client are counted under: its address, of IPv6 the network of 64 bits that one subscriber has at
 * least. Null for this machine itself: a reverse proxy that is not declared (FAVO_TRUSTED_PROXIES) would make one client of
 * everybody, and lock everybody out.
 */
export function clientNetwork(ip: string | null): string | null {
  if (ip === null) return null
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1]
  const address = mapped ?? ip
  switch (isIP(address)) {
    case 4:
      return address.startsWith('127.') ? null : address
    case 6:
      return address === '::1' ? null : networkOf(address)
    default:
      return null
  }
}

function networkOf(address: string): string {
  const [head = '', tail] = (address.split('%')[0] ?? '').toLowerCase().split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const gap = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  const groups = [...before, ...Array.from({ length: gap }, () => '0'), ...after]
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}
