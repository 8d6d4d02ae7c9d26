import { superuser } from '@favo/cluster'
import { expect, inject, onTestFinished, test } from 'vitest'
import { buildScramVerifier, openDb, sql } from '../index.ts'

const passwords = {
  ascii: 'correct horse battery staple',
  'quotes and backslashes': `it's "\\x"`,
  accents: 'pâsswörd',
  decomposed: 'pa\u0302sswo\u0308rd',
  'non-breaking space': 'two\u00a0words',
  'soft hyphen': 'soft\u00adhyphen',
  ligature: 'ﬁne',
  'full width': 'ＦＵＬＬ',
  'roman numeral': 'Ⅸ',
  emoji: 'pass😀word',
  'joined emoji': '👩\u200d💻',
  heart: '❤\ufe0f',
  hebrew: 'שלום',
  'mixed directions': 'שלוםabc',
  'private use': 'a\ue000ﬁ',
  'control character': 'a\u0007ﬁ',
  'zero width only': '\u200d',
}

test.each(Object.entries(passwords))(
  'Postgres stores the verifier that we compute: %s',
  async (_, password) => {
    const cluster = inject('cluster')
    const db = openDb({ ...cluster, user: superuser, database: 'postgres', max: 1 })
    onTestFinished(() => db.close())
    const role = sql.ident(`scram_${Math.random().toString(36).slice(2)}`)
    const stored = await db.transaction(async (tx) => {
      await tx.run(sql`create role ${role} password ${sql.literal(password)}`)
      const { verifier } = await tx.one<{ verifier: string }>(sql`
      select rolpassword as verifier from pg_authid where rolname = ${role.text.slice(1, -1)}`)
      await tx.run(sql`drop role ${role}`)
      return verifier
    })
    const [, iterations = '', salt = ''] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(stored) ?? []
    expect(await buildScramVerifier(password, Number(iterations), Buffer.from(salt, 'base64'))).toBe(stored)
  },
)

test('a login works with a verifier of one iteration, and with no other password', async () => {
  const cluster = inject('cluster')
  const admin = openDb({ ...cluster, user: superuser, database: 'postgres', max: 1 })
  onTestFinished(() => admin.close())
  const database = `scram_${Math.random().toString(36).slice(2)}`
  const user = `${database}_u`
  await admin.run(sql`create database ${sql.ident(database)}`)
  const verifier = await buildScramVerifier('pâss\u00adword', 1)
  await admin.run(sql`
    create role ${sql.ident(database)} nologin;
    create role ${sql.ident(user)} login in role ${sql.ident(database)} password ${sql.literal(verifier)}`)
  onTestFinished(async () => {
    await admin.run(sql`drop database ${sql.ident(database)} with (force)`)
    await admin.run(sql`drop role ${sql.ident(user)}, ${sql.ident(database)}`)
  })
  const login = { endpoint: cluster.endpoint, user, database, max: 1, acquireTimeoutMs: 2_000 }
  for (const password of ['pâss\u00adword', 'pâssword']) {
    const db = openDb({ ...login, password })
    expect(await db.one(sql`select current_user::text as me`)).toEqual({ me: user })
    await db.close()
  }
  const intruder = openDb({ ...login, password: 'password' })
  await expect(intruder.one(sql`select 1`)).rejects.toMatchObject({
    kind: 'unavailable',
    cause: { code: '28P01' },
  })
  await intruder.close()
})
