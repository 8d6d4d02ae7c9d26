import type { Routine, Table } from '../schema-cache/types.ts'
import type { Answer } from './response.ts'

export function allowedOnTable(table: Table): string {
  const { isInsertable, isUpdatable, isDeletable, primaryKey } = table
  return [
    'OPTIONS,GET,HEAD',
    isInsertable && 'POST',
    isInsertable && isUpdatable && primaryKey.length > 0 && 'PUT',
    isUpdatable && 'PATCH',
    isDeletable && 'DELETE',
  ]
    .filter((methods) => methods !== false)
    .join(',')
}

export const allowedOnFunction = (routine: Routine): string =>
  routine.volatility === 'volatile' ? 'OPTIONS,POST' : 'OPTIONS,GET,HEAD,POST'

export const allowedOnRoot = 'OPTIONS,GET,HEAD'

export const renderOptions = (allow: string): Answer => ({
  status: 200,
  statusText: null,
  headers: [
    ['Content-Length', '0'],
    ['Access-Control-Allow-Origin', '*'],
    ['Allow', allow],
  ],
  body: null,
})
