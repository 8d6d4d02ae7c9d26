import { randomInt } from 'node:crypto'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const LENGTH = 12

/** 62 bits, in GoTrue's form. A guess needs the API too, and the unique index refuses the one in 10^18 that repeats. */
export const createRefreshToken = (): string =>
  Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')

export const isRefreshToken = (token: string): boolean => /^[a-z0-9]{12}$/.test(token)
