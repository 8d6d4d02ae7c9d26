export function importProgram(entry: string): Promise<Record<string, unknown>>
export function bundle(options: {
  readonly root: string
  readonly cache: string
  readonly file: string
}): Promise<string>
