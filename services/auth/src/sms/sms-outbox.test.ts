import { randomUUID } from 'node:crypto'
import { sql } from '@favo/postgres'
import type { AuthSettings } from '@favo/projects'
import { startSmsGateways, UNREACHABLE_ENDING, type SmsGateways } from '@favo/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startHookServer, type HookServer } from '../../test/hook-server.ts'
import { startAuth, type StartOptions, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
let gateways: SmsGateways
let hook: HookServer
const secrets = 'v1,whsec_c2VjcmV0'
const hookedTo = (uri: string): Partial<AuthSettings> => ({
  hooks: { sendSms: { isEnabled: true, uri, secrets } },
})
const options = (): StartOptions => ({
  auth: {
    phoneProviderEnabled: true,
    smsMaxFrequencySeconds: 0,
    smsProvider: 'twilio',
    smsCredentials: gateways.credentials('twilio'),
    rateLimitSmsSent: 1_000,
  },
  outbound: { allowPrivate: true, hookBackoffMs: 1, origins: gateways.origins },
  mails: { firstRetrySeconds: 0.05, longestRetrySeconds: 0.1 },
})
beforeAll(async () => {
  gateways = await startSmsGateways()
  hook = await startHookServer()
  auth = await startAuth(options())
})
afterAll(async () => {
  await auth.close()
  await gateways.close()
  await hook.close()
})

let count = 1
const newPhone = () => `1555321${String((count += 1)).padStart(4, '0')}`
const otp = (phone: string, at = auth) => at.post('/otp', { phone: `+${phone}` })
const verify = (phone: string, token: string) => auth.post('/verify', { type: 'sms', phone, token })
const rowsOf = (phone: string, at = auth) =>
  at.admin.many<{
    id: string
    state: string
    tries: number
    error: string | null
    html: string
    sms: object
  }>(
    sql`select id::text as id, state, tries, error, html, sms from auth.favo_mails where recipient = ${phone}`,
  )
const sentTo = (phone: string) => gateways.sent.filter((message) => message.phone === phone)

/** Puts things as they are when a process ended between the commit and the provider's word. */
async function leaveBehind(phone: string, code: string, more = sql`recipient = recipient`, at = auth) {
  await at.admin.run(sql`
    update auth.favo_mails
    set state = 'waiting', due_at = now(), tries = 1, sent_at = null, html = ${`Your code is ${code}`},
      sms = sms || ${JSON.stringify({ code })}::jsonb, ${more}
    where recipient = ${phone}`)
}
const wake = () => otp(newPhone())
const untilState = (phone: string, state: string, at = auth) =>
  expect.poll(async () => (await rowsOf(phone, at)).map((row) => row.state)).toEqual([state])

test('a message is stored with its code and leaves within the request; then its text is gone', async () => {
  const phone = newPhone()
  expect((await otp(phone)).status).toBe(200)
  expect(sentTo(phone)).toHaveLength(1)
  const [row, ...others] = await rowsOf(phone)
  expect(others).toEqual([])
  expect(row).toMatchObject({ state: 'sent', html: '' })
  expect(row?.sms).not.toHaveProperty('code')
})

test('what the provider refuses is the answer, and nothing waits', async () => {
  const phone = `155577${UNREACHABLE_ENDING}`
  expect(await otp(phone)).toMatchObject({ status: 422, body: { error_code: 'sms_send_failed' } })
  expect(await rowsOf(phone)).toEqual([])
})

test('a message that a process left behind is sent by the next one, and its code signs in', async () => {
  const phone = newPhone()
  await otp(phone)
  const code = gateways.codeOf(phone)
  await leaveBehind(phone, code)
  await wake()
  await untilState(phone, 'sent')
  expect(sentTo(phone).map(({ text }) => text)).toEqual([`Your code is ${code}`, `Your code is ${code}`])
  expect((await verify(phone, code)).status).toBe(200)
})

test('nobody gets a code that was used or has expired: the message is dropped, with the reason', async () => {
  const [used, expired] = [newPhone(), newPhone()]
  for (const phone of [used, expired]) await otp(phone)
  expect((await verify(used, gateways.codeOf(used))).status).toBe(200)
  await auth.admin.run(sql`
    update auth.one_time_tokens set created_at = now() - interval '61 seconds' where relates_to = ${expired}`)
  for (const phone of [used, expired]) await leaveBehind(phone, gateways.codeOf(phone))
  await wake()
  for (const phone of [used, expired]) {
    await untilState(phone, 'dead')
    const [row] = await rowsOf(phone)
    expect(row).toMatchObject({ error: 'its code was used or replaced, or has expired', html: '' })
    expect(sentTo(phone)).toHaveLength(1)
    const retried = await auth.post(`/admin/inbox/${row?.id}/retry`, {}, { token: auth.keys.service })
    expect(retried.status).toBe(404)
  }
})

test('a left message that the provider refuses is given up', async () => {
  const phone = newPhone()
  const refused = `155588${UNREACHABLE_ENDING}`
  await otp(phone)
  await leaveBehind(phone, gateways.codeOf(phone), sql`recipient = ${refused}`)
  await wake()
  await untilState(refused, 'dead')
  expect((await rowsOf(refused))[0]?.error).toContain('is not a valid phone number')
})

test('a left message is offered to the hook until it is there, under one id, by which it can tell', async () => {
  // A project of its own: of two services of one database either would deliver.
  const at = await startAuth({ ...options(), auth: { ...options().auth, ...hookedTo(hook.url) } })
  const phone = newPhone()
  await otp(phone, at)
  const { sms } = JSON.parse(hook.calls.at(-1)?.body ?? '') as { sms: { otp: string } }
  const input = sql`hook_input = ${JSON.stringify({ sms: { otp: sms.otp, phone } })}::jsonb`
  hook.answer(() => ({ isBroken: true }))
  await leaveBehind(phone, sms.otp, input, at)
  await at.post('/admin/inbox/0/retry', {}, { token: at.keys.service })
  await expect.poll(async () => (await rowsOf(phone, at))[0]?.tries ?? 0).toBeGreaterThan(2)
  hook.answer(() => ({ status: 204 }))
  await untilState(phone, 'sent', at)
  const calls = hook.calls.filter(({ body }) => body.includes(phone))
  expect(calls.length).toBeGreaterThan(2)
  expect(new Set(calls.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
})

test('what a project writes into the outbox itself is no message, and holds nothing up', async () => {
  const phone = newPhone()
  await otp(phone)
  await leaveBehind(phone, gateways.codeOf(phone))
  const whole = { code: '1', channel: 'sms', user_id: randomUUID(), token_type: 'x', token_hash: 'x' }
  const evil: [string, unknown][] = [
    ['15550000001', 'text'],
    ['15550000002', []],
    ['15550000003', { ...whole, user_id: "' or true --" }],
    ['15550000004', { ...whole, channel: 'pigeon' }],
    ['15550000005&To=15550000006', whole],
    ['15550000007', whole],
  ]
  for (const [recipient, sms] of evil)
    await auth.admin.run(sql`
      insert into auth.favo_mails (kind, recipient, subject, html, state, due_at, sms)
      values ('sms', ${recipient}, '', 'x', 'waiting', now(), ${JSON.stringify(sms)}::jsonb)`)
  await wake()
  for (const [recipient] of evil) await untilState(recipient, 'dead')
  await untilState(phone, 'sent')
  expect(gateways.sent.filter(({ text }) => text === 'x')).toEqual([])
})

test('a Postgres function that sends messages is called in the transaction that notes it: once, or not at all', async () => {
  await auth.admin.run(sql`create table public.outgoing (phone text, code text)`)
  await auth.admin.run(sql`
    create function public.keep_sms(event jsonb) returns jsonb language plpgsql security definer set search_path = '' as $$
    begin
      insert into public.outgoing values (event->'sms'->>'phone', event->'sms'->>'otp');
      if event->'sms'->>'phone' like '%0000' then
        return jsonb_build_object('error', jsonb_build_object('http_code', 422, 'message', 'not there'));
      end if;
      return '{}';
    end $$`)
  await auth.admin.run(sql`grant execute on function public.keep_sms to supabase_auth_admin`)
  const at = await auth.with(hookedTo('pg-functions://postgres/public/keep_sms'))
  const [phone, refused] = [newPhone(), `155566${UNREACHABLE_ENDING}`]
  expect((await otp(phone, at)).status).toBe(200)
  expect(await otp(refused, at)).toMatchObject({ status: 422, body: { msg: 'not there' } })
  const kept = await auth.admin.many<{ phone: string; code: string }>(
    sql`select phone, code from public.outgoing`,
  )
  expect(kept.map((row) => row.phone)).toEqual([phone])
  expect((await verify(phone, kept[0]?.code ?? '')).status).toBe(200)
  expect((await rowsOf(phone))[0]?.state).toBe('sent')
})
