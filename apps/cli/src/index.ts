export { run } from './run.ts'
export { exitCodes, type Terminal } from './terminal.ts'
