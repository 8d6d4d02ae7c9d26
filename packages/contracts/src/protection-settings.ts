import { z } from 'zod'

const count = (min: number, max: number) => z.number().int().min(min).max(max)
const perPeriod = count(1, 2_147_483_647)

/** Settings of Auth that concern phones and rate limits, by the Management API's names. */
export const protectionFields: Readonly<Record<string, z.ZodType<boolean | number | string>>> = {
  external_email_enabled: z.boolean(),
  external_phone_enabled: z.boolean(),
  sms_autoconfirm: z.boolean(),
  sms_otp_exp: count(0, 2_147_483_647),
  sms_otp_length: count(6, 10),
  sms_max_frequency: count(0, 32_767),
  sms_template: z
    .string()
    .max(4_096)
    .regex(/^[^\0]*$/),
  /** Digits of a phone, and the code that is always right for it. */
  sms_test_otp: z
    .string()
    .max(16_384)
    .regex(/^(?:\+?\d{2,15}=\d{1,16}(?:,\+?\d{2,15}=\d{1,16})*)?$/),
  sms_test_otp_valid_until: z.union([z.literal(''), z.iso.datetime({ offset: true })]),
  rate_limit_email_sent: perPeriod,
  rate_limit_sms_sent: perPeriod,
  rate_limit_anonymous_users: perPeriod,
  rate_limit_verify: perPeriod,
  rate_limit_token_refresh: perPeriod,
  rate_limit_otp: perPeriod,
  rate_limit_web3: perPeriod,
  security_sb_forwarded_for_enabled: z.boolean(),
  security_update_password_require_current_password: z.boolean(),
  /** Not a setting of Supabase's. 0 = for ever. */
  favo_audit_log_retention_days: count(0, 3_650),
}
