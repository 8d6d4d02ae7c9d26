import { ApiError } from './api-error.ts'

/** PGRST3xx: the token. Its texts are told in WWW-Authenticate as well (RFC 6750). */
export const tokenErrors = {
  empty: () => undecoded('Empty JWT is sent in Authorization header'),
  parts: (parts: number) => undecoded(`Expected 3 parts in JWT; got ${parts}`),
  signature: () =>
    undecoded('No suitable key or wrong key type', 'None of the keys was able to decode the JWT'),
  undecodable: () => undecoded('JWT cryptographic operation failed'),
  required: () =>
    new ApiError(
      401,
      { code: 'PGRST302', message: 'Anonymous access is disabled' },
      { headers: [['WWW-Authenticate', 'Bearer']] },
    ),
  expired: () => unacceptable('JWT expired'),
  notYetValid: () => unacceptable('JWT not yet valid'),
  issuedInFuture: () => unacceptable('JWT issued at future'),
  notInAudience: () => unacceptable('JWT not in audience'),
  notNumber: (claim: string) => unacceptable(`The JWT '${claim}' claim must be a number`),
  audienceType: () => unacceptable("The JWT 'aud' claim must be a string or an array of strings"),
}

const undecoded = (message: string, details: string | null = null) => refused('PGRST301', message, details)
const unacceptable = (message: string) => refused('PGRST303', message, null)

const refused = (code: string, message: string, details: string | null) =>
  new ApiError(
    401,
    { code, message, details },
    {
      headers: [
        ['WWW-Authenticate', `Bearer error="invalid_token", error_description=${JSON.stringify(message)}`],
      ],
    },
  )
