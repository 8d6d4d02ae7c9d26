/**
 * SASLprep (RFC 4013) as Postgres applies it to passwords (src/common/saslprep.c@REL_18): what it would refuse is used
 * as it is, so every password works; pure ASCII is never touched.
 */
export function saslprep(password: string): string {
  // eslint-disable-next-line no-control-regex
  if (/^[\x00-\x7f]*$/.test(password)) return password
  const mapped = password.replace(nonAsciiSpaces, ' ').replace(mappedToNothing, '').normalize('NFKC')
  return mapped === '' || prohibited.test(mapped) || isUnassigned(mapped) || breaksBidi(mapped)
    ? password
    : mapped
}

/** RFC 3454 table C.1.2. */
const nonAsciiSpaces = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g
/** RFC 3454 table B.1. */
// eslint-disable-next-line no-misleading-character-class
const mappedToNothing = /[\u00ad\u034f\u1806\u180b-\u180d\u200c\u200d\u2060\ufe00-\ufe0f\ufeff]/g
/** RFC 3454 tables C.2.1, C.2.2 and C.3 to C.9. */
const prohibited = new RegExp(
  [
    '[\\u0000-\\u001f\\u007f-\\u009f\\u06dd\\u070f\\u180e\\u2028\\u2029\\u2061-\\u2063\\ufff9-\\ufffd\\u2ff0-\\u2ffb]',
    '[\\u0340\\u0341\\u200e\\u200f\\u202a-\\u202e\\u206a-\\u206f\\u{1d173}-\\u{1d17a}\\u{e0001}\\u{e0020}-\\u{e007f}]',
    '[\\p{Co}\\p{Cs}\\p{Cn}]',
  ].join('|'),
  'u',
)

/**
 * Characters that Unicode 3.2 did not have, beyond the basic plane: emoji above all, which join with U+200D and so would
 * change if they were mapped. (The rare additions inside the basic plane are taken as assigned.)
 */
function isUnassigned(text: string): boolean {
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0
    if (
      point >= 0x10000 &&
      !assignedBeyondBasicPlane.some(([first, last]) => point >= first && point <= last)
    )
      return true
  }
  return false
}

const assignedBeyondBasicPlane: readonly (readonly [number, number])[] = [
  [0x10300, 0x1031e],
  [0x10320, 0x10323],
  [0x10330, 0x1034a],
  [0x10400, 0x10425],
  [0x10428, 0x1044d],
  [0x1d000, 0x1d0f5],
  [0x1d100, 0x1d126],
  [0x1d12a, 0x1d1dd],
  [0x1d400, 0x1d7ff],
  [0x20000, 0x2a6d6],
  [0x2f800, 0x2fa1d],
]

/** RFC 3454 §6: right-to-left letters must not be mixed with others, and stand first and last. */
function breaksBidi(text: string): boolean {
  const characters = [...text]
  const isRightToLeft = (character: string | undefined): boolean =>
    character !== undefined && rightToLeft.test(character)
  if (!characters.some(isRightToLeft)) return false
  return (
    characters.some((character) => /\p{L}/u.test(character) && !isRightToLeft(character)) ||
    !isRightToLeft(characters[0]) ||
    !isRightToLeft(characters.at(-1))
  )
}

const rightToLeft = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u
