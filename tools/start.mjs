// `npm start`: installs what is missing, then runs the platform in this very process, so that signals reach it.
// Its flag in package.json: young objects of requests underway die before they are copied (bench/README.md).
import { ensureInstalled, root } from './ensure-installed.mjs'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'

ensureInstalled()
await import('./typescript.mjs')
await import(pathToFileURL(join(root, 'apps/server/src/main.ts')).href)
