import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { acceptBodiesAsBuffers, bodyBytes } from '@favo/http'
import { DOMAIN, eventually, send as sendTo, startGateway, stubService } from '../test/start-gateway.ts'

const alpha = `alpha.${DOMAIN}`

describe('bodies', () => {
  test('one over the limit is refused with 413, announced or not, and never half-read into the service', async () => {
    const { a, port, logLines } = await startGateway({ config: { bodyLimitBytes: 100_000 } })
    const headers = { apikey: a.anon, 'content-type': 'application/json' }
    const body = JSON.stringify({ text: 'x'.repeat(10_000_000) })
    const announced = await sendTo(port, '/rest/v1/x', { method: 'POST', host: alpha, headers, body })
    expect([announced.status, announced.body]).toEqual([
      413,
      { code: 'body_too_large', message: 'The request body is too large' },
    ])
    const chunked = await sendTo(port, '/rest/v1/x', {
      method: 'POST',
      host: alpha,
      headers: { ...headers, 'transfer-encoding': 'chunked' },
      body,
    })
    expect(chunked.status).toBe(413)
    const viaFetch = await fetch(`http://127.0.0.1:${port}/p/${a.project.ref}/rest/v1/x`, {
      method: 'POST',
      headers,
      body,
    })
    expect(viaFetch.status).toBe(413)
    expect(logLines.every((line) => line.length < 1_000)).toBe(true)
  })

  test('malformed JSON is a 400 where the service leaves parsing to the gateway', async () => {
    const { a, send } = await startGateway()
    const headers = { apikey: a.anon, 'content-type': 'application/json' }
    const reply = await send('/rest/v1/x', { method: 'POST', host: alpha, headers, body: '{"a":' })
    expect([reply.status, reply.body.code]).toEqual([400, 'bad_request'])
  })

  test('a service that asks for bytes gets them as they came', async () => {
    const service = stubService('/rest/v1', {
      routes: async (app) => {
        acceptBodiesAsBuffers(app)
        app.post('/*', async (request) => ({ hex: bodyBytes(request).toString('hex') }))
      },
    })
    const { a, send } = await startGateway({ services: [service] })
    for (const type of ['application/json', 'text/csv', 'application/x-www-form-urlencoded', 'odd/type']) {
      const headers = { apikey: a.anon, 'content-type': type }
      const reply = await send('/rest/v1/x', {
        method: 'POST',
        host: alpha,
        headers,
        body: Buffer.from([0, 255]),
      })
      expect(reply.body).toEqual({ hex: '00ff' })
    }
    const headers = { apikey: a.anon }
    expect((await send('/rest/v1/x', { method: 'POST', host: alpha, headers })).body).toEqual({ hex: '' })
    const typed = { ...headers, 'content-type': 'application/json' }
    expect((await send('/rest/v1/x', { method: 'POST', host: alpha, headers: typed })).body).toEqual({
      hex: '',
    })
  })
})

describe('the client going away', () => {
  test('aborts the service’s signal and is logged as 499', async () => {
    let signal: AbortSignal | undefined
    const service = stubService('/rest/v1', {
      routes: async (app) => {
        app.get('/*', async (request) => {
          signal = request.favo.signal
          await new Promise((resolve) => signal?.addEventListener('abort', resolve))
          return {}
        })
      },
    })
    const { a, port, logLines } = await startGateway({ services: [service] })
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      path: '/rest/v1/x',
      headers: { host: alpha, apikey: a.anon },
    })
    request.on('error', () => {})
    request.end()
    await eventually(() => signal !== undefined)
    request.destroy()
    await eventually(() => signal?.aborted === true)
    await eventually(() => logLines.length === 1)
    expect(JSON.parse(logLines[0] ?? '')).toMatchObject({
      status: 499,
      aborted: true,
      project: a.project.ref,
    })
  })

  test('does not abort what has been answered', async () => {
    let signal: AbortSignal | undefined
    const service = stubService('/rest/v1', {
      routes: async (app) => {
        app.get('/*', async (request) => {
          signal = request.favo.signal
          return {}
        })
      },
    })
    const { a, send, logLines } = await startGateway({ services: [service] })
    await send('/rest/v1/x', { host: alpha, headers: { apikey: a.anon } })
    await eventually(() => logLines.length === 1)
    expect(signal?.aborted).toBe(false)
  })
})

test('closing lets a request underway finish and drops idle connections', async () => {
  let release: (() => void) | undefined
  const service = stubService('/rest/v1', {
    routes: async (app) => {
      app.get('/*', async () => {
        await new Promise<void>((resolve) => (release = resolve))
        return { done: true }
      })
    },
  })
  const { a, gateway, port, send } = await startGateway({ services: [service] })
  const idle = connect(port, '127.0.0.1')
  const idleClosed = new Promise((resolve) => idle.on('close', resolve))
  const slow = send('/rest/v1/x', { host: alpha, headers: { apikey: a.anon } })
  await eventually(() => release !== undefined)
  const closed = gateway.close()
  release?.()
  expect((await slow).body).toEqual({ done: true })
  await closed
  await idleClosed
})

test('closing cuts off what does not finish within the grace', async () => {
  let isRunning = false
  const service = stubService('/rest/v1', {
    routes: async (app) => {
      app.get('/*', async () => {
        isRunning = true
        await new Promise(() => {})
      })
    },
  })
  const { a, gateway, send } = await startGateway({ services: [service], config: { closeGraceMs: 50 } })
  const stuck = send('/rest/v1/x', { host: alpha, headers: { apikey: a.anon } })
  const outcome = expect(stuck).rejects.toThrow()
  await eventually(() => isRunning)
  await gateway.close()
  await outcome
})
