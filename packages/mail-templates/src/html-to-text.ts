/** Elements before and after which a line ends; and a paragraph. */
const lines = new Set(['br', 'tr', 'li', 'dt', 'dd', 'div'])
const paragraphs = new Set([
  ...[
    'p',
    'h1',
    'h2',
    'h3',
    'h4',
    'h5',
    'h6',
    'table',
    'ul',
    'ol',
    'blockquote',
    'pre',
    'hr',
    'section',
    'header',
  ],
  ...['footer', 'article', 'main', 'center'],
])
const silent = ['head', 'title', 'style', 'script', 'template']

const names: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  copy: '©',
  reg: '®',
  hellip: '…',
  mdash: '—',
  ndash: '–',
  rsquo: '’',
  lsquo: '‘',
  rdquo: '”',
  ldquo: '“',
  bull: '•',
  rarr: '→',
  zwnj: '',
}

/**
 * A mail's text for readers without HTML: words in their order, addresses of links behind their words. Takes any HTML and
 * time in proportion to its length.
 */
export function htmlToText(html: string): string {
  const out: string[] = []
  let link: { readonly address: string; readonly from: number } | null = null
  let at = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    const end = open === -1 ? html.length : open
    if (end > at) out.push(decode(html.slice(at, end)).replace(/\s+/g, ' '))
    if (open === -1) break
    const tag = readTag(html, open)
    at = tag.end
    if (silent.includes(tag.name) && !tag.isClosing) at = skipElement(html, tag.name, at)
    else if (paragraphs.has(tag.name)) out.push('\n\n')
    else if (lines.has(tag.name)) out.push(tag.name === 'li' && !tag.isClosing ? '\n- ' : '\n')
    else if (tag.name === 'td' || tag.name === 'th') out.push(' ')
    else if (tag.name === 'img') out.push(decode(attributeOf(tag.source, 'alt')))
    else if (tag.name === 'a' && !tag.isClosing)
      link = { address: decode(attributeOf(tag.source, 'href')).trim(), from: out.length }
    else if (tag.name === 'a' && link !== null) {
      const words = out.slice(link.from).join('').trim()
      if (link.address !== '' && link.address !== words)
        out.push(words === '' ? link.address : `: ${link.address}`)
      link = null
    }
  }
  return out
    .join('')
    .replace(/[ \t]{2,}/g, ' ')
    .replace(/[ \t]?\n[ \t]?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}

interface Tag {
  /** Lower-case; empty for a comment and for a lone `<`. */
  readonly name: string
  readonly isClosing: boolean
  readonly source: string
  readonly end: number
}

function readTag(html: string, open: number): Tag {
  if (html.startsWith('<!--', open)) {
    const close = html.indexOf('-->', open)
    return { name: '', isClosing: false, source: '', end: close === -1 ? html.length : close + 3 }
  }
  const pattern = /<(\/?)([a-zA-Z!?][^\s/>]*)(?:"[^"]*"|'[^']*'|[^"'>])*>?/y
  pattern.lastIndex = open
  const match = pattern.exec(html)
  if (match === null) return { name: '', isClosing: false, source: '', end: open + 1 }
  return {
    name: (match[2] ?? '').toLowerCase(),
    isClosing: match[1] === '/',
    source: match[0],
    end: pattern.lastIndex,
  }
}

function skipElement(html: string, name: string, from: number): number {
  const close = new RegExp(`</${name}`, 'gi')
  close.lastIndex = from
  const end = close.exec(html) === null ? -1 : html.indexOf('>', close.lastIndex)
  return end === -1 ? html.length : end + 1
}

function attributeOf(tag: string, name: string): string {
  const match = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]*))`, 'i').exec(tag)
  return match?.[1] ?? match?.[2] ?? match?.[3] ?? ''
}

const decode = (text: string): string =>
  text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]{2,8}));/g,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return names[name] ?? whole
      const code = decimal === undefined ? parseInt(hex ?? '', 16) : Number(decimal)
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ''
    },
  )
