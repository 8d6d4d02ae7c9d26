import { destination, pino, stdSerializers, type Logger as PinoLogger } from 'pino'

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'child' | 'level'>

/** Bytes that are collected before they are written, and how long they wait at most: a write per request would cost as much as the request's own. */
const bufferBytes = 4_096
const flushMs = 200

/**
 * Structured lines on stdout, a little delayed (see above). Bodies, tokens, passwords and e-mail addresses are never passed to
 * it; `error` means that a person must act.
 */
export function createLogger(options: { level: string; write?: (line: string) => void }): Logger {
  const settings = { level: options.level, base: null, serializers: { error: stdSerializers.err } }
  if (options.write !== undefined) return pino(settings, { write: options.write })
  const stdout = destination({ dest: 1, sync: false, minLength: bufferBytes })
  setInterval(() => stdout.flush(), flushMs).unref()
  process.on('exit', () => {
    try {
      stdout.flushSync()
    } catch {
      // Never opened: the process ends before it could write anything.
    }
  })
  return pino(settings, stdout)
}

/** For tests and tools that want silence. */
export const silentLogger = (): Logger => pino({ level: 'silent' })
