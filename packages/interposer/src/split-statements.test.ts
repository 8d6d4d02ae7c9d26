import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'libpg-query'
import { describe, expect, test } from 'vitest'
import { lineAt, MetaCommandError, splitStatements } from './split-statements.ts'

const texts = async (source: string) => (await splitStatements(source)).map(({ text }) => text)

describe('a statement ends at a semicolon of its own', () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ['plain', 'select 1; select 2', ['select 1', 'select 2']],
    ['none at the end', 'select 1', ['select 1']],
    ['empty ones are dropped', ';; select 1 ;;\n', ['select 1']],
    ['in a string', "select ';'; select 2", ["select ';'", 'select 2']],
    ['after a doubled quote', "select 'it''s;'; select 2", ["select 'it''s;'", 'select 2']],
    ['a backslash is no escape in a plain string', "select '\\'; select 2", ["select '\\'", 'select 2']],
    ['in an escape string', "select E'\\';'; select 2", ["select E'\\';'", 'select 2']],
    [
      'an escape string that ends in a doubled quote',
      "select e'a''\\';'; select 2",
      ["select e'a''\\';'", 'select 2'],
    ],
    [
      'an escape string over two lines',
      "select E'a'\n '\\';'; select 2",
      ["select E'a'\n '\\';'", 'select 2'],
    ],
    ['an identifier before a string is no escape', "select name';'", ["select name';'"]],
    ['in a quoted name', 'select 1 as "a;""b"; select 2', ['select 1 as "a;""b"', 'select 2']],
    ['in a line comment', 'select 1 -- ; \n; select 2', ['select 1 -- ;', 'select 2']],
    [
      'in nested comments',
      'select /* a /* ; */ ; */ 1; select 2',
      ['select /* a /* ; */ ; */ 1', 'select 2'],
    ],
    ['in dollar quotes', 'do $$ begin; end $$; select 2', ['do $$ begin; end $$', 'select 2']],
    ['in tagged dollar quotes', 'do $a$ $$;$b$ $a$; select 2', ['do $a$ $$;$b$ $a$', 'select 2']],
    ['a parameter is no dollar quote', 'select $1; select $2', ['select $1', 'select $2']],
    ['a dollar inside a name is no quote', 'select a$b$c; select 2', ['select a$b$c', 'select 2']],
    [
      'in parentheses',
      'create rule r as on insert to t do (select 1; select 2); select 3',
      ['create rule r as on insert to t do (select 1; select 2)', 'select 3'],
    ],
    [
      'in a SQL-standard body',
      'create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end; select 3',
      [
        'create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end',
        'select 3',
      ],
    ],
    ['a transaction is no body', 'begin; select 1; end;', ['begin', 'select 1', 'end']],
    ['comments stay with what follows', '-- why\nselect 1;\n-- last', ['-- why\nselect 1', '-- last']],
    ['an open string runs to the end', "select 'a; select 2", ["select 'a; select 2"]],
    ['an open comment runs to the end', 'select 1 /* ; select 2', ['select 1 /* ; select 2']],
    ['an open dollar quote runs to the end', 'do $x$ ; select 2', ['do $x$ ; select 2']],
    ['a byte order mark is dropped', '\ufeffselect 1', ['select 1']],
    ['nothing', '', []],
  ]
  test.each(cases)('%s', async (_name, source, expected) => {
    expect(await texts(source)).toEqual(expected)
  })
})

test('leading words leave quotes and comments out', async () => {
  const [statement] = await splitStatements('-- begin\n/* commit */ Create "x" TABLE a (b int)')
  expect(statement?.words).toEqual(['create', 'table', 'a', 'b', 'int'])
})

test('a place in a statement can be turned into a line of the file', async () => {
  const source = 'select 1;\n\n-- two\nselect 2;\n'
  const [, second] = await splitStatements(source)
  expect(lineAt(source, second?.start ?? 0)).toBe(3)
})

test('commands of psql are refused by name and line', async () => {
  const refused = splitStatements('select 1;\n\\restrict abc\nselect 2;')
  await expect(refused).rejects.toThrow(MetaCommandError)
  await expect(refused).rejects.toThrow('Line 2 has \\restrict')
})

test('a backslash in quotes is no command', async () => {
  expect(await texts("select '\\d', $$\\d$$, E'\\\\d' -- \\d")).toHaveLength(1)
})

test('a text of several megabytes is cut without holding the event loop', async () => {
  const row = `insert into things (id, name) values (1, 'some text; and more');\n`
  let turns = 0
  const ticking = setInterval(() => turns++, 0)
  const statements = await splitStatements(row.repeat(60_000))
  clearInterval(ticking)
  expect(statements).toHaveLength(60_000)
  expect(turns).toBeGreaterThan(1)
})

/** SQL of the product itself: the largest body of real SQL at hand. */
function* sqlFiles(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue
    const path = join(directory, entry.name)
    if (entry.isDirectory()) yield* sqlFiles(path)
    else if (entry.name.endsWith('.sql')) yield path
  }
}

test("the cuts are those of Postgres' own parser on all SQL of the repository", async () => {
  const root = resolve(import.meta.dirname, '../../..')
  const files = ['services', 'packages', 'templates'].flatMap((area) => [...sqlFiles(join(root, area))])
  expect(files.length).toBeGreaterThan(0)
  for (const file of files) {
    // CREATE EXTENSION fills it in.
    const source = readFileSync(file, 'utf8').replaceAll('@extschema@', 'extensions')
    const { stmts } = (await parse(source)) as { stmts: { stmt_location?: number; stmt_len?: number }[] }
    const bytes = Buffer.from(source)
    const expected = stmts.map(({ stmt_location: from = 0, stmt_len: length }) =>
      bytes.subarray(from, length === undefined ? undefined : from + length).toString(),
    )
    const ours = (await splitStatements(source)).filter(({ words }) => words.length > 0)
    expect(ours.length, file).toBe(expected.length)
    // Theirs begin at the first word, ours with the comments before it.
    ours.forEach(({ text }, i) =>
      expect(text.endsWith((expected[i] ?? '').trim()), `${file}: ${text}`).toBe(true),
    )
  }
})
