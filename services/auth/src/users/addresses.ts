import { authErrors } from '../errors.ts'

// The pattern of HTML's input type=email, as the library has it that GoTrue uses (badoux/checkmail): deliverability is not checked.
const EMAIL =
  /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/
const EMAIL_BYTES_MAX = 255

export const isEmail = (text: string): boolean => text.length <= EMAIL_BYTES_MAX && EMAIL.test(text)

/** The address in lower case. Throws validation_failed. Mirrors auth internal/api/mail.go@bc32168 validateEmail. */
export function parseEmail(email: string): string {
  if (email === '') throw authErrors.validationFailed('An email address is required')
  if (Buffer.byteLength(email) > EMAIL_BYTES_MAX)
    throw authErrors.validationFailed('An email address is too long')
  if (!EMAIL.test(email))
    throw authErrors.validationFailed('Unable to validate email address: invalid format')
  return email.toLowerCase()
}

const E164 = /^[1-9][0-9]{1,14}$/

/** As it is stored: digits only. */
export const isPhone = (text: string): boolean => E164.test(text)

/** The number as it is stored: digits only. Throws validation_failed. */
export function parsePhone(phone: string): string {
  const digits = phone.replace(/^\+/, '').replaceAll(' ', '')
  if (!E164.test(digits)) throw authErrors.validationFailed('Invalid phone number format (E.164 required)')
  return digits
}
