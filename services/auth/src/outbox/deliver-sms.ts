import { sendByProvider, SmsError } from '../sms/ask-provider.ts'
import { isCodeAwaited } from '../sms/sms.sql.ts'
import { readStoredSms } from '../sms/stored-sms.ts'
import { isPhone } from '../users/addresses.ts'
import type { Delivery } from './deliver-mails.ts'
import { handToHook } from './hand-to-hook.ts'
import type { WaitingMail } from './outbox.sql.ts'
import type { Outcome } from './smtp.ts'

/**
 * Sends a message that its own request could not: the process ended meanwhile. Nobody needs it whose code was used, replaced
 * or has expired. Null when the project's inbox is to hold it.
 */
export async function deliverSms(delivery: Delivery, mail: WaitingMail): Promise<Outcome | null> {
  const { settings, db } = delivery
  const sms = readStoredSms(mail.sms)
  if (sms === null || !isPhone(mail.recipient)) return { kind: 'refused', error: 'it is no message' }
  if (!(await isCodeAwaited(db, sms, settings.smsOtpExpSeconds)))
    return { kind: 'refused', error: 'its code was used or replaced, or has expired' }
  try {
    const { hook_input: input } = mail
    const isTaken = input !== null && (await handToHook(delivery, { ...mail, hook_input: input }))
    if (!isTaken && settings.smsProvider === 'local') return null
    const { code, channel } = sms
    if (!isTaken)
      await sendByProvider(delivery, { phone: mail.recipient, text: mail.html ?? '', code, channel })
    return { kind: 'sent', error: '' }
  } catch (error) {
    const isFinal = error instanceof SmsError && error.kind !== 'unanswered'
    return {
      kind: isFinal ? 'refused' : 'delayed',
      error: error instanceof Error ? error.message : String(error),
    }
  }
}
