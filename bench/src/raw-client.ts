import { MessageWriter, openSession } from '@favo/postgres/wire'
import { contextText, contextValues, readText, type Target } from './project.ts'

/** The cheapest client there can be: writes the same bytes again as soon as the last answer has ended. */
export async function runRawClients(project: Target, clients: number, seconds: number): Promise<number> {
  const stops = await Promise.all(Array.from({ length: clients }, () => startRawClient(project)))
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
  const answers = stops.map((stop) => stop())
  return answers.reduce((sum, count) => sum + count, 0) / seconds
}

async function startRawClient({ endpoint, database, password }: Target): Promise<() => number> {
  const login = { endpoint, user: `${database}_api`, password, database, timeoutMs: 5_000 }
  const { socket } = await openSession(login)
  const writer = new MessageWriter()
  writer.parse('context', contextText(['$1', '$2', '$3']), [])
  writer.parse('read', readText, [])
  writer.sync()
  const prepare = writer.take()
  writer.bind('context', { values: contextValues })
  writer.execute()
  writer.bind('read', { values: [] })
  writer.execute()
  writer.sync()
  const flight = writer.take()

  let answers = -1
  socket.on('data', (chunk: Buffer) => {
    // ReadyForQuery, idle: the answers are small and come in one piece, and nothing else ends like this.
    if (chunk[chunk.length - 6] !== 0x5a || chunk[chunk.length - 1] !== 0x49) return
    answers++
    socket.write(flight)
  })
  socket.on('error', () => {})
  socket.write(prepare)
  return () => {
    socket.destroy()
    return answers
  }
}
