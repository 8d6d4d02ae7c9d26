import { z } from 'zod'

/** A bad value in the environment. The message names every variable that is wrong, and what it should be. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`The configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
    this.name = 'ConfigError'
  }
}

/**
 * Reads settings from environment variables by one schema whose keys are the variables' names. Variables that are empty
 * count as not set. Every problem is told at once; an unknown `FAVO_…` variable is one, because it is most often a typo.
 *
 * Throws ConfigError.
 */
export function parseConfig<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<z.infer<z.ZodObject<Shape>>> {
  const given = Object.fromEntries(
    Object.entries(env).filter(
      ([name, value]) => value !== undefined && value !== '' && name in schema.shape,
    ),
  )
  const problems: string[] = []
  const known = Object.keys(schema.shape)
  for (const name of Object.keys(env))
    if (name.startsWith('FAVO_') && !known.includes(name) && !clientVariables.has(name))
      problems.push(`${name} is not a setting of Favo${suggest(name, known)}`)
  const result = schema.safeParse(given)
  if (!result.success)
    for (const issue of result.error.issues) {
      const name = String(issue.path[0] ?? '')
      // A secret never stands in a message; none of these settings is one, but a mistaken value might be.
      const value = given[name]
      problems.push(
        `${name}: ${issue.message} (it is ${value === undefined ? 'not set' : JSON.stringify(value.slice(0, 60))})`,
      )
    }
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(result.data as z.infer<z.ZodObject<Shape>>)
}

/** Read by the command line, not by the server. */
const clientVariables = new Set(['FAVO_API_URL', 'FAVO_ACCESS_TOKEN'])

function suggest(name: string, known: readonly string[]): string {
  const near = known.find(
    (candidate) => candidate.startsWith(name.slice(0, 7)) || candidate.includes(name.slice(5)),
  )
  return near === undefined ? '' : `; did you mean ${near}?`
}

/** A whole number within bounds, written in decimal. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`)

/** Markdown rows `| name | default | meaning |`, for the generated reference. */
export function describeConfig(schema: z.ZodObject): string {
  const rows = Object.entries(schema.shape).map(([name, field]) => {
    const text = field as z.ZodType
    return `| \`${name}\` | ${defaultOf(text)} | ${text.description ?? ''} |`
  })
  return ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n')
}

function defaultOf(field: z.ZodType): string {
  const parsed = field.safeParse(undefined)
  return parsed.success && parsed.data !== undefined
    ? `\`${JSON.stringify(parsed.data).replaceAll('"', '')}\``
    : 'none'
}
