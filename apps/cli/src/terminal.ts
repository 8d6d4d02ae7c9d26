/** What a command sees of the world. Results go to `out`, everything said about them to `err`, so that pipes stay clean. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  out(text: string): void
  err(text: string): void
  /** True when a person can be asked. */
  readonly isInteractive: boolean
}

export const exitCodes = {
  done: 0,
  /** The platform refused or failed. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** No platform answers. */
  unreachable: 3,
} as const

/** Ends a command with a sentence for a person, and perhaps what to type next. */
export class CommandError extends Error {
  readonly exitCode: number
  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message)
    this.name = 'CommandError'
    this.exitCode = exitCode
  }
}

export const printJson = (terminal: Terminal, value: unknown): void =>
  terminal.out(`${JSON.stringify(value, null, 2)}\n`)

/** Columns as wide as their widest cell, two spaces between. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)))
  return all
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
