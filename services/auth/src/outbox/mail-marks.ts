/**
 * Notes, outside of the projects' databases, of those that may have mails to deliver. A process that starts goes by them:
 * looking into every database would open them all.
 */
export interface MailMarks {
  /** Durable when it resolves. */
  mark(ref: string): Promise<void>
  list(): Promise<readonly string[]>
  /** Nothing waits there: removes a mark that is older than `ageSeconds`. A younger one may be of a mail that comes. */
  clear(ref: string, ageSeconds: number): Promise<void>
}
