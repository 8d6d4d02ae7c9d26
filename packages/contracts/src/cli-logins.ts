import { z } from 'zod'

export const CreateCliLoginBody = z.object({ read_only: z.boolean() })
export type CreateCliLoginBody = z.infer<typeof CreateCliLoginBody>

/** A login for the database that expires. The user to sign in with is `<role>.<project ref>`. */
export const CliLogin = z.object({ role: z.string(), password: z.string(), ttl_seconds: z.number() })
export type CliLogin = z.infer<typeof CliLogin>

export const DeletedCliLogins = z.object({ message: z.literal('ok') })
