import { Bucket, StorageConfig, UpdateStorageBody } from '@favo/contracts'
import { z } from 'zod'
import { audited } from '../audit/audited.ts'
import { getProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'
import { loadStorageConfig, saveStorageConfig } from './storage-config.ts'

export const storageConfigRoutes: readonly Route[] = [
  route({
    operation: 'settings.get_storage',
    method: 'GET',
    path: '/projects/:ref/config/storage',
    permission: { scope: 'project', role: 'read_only', grant: 'storage:read' },
    summary: 'What a project has chosen for its storage.',
    response: StorageConfig,
    handle: async (ctx, { params }) => loadStorageConfig(ctx.db, (await getProject(ctx, params.ref)).ref),
  }),
  route({
    operation: 'settings.update_storage',
    method: 'PATCH',
    path: '/projects/:ref/config/storage',
    permission: { scope: 'project', role: 'administrator', grant: 'storage:write' },
    summary: 'Changes what is given and leaves the rest.',
    body: UpdateStorageBody,
    response: StorageConfig,
    handle: async (ctx, { params, body }) => {
      const { ref } = await getProject(ctx, params.ref)
      const before = await loadStorageConfig(ctx.db, ref)
      return audited(ctx, async (tx) => {
        await saveStorageConfig(tx, ref, body)
        const after = await loadStorageConfig(tx, ref)
        ctx.audit.note({ before, after })
        return after
      })
    },
  }),
  route({
    operation: 'storage.list_buckets',
    method: 'GET',
    path: '/projects/:ref/storage/buckets',
    permission: { scope: 'project', role: 'read_only', grant: 'storage:read' },
    summary: 'The buckets of a project: none, as this platform stores no files yet.',
    response: z.array(Bucket),
    handle: async (ctx, { params }) => {
      await getProject(ctx, params.ref)
      return []
    },
  }),
]
