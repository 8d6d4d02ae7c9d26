import { expect, test } from 'vitest'
import { MessageCutter, passes, whole, type MessageHandler } from './message-cutter.ts'
import { message } from './messages.ts'

const stream = Buffer.concat([
  message('Q', 'select 1\0'),
  message('d', 'x'.repeat(3_000)),
  message('S'),
  message('P', 'name\0select 2\0', '\0\0'),
  message('d', ''),
  message('Q', 'select 3\0'),
])

/** All ways to cut the stream in pieces of one size. */
const pieces = (size: number): Buffer[] =>
  Array.from({ length: Math.ceil(stream.length / size) }, (_, i) => stream.subarray(i * size, (i + 1) * size))

const sizes = [1, 2, 3, 4, 5, 6, 7, 64, 999, 100_000]

test.each(sizes)('what nobody wants to see passes unchanged, in pieces of %i bytes', (size) => {
  const cutter = new MessageCutter({ needs: () => passes, handle: () => null })
  expect(Buffer.concat(pieces(size).flatMap((piece) => cutter.push(piece))).equals(stream)).toBe(true)
  expect(cutter.isAtRest).toBe(true)
})

test.each(sizes)('each message is handled once and whole, in pieces of %i bytes', (size) => {
  const seen: string[] = []
  const handler: MessageHandler = {
    needs: (type) => (type === 0x64 ? 0 : whole),
    handle: (type, _, start, end, length) => {
      const isWhole = end - start === length + 5
      seen.push(`${String.fromCharCode(type)} ${isWhole || type === 0x64}`)
      if (type === 0x51) return message('Q', 'replaced\0')
      return type === 0x53 ? null : true
    },
  }
  const cutter = new MessageCutter(handler)
  const out = Buffer.concat(pieces(size).flatMap((piece) => cutter.push(piece))).toString('latin1')
  expect(seen).toEqual(['Q true', 'd true', 'S true', 'P true', 'd true', 'Q true'])
  expect(out.match(/replaced/g)).toHaveLength(2)
  expect(out).not.toContain('select 1')
  expect(out).toContain('x'.repeat(3_000))
  expect(out).toContain('select 2')
})

test.each(sizes)('a stream that is held goes on where it stopped, in pieces of %i bytes', (size) => {
  let holds = 0
  const cutter = new MessageCutter({
    needs: () => whole,
    handle: (type) => (type === 0x50 && holds++ === 0 ? 'hold' : true),
  })
  const out: Buffer[] = []
  for (const piece of pieces(size)) out.push(...cutter.push(piece))
  expect(cutter.isHeld).toBe(true)
  expect(Buffer.concat(out).toString('latin1')).not.toContain('select 2')
  out.push(...cutter.resume())
  expect(Buffer.concat(out).equals(stream)).toBe(true)
})

test('what cannot be a message is refused', () => {
  const cutter = new MessageCutter({ needs: () => 0, handle: () => true })
  expect(() => cutter.push(Buffer.from('GET / HTTP/1.1\r\n'))).toThrow(RangeError)
})
