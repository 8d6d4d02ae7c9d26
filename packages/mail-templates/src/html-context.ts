import {
  encodeAddress,
  encodeComponent,
  escapeHtml,
  escapeUnquoted,
  FILTERED,
  isHarmlessAddress,
} from './escape.ts'

type State =
  | 'text'
  | 'tagName'
  | 'tag'
  | 'attributeName'
  | 'afterName'
  | 'beforeValue'
  | 'value'
  | 'comment'
  /** Text of an element that ends with its own tag only. */
  | 'elementText'

type AttributeKind = 'plain' | 'address' | 'code'

const addressAttributes = new Set([
  ...['action', 'archive', 'background', 'cite', 'classid', 'codebase', 'data', 'formaction', 'href', 'icon'],
  ...['longdesc', 'manifest', 'ping', 'poster', 'profile', 'src', 'usemap', 'xlink:href', 'xmlns'],
])

/** Elements whose text is no markup. In the last two, values could do harm. */
const textElements = ['title', 'textarea', 'script', 'style']

/**
 * Follows HTML as it is written, and escapes values for the place at which they come: in text, in an attribute, in an address.
 * As Go's html/template does it, at the time of writing instead of once for all. A value never changes the place.
 */
export class HtmlContext {
  #state: State = 'text'
  #element = ''
  #isClosing = false
  #attribute = ''
  /** `"`, `'`, or nothing. */
  #quote = ''
  /** How far the value of an address has come. */
  #address: 'start' | 'path' | 'query' = 'start'
  /** The end of what was written, for what is longer than a character. */
  #tail = ''

  /** Takes what the template says itself. */
  feed(markup: string): void {
    for (let at = 0; at < markup.length; at += 1) {
      // Most of a mail is text and nothing begins in it.
      if (this.#state === 'text' && !this.#tail.includes('<')) at = markup.indexOf('<', at)
      if (at === -1) return
      const character = markup.charAt(at)
      this.#tail = (this.#tail + character).slice(-12)
      this.#next(character)
    }
  }

  escape(value: string): string {
    switch (this.#state) {
      case 'text':
        // Behind `<` it would name an element.
        return /<\/?$/.test(this.#tail) ? FILTERED : escapeHtml(value)
      case 'elementText':
        return this.#element === 'script' || this.#element === 'style' ? filter(value) : escapeHtml(value)
      case 'comment':
        return ''
      case 'tagName':
      case 'tag':
      case 'attributeName':
      case 'afterName':
        return this.#name(value)
      case 'beforeValue':
        this.#beginValue('')
        return this.#value(value)
      case 'value':
        return this.#value(value)
    }
  }

  #next(character: string): void {
    const isSpace = /\s/.test(character)
    switch (this.#state) {
      case 'text':
        if (this.#tail.endsWith('<!--')) this.#state = 'comment'
        else if (/<\/?[a-zA-Z]$/.test(this.#tail)) this.#beginTag(character)
        break
      case 'comment':
        if (this.#tail.endsWith('-->')) this.#state = 'text'
        break
      case 'elementText':
        if (this.#tail.toLowerCase().endsWith(`</${this.#element}`)) this.#beginTag('', true)
        break
      case 'tagName':
        if (character === '>') this.#endTag()
        else if (isSpace || character === '/') this.#state = 'tag'
        else this.#element += character.toLowerCase()
        break
      case 'tag':
        if (character === '>') this.#endTag()
        else if (!isSpace && character !== '/') this.#beginName(character)
        break
      case 'attributeName':
        if (character === '>') this.#endTag()
        else if (character === '=') this.#state = 'beforeValue'
        else if (character === '/') this.#state = 'tag'
        else if (isSpace) this.#state = 'afterName'
        else this.#attribute += character.toLowerCase()
        break
      case 'afterName':
        if (character === '>') this.#endTag()
        else if (character === '=') this.#state = 'beforeValue'
        else if (character === '/') this.#state = 'tag'
        else if (!isSpace) this.#beginName(character)
        break
      case 'beforeValue':
        if (character === '>') this.#endTag()
        else if (character === '"' || character === "'") this.#beginValue(character)
        else if (!isSpace) {
          this.#beginValue('')
          this.#follow(character)
        }
        break
      case 'value':
        if (this.#quote === '' ? character === '>' : character === this.#quote) {
          this.#state = 'tag'
          if (character === '>') this.#endTag()
        } else if (this.#quote === '' && isSpace) this.#state = 'tag'
        else this.#follow(character)
        break
    }
  }

  #beginTag(name: string, isClosing = /<\/[a-zA-Z]$/.test(this.#tail)): void {
    this.#state = 'tagName'
    this.#isClosing = isClosing
    this.#element = name.toLowerCase()
  }

  #endTag(): void {
    this.#state = !this.#isClosing && textElements.includes(this.#element) ? 'elementText' : 'text'
    this.#tail = ''
  }

  #beginName(character: string): void {
    this.#state = 'attributeName'
    this.#attribute = character.toLowerCase()
  }

  #beginValue(quote: string): void {
    this.#state = 'value'
    this.#quote = quote
    this.#address = 'start'
  }

  /** Notes how far an address has come. */
  #follow(text: string): void {
    if (/[?#]/.test(text)) this.#address = 'query'
    else if (this.#address === 'start' && text !== '') this.#address = 'path'
  }

  #value(value: string): string {
    const escape = this.#quote === '' ? escapeUnquoted : escapeHtml
    switch (kindOf(this.#attribute)) {
      case 'plain':
        return escape(value)
      case 'code':
        return filter(value)
      case 'address': {
        const at = this.#address
        if (at === 'start' && !isHarmlessAddress(value.trim())) {
          this.#follow(FILTERED)
          return `#${FILTERED}`
        }
        this.#follow(value)
        return escape(at === 'query' ? encodeComponent(value) : encodeAddress(value))
      }
    }
  }

  /** Names of attributes that only tell something may be values. */
  #name(value: string): string {
    const isHarmless =
      this.#state === 'tag' && /^[a-z][a-z0-9-]*$/i.test(value) && kindOf(value.toLowerCase()) === 'plain'
    if (this.#state === 'tag') this.#beginName('x')
    return isHarmless ? value : FILTERED
  }
}

function kindOf(attribute: string): AttributeKind {
  if (attribute.startsWith('on') || attribute === 'style' || attribute === 'srcset' || attribute === 'srcdoc')
    return 'code'
  return addressAttributes.has(attribute.replace(/^data-/, '')) ? 'address' : 'plain'
}

/** In code and styles, and where several addresses stand: words and numbers only. */
const filter = (value: string): string => (/^[\w #%.,+-]*$/.test(value) ? value : FILTERED)
