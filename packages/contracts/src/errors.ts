import { z } from 'zod'

/**
 * Every failure of `/v1`. Clients of the Management API read `message`; `code` is for programs, and for SQL it is
 * Postgres' SQLSTATE.
 */
export const ErrorBody = z.object({
  message: z.string(),
  code: z.string(),
  request_id: z.string(),
  /** What failed in SQL that the caller sent; absent elsewhere. */
  sql: z
    .object({
      detail: z.string().nullable(),
      hint: z.string().nullable(),
      /** 1-based number of the statement; null when the failure came at commit. */
      statement: z.number().nullable(),
      /** The statement's text. */
      text: z.string().nullable(),
      /** 1-based character in the statement, when Postgres gave one. */
      position: z.number().nullable(),
      /** 1-based line in what was sent. */
      line: z.number().nullable(),
    })
    .optional(),
})
export type ErrorBody = z.infer<typeof ErrorBody>
export type SqlErrorDetails = NonNullable<ErrorBody['sql']>
