import { chromium, type Browser, type Page } from 'playwright-core'
import { findChromium } from './chromium.ts'

export interface TestBrowser {
  /** A page with cookies and storage of its own; nothing is left of it when the test ends. */
  newPage(): Promise<Page>
  close(): Promise<void>
}

// It is asked for pages of this machine alone, and shall not look for anything else.
const quiet = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A real browser without a window: one for a test file, pages for its tests. It resolves `*.localhost` itself. */
export async function startBrowser(): Promise<TestBrowser> {
  const { path, env } = await findChromium()
  const browser: Browser = await chromium.launch({
    executablePath: path,
    args: ['--no-sandbox', ...quiet],
    env: { ...process.env, ...env },
  })
  return {
    newPage: async () => {
      const context = await browser.newContext()
      context.setDefaultTimeout(15_000)
      return context.newPage()
    },
    close: () => browser.close(),
  }
}
