export { interpose, interposeStatement, type InterposedStatement } from './interpose.ts'
export { labels } from './labels.ts'
export { mayNeedInterposing } from './may-need-interposing.ts'
export { lineAt, MetaCommandError, splitStatements, type Statement } from './split-statements.ts'
