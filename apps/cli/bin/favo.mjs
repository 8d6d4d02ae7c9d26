#!/usr/bin/env node
import { importProgram } from '../../../tools/bundle.mjs'

const { main } = await importProgram('apps/cli/src/main.ts')
await main()
