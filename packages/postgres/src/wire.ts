/** The wire itself, for measurements that need something below the pools. */
export { openSession } from './wire/handshake.ts'
export { MessageWriter } from './wire/writer.ts'
