import { expect, test } from 'vitest'
import { splitStatements } from '@favo/interposer'
import {
  copiesThroughConnection,
  isRunnable,
  leavesTransactionOpen,
  refusesTransaction,
  unwrapTransaction,
} from './statement-kind.ts'

test.each([
  ['select 1', false],
  ['begin; select 1', true],
  ['start transaction; select 1; commit', false],
  ['begin; select 1; end', false],
  ['begin; rollback to a', true],
  ['begin; rollback', false],
  ['begin; commit and chain', true],
  ['begin; commit and no chain', false],
  ['do $$ begin perform 1; end $$', false],
])('%s: left open %s', async (source, isOpen) => {
  expect(leavesTransactionOpen(await splitStatements(source))).toBe(isOpen)
})

test.each([
  ['begin; select 1; select 2; commit', ['select 1', 'select 2']],
  ['-- x\nbegin transaction; select 1; end; -- y', ['select 1']],
  [
    'begin isolation level serializable; select 1; commit',
    ['begin isolation level serializable', 'select 1', 'commit'],
  ],
  ['begin; select 1; commit; select 2', ['begin', 'select 1', 'commit', 'select 2']],
  ['begin; select 1; rollback', ['begin', 'select 1', 'rollback']],
  ['select 1; -- only', ['select 1']],
])('%s runs as %j', async (source, expected) => {
  expect(unwrapTransaction(await splitStatements(source)).map(({ text }) => text)).toEqual(expected)
})

test.each([
  ['copy t from stdin', true],
  ['COPY t (a, b) FROM  STDIN with (format csv)', true],
  ['copy (select 1) to stdout', true],
  ["copy t from '/tmp/x'", false],
  ["select 'copy t from stdin'", false],
])('%s copies through the connection: %s', async (source, expected) => {
  expect((await splitStatements(source)).some(copiesThroughConnection)).toBe(expected)
})

test('comments alone are nothing to run', async () => {
  expect((await splitStatements('-- a\n/* b */')).some(isRunnable)).toBe(false)
  expect((await splitStatements('(select 1)')).every(isRunnable)).toBe(true)
})

test.each([
  ['vacuum', true],
  ['create unique index concurrently i on t (a)', true],
  ['create index concurrently_named on t (a)', false],
  ['drop index concurrently if exists i', true],
  ['reindex (verbose) table concurrently t', true],
  ['reindex index i', false],
  ['reindex database postgres', true],
  ['cluster', true],
  ['cluster verbose', true],
  ['cluster t using i', false],
  ['alter table only a.b detach partition "c" concurrently', true],
  ['alter table a.b detach partition c', false],
  ['alter system set work_mem = 1', true],
  ['refresh materialized view concurrently m', false],
  ["select 'vacuum'", false],
])('%s: refuses a transaction %s', async (source, refuses) => {
  expect((await splitStatements(source)).map(refusesTransaction)).toEqual([refuses])
})
