export { sql, quoteIdent, quoteLiteral, type Sql, type SqlValue } from './sql.ts'
export * from './types.ts'
