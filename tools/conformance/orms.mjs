// Prisma and Drizzle, as npm has them, against a running platform: their migrations, their introspection and their queries,
// through both Postgres ports. How to use it and what came out: docs/postgres.md.
//
//   node tools/conformance/orms.mjs [folder to install them in]
//
// Prisma's native engine is not on npm, so its schema engine runs as WebAssembly over a driver adapter. The adapter does not
// know three types of the catalogs, which `prisma.config.mjs` below puts right; the same is needed against any Postgres.
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

const packages = [
  'prisma@6.19.0',
  '@prisma/client@6.19.0',
  '@prisma/adapter-pg@6.19.0',
  'pg@8.23.1',
  'postgres@3.4.9',
  'drizzle-orm@0.45.4',
  'drizzle-kit@0.31.11',
]

const prismaSchema = `generator client {
  provider = "prisma-client"
  output = "../generated"
  engineType = "client"
}
datasource db {
  provider = "postgresql"
  url = env("DATABASE_URL")
}
model User {
  id Int @id @default(autoincrement())
  email String @unique
  posts Post[]
}
model Post {
  id Int @id @default(autoincrement())
  title String
  tags String[]
  author User? @relation(fields: [authorId], references: [id])
  authorId Int?
  // more
  @@index([title])
}
`

/** "char" and name, and arrays of them: the adapter refuses their numbers, and the engine wants to be told which are characters. */
const prismaConfig = `import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { defineConfig } from 'prisma/config'

const asText = new Map([[18, 25], [19, 25], [1002, 1009], [1003, 1009]])
const characters = new Map()
const { prototype } = pg.Query
const describe = prototype.handleRowDescription
prototype.handleRowDescription = function (message) {
  for (const field of message.fields) {
    if (field.dataTypeID === 18) characters.set(field.name, 6)
    if (field.dataTypeID === 1002) characters.set(field.name, 70)
    field.dataTypeID = asText.get(field.dataTypeID) ?? field.dataTypeID
  }
  return describe.call(this, message)
}
async function connect(connectionString) {
  const adapter = await new PrismaPg({ connectionString }).connect()
  const ask = adapter.queryRaw.bind(adapter)
  adapter.queryRaw = async (query) => {
    const result = await ask(query)
    result.columnTypes = result.columnTypes.map((type, i) => characters.get(result.columnNames[i]) ?? type)
    return result
  }
  return adapter
}
/** Prisma expects a new database each time; a tenant cannot create any, so a second project is emptied. */
async function connectToShadowDb() {
  const url = process.env.SHADOW_DATABASE_URL
  const client = new pg.Client(url)
  await client.connect()
  await client.query('drop schema public cascade; create schema public')
  await client.end()
  return connect(url)
}
export default defineConfig({
  experimental: { adapter: true },
  engine: 'js',
  schema: 'prisma/schema.prisma',
  adapter: async () => ({
    ...{ provider: 'postgres', adapterName: '@prisma/adapter-pg', connectToShadowDb },
    connect: () => connect(process.env.DATABASE_URL),
  }),
})
`

const home = process.env.FAVO_HOME ?? join(homedir(), '.favo')
const { api_url: apiUrl } = JSON.parse(await readFile(join(home, 'run/favo.json'), 'utf8'))
const token = (await readFile(join(home, 'secrets/bootstrap-token'), 'utf8')).trim()
const folder = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'favo-orms-')))
let failures = 0

const [main, shadow] = [await createProject('orms'), await createProject('orms shadow')]
const urls = { session: main.database.url, transaction: main.database.transaction_url }
await mkdir(join(folder, 'prisma'), { recursive: true })
await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}')
run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages])
try {
  await checkPrisma()
  await checkDrizzle()
} finally {
  for (const { ref } of [main, shadow]) await control('DELETE', `/projects/${ref}`)
  if (process.argv[2] === undefined) await rm(folder, { recursive: true, force: true })
}
process.exitCode = failures === 0 ? 0 : 1

