export type { Answer } from '@favo/http'

/** Header values are bytes; Node takes them as Latin-1. Control characters would end the line. */
export function headerText(text: string): string {
  // eslint-disable-next-line no-control-regex
  const clean = /[\x00-\x08\x0a-\x1f\x7f]/.test(text) ? text.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, '') : text
  // eslint-disable-next-line no-control-regex
  return /[^\x00-\x7f]/.test(clean) ? Buffer.from(clean, 'utf8').toString('latin1') : clean
}
