import { request } from 'node:http'

/**
 * `fetch` for addresses like `http://<ref>.favo.localhost:<port>`: connects to this machine and names the host in the Host
 * header. Node's own fetch forbids that header, and many systems do not resolve names below localhost.
 */
export const hostFetch: typeof fetch = async (input, init) => {
  const asked = new Request(input, init)
  const url = new URL(asked.url)
  const body = asked.body === null ? undefined : Buffer.from(await asked.arrayBuffer())
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: url.port,
        method: asked.method,
        path: url.pathname + url.search,
        headers: {
          ...Object.fromEntries(asked.headers),
          host: url.host,
          ...(body === undefined ? {} : { 'content-length': body.length }),
        },
      },
      (reply) => {
        const chunks: Buffer[] = []
        reply.on('data', (chunk: Buffer) => chunks.push(chunk))
        reply.on('error', reject)
        reply.on('end', () => {
          const headers = new Headers()
          for (let i = 0; i < reply.rawHeaders.length; i += 2)
            headers.append(reply.rawHeaders[i] ?? '', reply.rawHeaders[i + 1] ?? '')
          const status = reply.statusCode ?? 0
          const bytes = [101, 204, 205, 304].includes(status) ? null : Buffer.concat(chunks)
          resolve(new Response(bytes, { status, headers }))
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}
