import { defineConfig } from 'vitest/config'

// One throwaway cluster serves the whole run; every test file makes projects of its own in it.
export default defineConfig({
  test: {
    include: ['{apps,services,packages,e2e,tools,bench,templates}/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    globalSetup: ['packages/testkit/src/global-setup.ts'],
    reporters: ['default', './tools/summary-reporter.ts'],
    pool: 'forks',
    maxWorkers: 3,
    // Loading the modules anew for each file took as long as the tests. So files share them: no test may change a module's state.
    isolate: false,
    experimental: { fsModuleCache: true },
    // On a machine shared with strangers a test that kills processes may run into their load; it gets a second chance there.
    retry: process.env.CI === undefined ? 0 : 1,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    env: { NODE_ENV: 'test' },
  },
})