async function checkPrisma() {
  await writeFile(join(folder, 'prisma.config.mjs'), prismaConfig)
  const model = (more) =>
    writeFile(join(folder, 'prisma/schema.prisma'), prismaSchema.replace('// more', more))
  const prisma = (port, ...args) =>
    run('npx', ['prisma', ...args, '--config', 'prisma.config.mjs'], {
      DATABASE_URL: urls[port],
      SHADOW_DATABASE_URL: shadow.database.url,
      CHECKPOINT_DISABLE: '1',
    })
  await model('')
  const made = prisma(
    'session',
    ...['migrate', 'diff', '--from-empty', '--to-schema-datamodel', 'prisma/schema.prisma', '--script'],
  )
  await mkdir(join(folder, 'prisma/migrations/20260101000000_init'), { recursive: true })
  await writeFile(join(folder, 'prisma/migrations/20260101000000_init/migration.sql'), made.stdout)
  await writeFile(join(folder, 'prisma/migrations/migration_lock.toml'), 'provider = "postgresql"\n')
  say('prisma migrate deploy', 'session', prisma('session', 'migrate', 'deploy'))
  say('prisma migrate status', 'session', prisma('session', 'migrate', 'status'))
  say('prisma migrate status', 'transaction', prisma('transaction', 'migrate', 'status'))
  say('prisma db pull', 'session', prisma('session', 'db', 'pull', '--print'), 'model Post')
  say('prisma db pull', 'transaction', prisma('transaction', 'db', 'pull', '--print'), 'model Post')
  await model('body String?')
  say('prisma migrate dev, a project as shadow', 'session', prisma('session', 'migrate', 'dev', '--name', 'more', '--skip-generate'))
  await model('body String?\n  stars Int @default(0)')
  say('prisma db push', 'session', prisma('session', 'db', 'push', '--skip-generate'))
  say('prisma migrate deploy is refused for its lock', 'transaction', prisma('transaction', 'migrate', 'deploy'), 'advisory lock', false)
  say('prisma migrate reset', 'session', prisma('session', 'migrate', 'reset', '--force', '--skip-generate'))
} // prettier-ignore

async function checkDrizzle() {
  for (const port of ['session', 'transaction']) {
    const config = `${port}.drizzle.config.mjs`
    await writeFile(join(folder, config), drizzleConfig(port))
    await writeFile(join(folder, 'tables.mjs'), drizzleTables(port, ''))
    const kit = (...args) => run('npx', ['drizzle-kit', ...args, '--config', config])
    say('drizzle-kit generate', port, kit('generate'))
    say('drizzle-kit migrate', port, kit('migrate'))
    await writeFile(join(folder, 'tables.mjs'), drizzleTables(port, 'more: text(),'))
    say('drizzle-kit push', port, kit('push', '--force'))
    say('drizzle-kit pull', port, kit('pull'))
    for (const driver of ['node-postgres', 'postgres-js']) {
      await writeFile(join(folder, 'query.mjs'), drizzleQueries(driver, urls[port]))
      say(`drizzle-orm over ${driver}`, port, run('node', ['query.mjs']), 'rows: 2 of 1 author')
    }
  }
  const made = await readdir(join(folder, 'session'))
  if (!made.some((name) => name.endsWith('.sql'))) throw new Error('drizzle-kit made no migration')
}

function say(what, port, { status, stdout, stderr }, expected = '', isSuccess = true) {
  const text = `${stdout}${stderr}`
  const isGood = (status === 0) === isSuccess && text.includes(expected)
  console.log(`${isGood ? 'works ' : 'FAILS '} ${port.padEnd(12)} ${what}`)
  if (isGood) return
  failures += 1
  console.log(text.split('\n').slice(-25).join('\n'))
}

function run(command, args, env = {}) {
  return spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
  })
}

async function createProject(name) {
  return (await control('POST', '/projects', { name })).connection
}

async function control(method, path, body) {
  const reply = await fetch(`${apiUrl}/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`)
  return reply.json()
}

function drizzleConfig(port) {
  return `export default { dialect: 'postgresql', schema: './tables.mjs', out: './${port}', schemaFilter: ['${port}_shop'],
  migrations: { schema: 'drizzle_${port}' }, dbCredentials: { url: ${JSON.stringify(urls[port])} } }`
}

function drizzleTables(port, more) {
  return `import { integer, pgSchema, serial, text } from 'drizzle-orm/pg-core'
export const shop = pgSchema('${port}_shop')
export const authors = shop.table('authors', { id: serial().primaryKey(), name: text().notNull().unique(), ${more} })
export const posts = shop.table('posts', { id: serial().primaryKey(), title: text(), author: integer().references(() => authors.id) })
`
}

function drizzleQueries(driver, url) {
  const open =
    driver === 'node-postgres'
      ? `import pg from 'pg'\nconst client = new pg.Pool({ connectionString: ${JSON.stringify(url)} })`
      : `import postgres from 'postgres'\nconst client = postgres(${JSON.stringify(url)})`
  return `import { drizzle } from 'drizzle-orm/${driver}'
import { eq, sql } from 'drizzle-orm'
import { authors, posts } from './tables.mjs'
${open}
const db = drizzle(client)
const name = 'author ' + process.pid
await db.transaction(async (tx) => {
  const [author] = await tx.insert(authors).values({ name }).returning({ id: authors.id })
  await tx.insert(posts).values([{ title: 'a', author: author.id }, { title: 'b', author: author.id }])
})
const query = db.select({ title: posts.title }).from(posts).innerJoin(authors, eq(authors.id, posts.author))
  .where(eq(authors.name, sql.placeholder('name'))).prepare('posts_of_author')
for (let i = 0; i < 3; i++) await Promise.all([1, 2, 3].map(() => query.execute({ name })))
console.log('rows: ' + (await query.execute({ name })).length + ' of 1 author')
await client.end()
`
}
