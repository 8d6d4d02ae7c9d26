import type { Db } from '@favo/postgres'
import type { Logger } from '@favo/runtime'
import type { HookContext } from '../hooks/run-hook.ts'
import { deliverSms } from './deliver-sms.ts'
import { handToHook } from './hand-to-hook.ts'
import { keepingClaims } from './keep-claims.ts'
import {
  claimMails,
  holdMail,
  markDead,
  markFailed,
  markSent,
  releaseMails,
  secondsToNext,
  type WaitingMail,
} from './outbox.sql.ts'
import { sendMail, type MailServer, type Outcome, type SmtpOptions } from './smtp.ts'

const BATCH = 10
/** With the pauses between them, about as long as a link is good for. */
const TRIES_MAX = 10

export interface DeliveryOptions extends SmtpOptions {
  /** Seconds that a claim lasts without being renewed: how long mails wait after a crash in the middle of sending. */
  readonly claimSeconds: number
  /** Seconds until the second try; then twice as long each time. */
  readonly firstRetrySeconds: number
  readonly longestRetrySeconds: number
}

export interface Delivery extends HookContext {
  readonly db: Db
  readonly options: DeliveryOptions
  /** What mails say we are called. */
  readonly clientName: string
  readonly log: Logger
  /** No further mails are begun. */
  readonly stopping: AbortSignal
}

/**
 * Sends what is due in one project. Each mail is marked at once when the server has taken it, so that only a crash between
 * the server's word and that mark sends a mail twice, then under the same Message-ID. Gives the seconds until there is more
 * to do; null when nothing waits.
 */
export async function deliverMails(delivery: Delivery): Promise<number | null> {
  const { db, options, stopping } = delivery
  while (!stopping.aborted) {
    const mails = await claimMails(db, BATCH, options.claimSeconds)
    if (mails.length === 0) return secondsToNext(db)
    await deliverBatch(delivery, mails)
  }
  return null
}

async function deliverBatch(delivery: Delivery, mails: readonly WaitingMail[]): Promise<void> {
  const { db, options, log, stopping } = delivery
  const left = new Set(mails.map(({ id }) => id))
  const { claimSeconds } = options
  await keepingClaims(
    { db, log, claimSeconds },
    () => [...left],
    async () => {
      for (const mail of mails) {
        if (stopping.aborted) break
        const outcome = await deliverMail(delivery, mail)
        left.delete(mail.id)
        const retrySeconds = await note(delivery, mail, outcome)
        if (outcome?.kind !== 'unreachable') continue
        // It would be the same with the others; the one that was tried keeps count for all.
        await releaseMails(db, [...left], retrySeconds)
        return
      }
      if (left.size > 0) await releaseMails(db, [...left], 0)
    },
  )
}

/** Null when the project has no mail server any more. */
async function deliverMail(delivery: Delivery, mail: WaitingMail): Promise<Outcome | null> {
  if (mail.sms !== null) return deliverSms(delivery, mail)
  if (mail.hook_input !== null) return deliverByHook(delivery, mail, mail.hook_input)
  const server = serverOf(delivery)
  if (server === null) return null
  if (mail.html === null || mail.text === null) return { kind: 'refused', error: 'the mail is too long' }
  const { recipient, subject, html, text, message_id: messageId } = mail
  const createdAt = new Date(mail.created_at)
  return sendMail(
    delivery.outbound,
    server,
    { recipient, subject, html, text, messageId, createdAt },
    delivery.options,
  )
}

/** What a project's hook says is never about one mail for good: it may be mended. */
async function deliverByHook(delivery: Delivery, mail: WaitingMail, input: object): Promise<Outcome> {
  try {
    const isTaken = await handToHook(delivery, { ...mail, hook_input: input })
    return isTaken
      ? { kind: 'sent', error: '' }
      : { kind: 'refused', error: 'the project has no hook for mails any more' }
  } catch (error) {
    return { kind: 'delayed', error: error instanceof Error ? error.message : String(error) }
  }
}

function serverOf({ settings, clientName }: Delivery): MailServer | null {
  if (settings.smtpHost === '' || settings.smtpAdminEmail === '') return null
  return {
    host: settings.smtpHost,
    port: settings.smtpPort,
    user: settings.smtpUser,
    password: settings.smtpPassword,
    senderAddress: settings.smtpAdminEmail,
    senderName: settings.smtpSenderName,
    clientName,
  }
}

/** Gives the seconds until the next try. */
async function note(delivery: Delivery, mail: WaitingMail, outcome: Outcome | null): Promise<number> {
  const { db, log, options } = delivery
  if (outcome === null) {
    await holdMail(db, mail.id)
    return 0
  }
  const { kind, error } = outcome
  if (kind === 'sent') {
    await markSent(db, mail.id)
    return 0
  }
  const about = { mail: mail.id, kind: mail.kind, tries: mail.tries, reason: error }
  if (kind === 'refused' || mail.tries >= TRIES_MAX) {
    log.warn(about, 'a mail could not be delivered and was given up')
    await markDead(db, mail.id, error)
  }
  const backoff = Math.min(options.firstRetrySeconds * 2 ** (mail.tries - 1), options.longestRetrySeconds)
  // Spread, so that mails which failed together do not come together again.
  const retrySeconds = backoff * (0.8 + Math.random() * 0.4)
  if (kind !== 'refused' && mail.tries < TRIES_MAX) {
    log.info(about, 'a mail could not be delivered yet')
    await markFailed(db, mail.id, error, retrySeconds)
  }
  return retrySeconds
}
