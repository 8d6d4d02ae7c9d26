/** Errors in what follows are reported by line. */
export function keepLines(replacement: string, original: string): string {
  const missing = lineBreaks(original) - lineBreaks(replacement)
  return missing > 0 ? replacement + '\n'.repeat(missing) : replacement
}

const lineBreaks = (text: string): number => text.split('\n').length - 1
