// `npm start`: installs what is missing, then runs the platform in this very process, so that signals reach it.
// Its flag in package.json: young objects of requests underway die before they are copied (bench/README.md).
import { ensureInstalled } from './ensure-installed.mjs'

ensureInstalled()
const { importProgram } = await import('./bundle.mjs')
await importProgram('apps/server/src/main.ts')
