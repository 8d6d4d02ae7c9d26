// Lets a process import our TypeScript: `import './typescript.mjs'`, or `node --import ./tools/typescript.mjs`.
// Why not tsx: docs/decisions/0008-the-server-has-its-own-loader.md
import { register } from 'node:module'

process.setSourceMapsEnabled(true)
register('./typescript-hooks.mjs', import.meta.url)
