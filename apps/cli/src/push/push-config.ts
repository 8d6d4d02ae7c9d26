import { readFile } from 'node:fs/promises'
import { parse } from 'smol-toml'
import { z } from 'zod'
import { CommandError } from '../terminal.ts'

const section = { enabled: z.boolean().default(true) }

/** What `db push` needs of supabase/config.toml; the rest of the file is for others. Defaults are those of Supabase's CLI. */
const ConfigToml = z.object({
  db: z
    .object({
      migrations: z.object(section).prefault({}),
      seed: z.object({ ...section, sql_paths: z.array(z.string()).default(['seed.sql']) }).prefault({}),
    })
    .prefault({}),
})

export interface PushConfig {
  readonly migrationsEnabled: boolean
  readonly seedEnabled: boolean
  /** Relative to the folder of config.toml, with `*`, `?` and `[…]`. */
  readonly seedPaths: readonly string[]
}

/** A missing file means defaults. Throws a CommandError that names the line or the setting. */
export async function readPushConfig(path: string): Promise<PushConfig> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  })
  const { db } = read(path, text)
  return {
    migrationsEnabled: db.migrations.enabled,
    seedEnabled: db.seed.enabled,
    seedPaths: db.seed.sql_paths,
  }
}

function read(path: string, text: string): z.infer<typeof ConfigToml> {
  try {
    return ConfigToml.parse(parse(text))
  } catch (error) {
    if (error instanceof z.ZodError) {
      const [issue] = error.issues
      throw new CommandError(`${path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not usable'}`)
    }
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw new CommandError(`${path} cannot be read: ${reason}`)
  }
}
