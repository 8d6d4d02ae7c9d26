import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface SmsHook {
  readonly url: string
  readonly calls: readonly { readonly id: string; readonly phone: string; readonly code: string }[]
  /** Until then it takes what comes and says nothing. */
  answer(): void
}

/** What a project has to send its messages by. Ends with the test. */
export async function startSmsHook(): Promise<SmsHook> {
  const calls: SmsHook['calls'][number][] = []
  let isAnswering = false
  const server = createServer((request, reply) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { sms } = JSON.parse(Buffer.concat(chunks).toString()) as { sms: { phone: string; otp: string } }
      calls.push({ id: String(request.headers['webhook-id']), phone: sms.phone, code: sms.otp })
      if (isAnswering) reply.writeHead(204).end()
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    answer: () => {
      isAnswering = true
    },
  }
}
