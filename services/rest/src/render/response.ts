import type { Answer } from '@favo/http'

export type { Answer } from '@favo/http'

/** Header values are bytes; Node takes them as Latin-1. Control characters would end the line. */
export function headerText(text: string): string {
  // eslint-disable-next-line no-control-regex
  const clean = /[\x00-\x08\x0a-\x1f\x7f]/.test(text) ? text.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, '') : text
  // eslint-disable-next-line no-control-regex
  return /[^\x00-\x7f]/.test(clean) ? Buffer.from(clean, 'utf8').toString('latin1') : clean
}

/** HTTP knows no body with these; sent all the same, it would be taken for the beginning of the next answer. */
export function bodyless(answer: Answer): Answer {
  if (answer.status !== 204 && answer.status !== 304) return answer
  const headers = answer.headers.filter(([name]) => !OF_BODY.has(name.toLowerCase()))
  return { ...answer, headers, body: null }
}

const OF_BODY = new Set(['content-length', 'content-type'])
