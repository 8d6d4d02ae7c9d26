/** A template that cannot be read or run. `message` is a sentence for who wrote it. */
export class TemplateError extends Error {
  /** Counted from 1. */
  readonly line: number
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`)
    this.name = 'TemplateError'
    this.line = line
  }
}
