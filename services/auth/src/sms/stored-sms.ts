import { z } from 'zod'

/** What a message's row knows of it beside recipient and text; customers can write into the table themselves. */
const StoredSms = z.object({
  code: z.string().max(100),
  channel: z.enum(['sms', 'whatsapp']),
  user_id: z.uuid(),
  token_type: z.string().max(100),
  token_hash: z.string().max(1_000),
})
export type StoredSms = z.infer<typeof StoredSms>

/** Null when it is none of ours. */
export const readStoredSms = (value: unknown): StoredSms | null => StoredSms.safeParse(value).data ?? null
