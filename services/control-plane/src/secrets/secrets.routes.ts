import { CreateSecretsBody, DeleteSecretsBody, Secret } from '@favo/contracts'
import { sha256Hex } from '@favo/tokens'
import { z } from 'zod'
import { audited } from '../audit/audited.ts'
import { controlErrors } from '../errors.ts'
import { getProject } from '../projects/get-project.ts'
import { secretContexts } from '../projects/project-secrets.ts'
import { route, type Route } from '../route.ts'
import { countSecrets, deleteSecrets, listSecretRows, putSecret } from './secrets.sql.ts'

/** As many as the Management API allows to a project. */
const SECRETS_MAX = 100

export const secretRoutes: readonly Route[] = [
  route({
    operation: 'secrets.list',
    method: 'GET',
    path: '/projects/:ref/secrets',
    permission: { scope: 'project', role: 'read_only', grant: 'secrets:read' },
    summary: 'Names of the secrets that functions read, with the SHA-256 of their values.',
    response: z.array(Secret),
    handle: async (ctx, { params }): Promise<Secret[]> => {
      const { ref } = await getProject(ctx, params.ref)
      return (await listSecretRows(ctx.db, ref)).map(({ name, digest, updated_at }) => ({
        name,
        value: digest,
        updated_at,
      }))
    },
  }),
  route({
    operation: 'secrets.create',
    method: 'POST',
    path: '/projects/:ref/secrets',
    permission: { scope: 'project', role: 'developer', grant: 'secrets:write' },
    summary: 'Sets secrets; those of the same names are replaced.',
    status: 201,
    body: CreateSecretsBody,
    bodyLimitBytes: 4 * 1_048_576,
    handle: async (ctx, { params, body }) => {
      const { ref } = await getProject(ctx, params.ref)
      ctx.audit.note({ after: { names: body.map(({ name }) => name) } })
      await audited(ctx, async (tx) => {
        for (const { name, value } of body)
          await putSecret(tx, {
            ref,
            name,
            sealed: ctx.secretBox.seal(value, secretContexts.secret(ref, name)),
            digest: sha256Hex(value),
          })
        if ((await countSecrets(tx, ref)) > SECRETS_MAX)
          throw controlErrors.invalid(`A project has ${SECRETS_MAX} secrets at most.`)
      })
    },
  }),
  route({
    operation: 'secrets.delete',
    method: 'DELETE',
    path: '/projects/:ref/secrets',
    permission: { scope: 'project', role: 'developer', grant: 'secrets:write' },
    summary: 'Removes secrets by name; names that are not there are passed over.',
    body: DeleteSecretsBody,
    handle: async (ctx, { params, body }) => {
      const { ref } = await getProject(ctx, params.ref)
      ctx.audit.note({ before: { names: body } })
      await audited(ctx, (tx) => deleteSecrets(tx, ref, body))
    },
  }),
]
