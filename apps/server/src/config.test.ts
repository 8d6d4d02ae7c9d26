import { describeConfig } from '@favo/runtime'
import { expect, test } from 'vitest'
import { configSchema } from './config.ts'

test('docs/configuration.md lists every setting as the schema has it (vitest -u writes it)', async () => {
  const page = `# Configuration

Settings of \`npm start\` are environment variables, read once at the start. Generated from \`apps/server/src/config.ts\`.

${describeConfig(configSchema)}

A value that does not fit, and a \`FAVO_…\` variable that is none of these, end the start with a sentence that names it. The command line
(\`npx favo\`) reads \`FAVO_HOME\`, and to reach a platform elsewhere \`FAVO_API_URL\` and \`FAVO_ACCESS_TOKEN\`.
`
  await expect(page).toMatchFileSnapshot('../../../docs/configuration.md')
})
