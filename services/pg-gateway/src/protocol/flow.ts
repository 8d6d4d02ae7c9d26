import type { Socket } from 'node:net'

/** Short pieces are copied into one: cheaper than to have the kernel gather them. */
const copiedBytesMax = 4_096

/** Writes pieces in one go; while the receiver is behind, the sender is not read. */
export function writeAll(pieces: readonly Buffer[], from: Socket, to: Socket): void {
  const [first] = pieces
  if (first === undefined || !to.writable) return
  let isTaken = true
  if (pieces.length === 1) isTaken = to.write(first)
  else if (lengthOf(pieces) <= copiedBytesMax) isTaken = to.write(Buffer.concat(pieces))
  else {
    to.cork()
    for (const piece of pieces) isTaken = to.write(piece)
    to.uncork()
  }
  if (isTaken || from.isPaused()) return
  from.pause()
  to.once('drain', () => from.resume())
}

function lengthOf(pieces: readonly Buffer[]): number {
  let length = 0
  for (const piece of pieces) length += piece.length
  return length
}
