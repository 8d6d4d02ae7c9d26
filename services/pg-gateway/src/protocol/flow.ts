import type { Socket } from 'node:net'

/** Writes pieces in one go; while the receiver is behind, the sender is not read. */
export function writeAll(pieces: readonly Buffer[], from: Socket, to: Socket): void {
  if (pieces.length === 0 || !to.writable) return
  let isBehind = false
  if (pieces.length > 1) to.cork()
  for (const piece of pieces) isBehind = !to.write(piece)
  if (pieces.length > 1) to.uncork()
  if (!isBehind || from.isPaused()) return
  from.pause()
  to.once('drain', () => from.resume())
}
