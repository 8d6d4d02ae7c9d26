import { pino, stdSerializers, type Logger as PinoLogger } from 'pino'

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'child' | 'level'>

/**
 * Structured lines on stdout. Bodies, tokens, passwords and e-mail addresses are never passed to it; `error` means that
 * a person must act.
 */
export function createLogger(options: { level: string; write?: (line: string) => void }): Logger {
  const settings = { level: options.level, base: null, serializers: { error: stdSerializers.err } }
  return options.write === undefined ? pino(settings) : pino(settings, { write: options.write })
}

/** For tests and tools that want silence. */
export const silentLogger = (): Logger => pino({ level: 'silent' })
