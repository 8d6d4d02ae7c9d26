import qrcode from 'qrcode-generator'
import { Secret, TOTP } from 'otpauth'

const SECRET_BYTES = 20
const MODULE_PIXELS = 3
const QUIET_MODULES = 4

export interface TotpKey {
  /** Base32, as it is stored and as users type it. */
  readonly secret: string
  /** `otpauth://totp/…`, for authenticator applications. */
  readonly uri: string
}

// What GoTrue's library does: SHA-1, six digits, half a minute. Applications know nothing else for sure.
const make = (secret: Secret, issuer: string, label: string) =>
  new TOTP({ issuer, label, secret, algorithm: 'SHA1', digits: 6, period: 30 })

export function createTotpKey(issuer: string, account: string): TotpKey {
  const secret = new Secret({ size: SECRET_BYTES })
  return { secret: secret.base32, uri: make(secret, issuer, account).toString() }
}

/** The code of now, of the half minute before or of that after. Null when the secret cannot be read. */
export function isTotpCode(secret: string, code: string): boolean | null {
  let key: Secret
  try {
    key = Secret.fromBase32(secret)
  } catch {
    return null
  }
  const trimmed = code.trim()
  return /^\d{6}$/.test(trimmed) && make(key, '', '').validate({ token: trimmed, window: 1 }) !== null
}

/** An SVG without `#`, which auth-js puts behind `data:image/svg+xml;utf-8,` as it is. */
export function drawQrCode(text: string): string {
  const code = qrcode(0, 'H')
  code.addData(text)
  code.make()
  const count = code.getModuleCount()
  const side = count + 2 * QUIET_MODULES
  let path = ''
  for (let row = 0; row < count; row += 1)
    for (let column = 0; column < count; column += 1)
      if (code.isDark(row, column)) path += `M${column + QUIET_MODULES} ${row + QUIET_MODULES}h1v1h-1z`
  return `<?xml version="1.0"?>
<svg width="${side * MODULE_PIXELS}" height="${side * MODULE_PIXELS}" viewBox="0 0 ${side} ${side}" xmlns="http://www.w3.org/2000/svg" shape-rendering="crispEdges">
<path fill="white" d="M0 0h${side}v${side}H0z"/>
<path fill="black" d="${path}"/>
</svg>
`
}
