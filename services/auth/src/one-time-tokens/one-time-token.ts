import { createHash, randomInt } from 'node:crypto'

/** Marks tokens of the PKCE flow: their links give a code for the client that asked, and no session. */
export const PKCE_PREFIX = 'pkce_'

/** So many random decimal digits. */
export const createOtp = (length: number): string =>
  Array.from({ length }, () => String(randomInt(10))).join('')

/** What is stored, and stands in links. The address is part of it, so a code is good for one address only. */
export const hashOtp = (address: string, otp: string): string =>
  createHash('sha224')
    .update(address + otp)
    .digest('hex')
