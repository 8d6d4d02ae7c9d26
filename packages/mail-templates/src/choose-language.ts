import { mailLanguages, type MailLanguage } from '@favo/contracts'

export interface LanguageWishes {
  /** The user's metadata: `locale`, as OpenID providers name it, or `language`. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** The project's setting; null = none. */
  readonly project: MailLanguage | null
  /** Header of the request that caused the mail; null = none. */
  readonly acceptLanguage: string | null
}

/** The first wish that can be met: the user's, the project's, the browser's; else English. */
export function chooseLanguage({ metadata, project, acceptLanguage }: LanguageWishes): MailLanguage {
  return (
    find(own(metadata, 'locale')) ??
    find(own(metadata, 'language')) ??
    project ??
    fromHeader(acceptLanguage) ??
    'en'
  )
}

/** `pt`, `pt-PT` and `pt_BR` are all best met by what there is of Portuguese. */
function find(tag: unknown): MailLanguage | null {
  if (typeof tag !== 'string') return null
  const primary = tag.trim().toLowerCase().split(/[-_]/, 1)[0] ?? ''
  return mailLanguages.find((language) => language.split('-')[0] === primary) ?? null
}

function fromHeader(header: string | null): MailLanguage | null {
  const wishes = (header ?? '')
    .slice(0, 500)
    .split(',')
    .map((wish) => {
      const [tag = '', ...parameters] = wish.split(';')
      const quality = parameters
        .map((parameter) => /^\s*q=([\d.]+)\s*$/.exec(parameter)?.[1])
        .find((q) => q !== undefined)
      return { tag, quality: quality === undefined ? 1 : Number(quality) }
    })
  const best = wishes.filter(({ quality }) => quality > 0).toSorted((a, b) => b.quality - a.quality)
  return best.map(({ tag }) => find(tag)).find((language) => language !== null) ?? null
}

const own = (object: object, name: string): unknown =>
  Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined
