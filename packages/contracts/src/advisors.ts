import { z } from 'zod'

export const LintLevel = z.enum(['ERROR', 'WARN', 'INFO'])
export const LintCategory = z.enum(['PERFORMANCE', 'SECURITY', 'HEALTH'])

/** A finding about a project's database, in the shape of Supabase's advisors. */
export const Lint = z.object({
  /** Of the rule: `rls_disabled_in_public`. */
  name: z.string(),
  title: z.string(),
  level: LintLevel,
  facing: z.literal('EXTERNAL'),
  categories: z.array(LintCategory),
  /** Of the rule; `detail` speaks of what was found. */
  description: z.string(),
  detail: z.string(),
  /** How to mend it: an address to read. */
  remediation: z.string(),
  metadata: z.object({
    schema: z.string().optional(),
    name: z.string().optional(),
    /** For what is not a relation. */
    entity: z.string().optional(),
    type: z.string().optional(),
    fkey_name: z.string().optional(),
    fkey_columns: z.array(z.number()).optional(),
  }),
  /** The same for the same finding, so that clients can hide it. */
  cache_key: z.string(),
})
export type Lint = z.infer<typeof Lint>

export const AdvisorsQuery = z.object({ lint_type: z.enum(['sql']).optional() })
export const Advisors = z.object({ lints: z.array(Lint) })
export type Advisors = z.infer<typeof Advisors>
