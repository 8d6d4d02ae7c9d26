/** What the catcher wants to know of it; the package brings no types. */
declare module 'mailparser' {
  export function simpleParser(source: Buffer): Promise<{
    readonly subject?: string
    readonly html?: string | false
    readonly text?: string
    readonly messageId?: string
    readonly date?: Date
    readonly from?: { readonly value: readonly { readonly name: string; readonly address?: string }[] }
    readonly headerLines: readonly { readonly key: string; readonly line: string }[]
  }>
}
