import { sql, type Queryable } from '@favo/postgres'

/**
 * Which projects may have mails to deliver. Kept here, because looking for them in the projects' own databases would open all
 * of them.
 */
export const createMailMarks = (db: Queryable) => ({
  /** Durable when it resolves. A project that is gone has no mails. */
  mark: async (ref: string): Promise<void> => {
    await db.run(sql`
      insert into control.mail_marks (ref) select p.ref from control.projects p where p.ref = ${ref}
      on conflict (ref) do update set marked_at = now()
    `)
  },
  list: async (): Promise<string[]> => {
    const rows = await db.many<{ ref: string }>(sql`select ref from control.mail_marks order by marked_at`)
    return rows.map(({ ref }) => ref)
  },
  /** Removes a mark that is older than `ageSeconds`. */
  clear: async (ref: string, ageSeconds: number): Promise<void> => {
    await db.run(sql`
      delete from control.mail_marks
      where ref = ${ref} and marked_at < now() - make_interval(secs => ${ageSeconds})
    `)
  },
})
