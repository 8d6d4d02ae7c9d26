/** What a mail says, in the syntax of templates. */
export interface Words {
  readonly subject: string
  readonly heading: string
  /** Paragraphs above the link or the code. */
  readonly text: readonly string[]
  /** Where mails ask for an action. */
  readonly button?: string
  /** In front of the code; `{{ .Token }}` is in it. */
  readonly code?: string
  /** Small print. */
  readonly note: string
}

const sans = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
const paragraph = 'margin:0 0 16px;font-size:16px;line-height:24px;color:#3f3f46'

/**
 * One card on a quiet ground: nothing but inline styles, so that it looks alike in programs that drop the rest, and dark
 * ones may invert it.
 */
export function layout(language: string, words: Words): string {
  const { heading, text, button, code, note } = words
  const parts = [
    `<h1 style="margin:0 0 16px;font-size:22px;line-height:28px;font-weight:600;color:#18181b">${heading}</h1>`,
    ...text.map((sentence) => `<p style="${paragraph}">${sentence}</p>`),
    ...(button === undefined
      ? []
      : [
          `<p style="margin:24px 0"><a href="{{ .ConfirmationURL }}" style="display:inline-block;padding:12px 24px;background:#18181b;border-radius:8px;font-size:16px;line-height:24px;font-weight:600;color:#ffffff;text-decoration:none">${button}</a></p>`,
        ]),
    ...(code === undefined ? [] : [`<p style="${paragraph}">${code}</p>`]),
  ]
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${heading}</title>
</head>
<body style="margin:0;padding:0;background:#f4f4f5;font-family:${sans}">
<div style="max-width:520px;margin:0 auto;padding:40px 16px">
<div style="padding:32px;background:#ffffff;border:1px solid #e4e4e7;border-radius:12px">
${parts.join('\n')}
</div>
<p style="margin:16px 8px 0;font-size:13px;line-height:20px;color:#71717a">${note}</p>
</div>
</body>
</html>
`
}
