import { evaluate } from './evaluate.ts'
import { HtmlContext } from './html-context.ts'
import { parse } from './parse.ts'
import type { Node } from './syntax.ts'

const KNOWN_MAX = 200
/** Reading costs more than running, and most mails come from few templates. The one that was used last is the last one. */
const known = new Map<string, readonly Node[]>()

function read(template: string): readonly Node[] {
  const nodes = known.get(template) ?? parse(template)
  known.delete(template)
  known.set(template, nodes)
  const [oldest] = known.keys()
  if (known.size > KNOWN_MAX && oldest !== undefined) known.delete(oldest)
  return nodes
}

/** HTML, with values escaped for the places at which they come. Throws TemplateError. */
export function renderHtml(template: string, data: unknown): string {
  const context = new HtmlContext()
  const written: string[] = []
  let length = 0
  const write = (text: string) => {
    written.push(text)
    length += text.length
  }
  evaluate(read(template), data, {
    text: (literal) => {
      context.feed(literal)
      write(literal)
    },
    value: (text) => write(context.escape(text)),
    get length() {
      return length
    },
  })
  return written.join('')
}

const LINE_LENGTH_MAX = 250

/** One line of plain text: no value can end it and begin another header. Throws TemplateError. */
export function renderLine(template: string, data: unknown): string {
  const written: string[] = []
  let length = 0
  const write = (text: string) => {
    written.push(text)
    length += text.length
  }
  evaluate(read(template), data, {
    text: write,
    value: write,
    get length() {
      return length
    },
  })
  const line = written
    .join('')
    // eslint-disable-next-line no-control-regex -- no control character belongs into a header
    .replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, ' ')
    .trim()
  return [...line].slice(0, LINE_LENGTH_MAX).join('')
}
