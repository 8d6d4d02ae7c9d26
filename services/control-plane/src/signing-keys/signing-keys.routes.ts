import { randomUUID } from 'node:crypto'
import {
  CreateSigningKeyBody,
  UpdateSigningKeyBody,
  type SigningKeyList,
  type SigningKeyView,
} from '@favo/contracts'
import type { Queryable } from '@favo/postgres'
import { createSigningKey, importSigningKey, type SigningKey, type SigningKeyStatus } from '@favo/tokens'
import { differences } from '../audit/differences.ts'
import type { ControlContext } from '../context.ts'
import { controlErrors, reasonOf } from '../errors.ts'
import { getProject } from '../projects/get-project.ts'
import { secretContexts } from '../projects/project-secrets.ts'
import { route, type Route } from '../route.ts'
import {
  deleteSigningKey,
  findSigningKey,
  insertLegacyKeyOnce,
  insertSigningKey,
  listSigningKeys,
  lockProject,
  retireKeyInUse,
  setSigningKeyStatus,
  type SigningKeyRow,
} from './signing-keys.sql.ts'

/** Of one project; each is sent to all who verify. */
const KEYS_MAX = 20

const base = '/projects/:ref/config/auth/signing-keys'

export const signingKeyRoutes: readonly Route[] = [
  route({
    operation: 'signing_keys.list',
    method: 'GET',
    path: base,
    permission: { scope: 'project', role: 'read_only', grant: 'secrets:read' },
    handle: async (ctx, { params }): Promise<SigningKeyList> => {
      const { ref } = await getProject(ctx, params.ref)
      return { keys: (await listSigningKeys(ctx.db, ref)).map(render) }
    },
  }),
  route({
    operation: 'signing_keys.create',
    method: 'POST',
    path: base,
    permission: { scope: 'project', role: 'administrator', grant: 'secrets:write' },
    status: 201,
    body: CreateSigningKeyBody,
    handle: (ctx, { params, body }) => createKey(ctx, params.ref, body),
  }),
  route({
    operation: 'signing_keys.get_legacy',
    method: 'GET',
    path: `${base}/legacy`,
    permission: { scope: 'project', role: 'read_only', grant: 'secrets:read' },
    handle: async (ctx, { params }) => {
      const { ref } = await getProject(ctx, params.ref)
      const legacy = (await listSigningKeys(ctx.db, ref)).find((key) => key.is_legacy)
      if (legacy === undefined) throw controlErrors.signingKeyNotFound()
      return render(legacy)
    },
  }),
  route({
    operation: 'signing_keys.create_legacy',
    method: 'POST',
    path: `${base}/legacy`,
    permission: { scope: 'project', role: 'administrator', grant: 'secrets:write' },
    status: 201,
    handle: (ctx, { params }) =>
      change(ctx, params.ref, async (tx, ref) => {
        await insertLegacyKeyOnce(tx, ref)
        const legacy = (await listSigningKeys(tx, ref)).find((key) => key.is_legacy)
        if (legacy === undefined) throw controlErrors.signingKeyNotFound()
        return render(legacy)
      }),
  }),
  route({
    operation: 'signing_keys.get',
    method: 'GET',
    path: `${base}/:id`,
    permission: { scope: 'project', role: 'read_only', grant: 'secrets:read' },
    handle: async (ctx, { params }) => {
      const { ref } = await getProject(ctx, params.ref)
      return render(await getKey(ctx.db, ref, params.id))
    },
  }),
  route({
    operation: 'signing_keys.update',
    method: 'PATCH',
    path: `${base}/:id`,
    permission: { scope: 'project', role: 'administrator', grant: 'secrets:write' },
    body: UpdateSigningKeyBody,
    handle: (ctx, { params, body }) =>
      change(ctx, params.ref, async (tx, ref) => {
        const key = await getKey(tx, ref, params.id)
        if (key.status === body.status) return render(key)
        if (!transitions[key.status].includes(body.status))
          throw controlErrors.signingKeyStatus(key.status, body.status)
        if (body.status === 'in_use') await retireKeyInUse(tx, ref)
        return render(await setSigningKeyStatus(tx, ref, key.id, body.status))
      }),
  }),
  route({
    operation: 'signing_keys.delete',
    method: 'DELETE',
    path: `${base}/:id`,
    permission: { scope: 'project', role: 'administrator', grant: 'secrets:write' },
    handle: (ctx, { params }) =>
      change(ctx, params.ref, async (tx, ref) => {
        const key = await getKey(tx, ref, params.id)
        if (key.status !== 'revoked' || key.is_legacy) throw controlErrors.signingKeyNotDeletable(key.status)
        await deleteSigningKey(tx, ref, key.id)
        return render(key)
      }),
  }),
]

