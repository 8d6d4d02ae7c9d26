import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Fetch } from '@favo/client'

/**
 * Waits for an answer as long as the server works on it: a migration may build an index for longer than the five minutes
 * that the global fetch has the patience for. Follows no redirect.
 */
export const patientFetch: Fetch = (url, { method, headers, body }) =>
  new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? requestHttps : requestHttp
    const request = send(url, { method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({ status: response.statusCode ?? 0, text: () => Promise.resolve(text) })
      })
    })
    request.on('error', reject)
    // A length instead of chunks, which some proxies in front refuse.
    if (body !== undefined) request.setHeader('content-length', Buffer.byteLength(body))
    request.end(body)
  })