/** The key in use leaves its place only to another one; revoked ones come back by way of standby. */
const transitions: Readonly<Record<SigningKeyStatus, readonly SigningKeyStatus[]>> = {
  in_use: [],
  standby: ['in_use', 'revoked'],
  previously_used: ['in_use', 'standby', 'revoked'],
  revoked: ['standby'],
}

async function change<T>(
  ctx: ControlContext,
  asked: string | undefined,
  work: (tx: Queryable, ref: string) => Promise<T>,
): Promise<T> {
  const { ref } = await getProject(ctx, asked)
  return ctx.db.transaction(async (tx) => {
    await lockProject(tx, ref)
    const before = await listStatuses(tx, ref)
    const answer = await work(tx, ref)
    ctx.audit.note(differences(before, await listStatuses(tx, ref)))
    await ctx.audit.write(tx)
    return answer
  })
}

/** By key: a change of one may retire another. */
const listStatuses = async (tx: Queryable, ref: string) =>
  Object.fromEntries((await listSigningKeys(tx, ref)).map(({ id, status }) => [id, status]))

async function createKey(
  ctx: ControlContext,
  asked: string | undefined,
  body: CreateSigningKeyBody,
): Promise<SigningKeyView> {
  const key = await makeKey(body)
  return change(ctx, asked, async (tx, ref) => {
    await insertLegacyKeyOnce(tx, ref)
    if ((await listSigningKeys(tx, ref)).length >= KEYS_MAX) throw controlErrors.tooManySigningKeys(KEYS_MAX)
    if (body.status === 'in_use') await retireKeyInUse(tx, ref)
    // A name that could be ours is its id too, as in Supabase.
    const id = isUuid(key.id) ? key.id.toLowerCase() : randomUUID()
    const sealed = ctx.secretBox.seal(JSON.stringify(key.privateJwk), secretContexts.signingKey(ref, id))
    const { id: kid, algorithm, publicJwk } = key
    const stored = { id, kid, algorithm, publicJwk, status: body.status, sealed }
    const row = await insertSigningKey(tx, ref, stored)
    if (row === null) throw controlErrors.signingKeyExists(kid)
    return render(row)
  })
}

const isUuid = (text: string) => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)

async function makeKey({
  algorithm,
  private_jwk: jwk,
}: CreateSigningKeyBody): Promise<Omit<SigningKey, 'status'>> {
  if (jwk === undefined) return createSigningKey(algorithm)
  let key: Omit<SigningKey, 'status'>
  try {
    key = importSigningKey(jwk)
  } catch (error) {
    throw controlErrors.invalid(`private_jwk cannot be used: ${reasonOf(error)}.`)
  }
  if (key.algorithm !== algorithm)
    throw controlErrors.invalid(`private_jwk is a key for ${key.algorithm}, not for ${algorithm}.`)
  return key
}

async function getKey(db: Queryable, ref: string, id: string | undefined): Promise<SigningKeyRow> {
  const key = isUuid(id ?? '') ? await findSigningKey(db, ref, id ?? '') : null
  if (key === null) throw controlErrors.signingKeyNotFound()
  return key
}

const render = (row: SigningKeyRow): SigningKeyView => ({
  id: row.id,
  algorithm: row.algorithm,
  status: row.status,
  public_jwk: row.public_jwk === null ? null : { ...row.public_jwk },
  created_at: row.created_at,
  updated_at: row.updated_at,
})
