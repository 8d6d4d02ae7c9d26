import { AddClusterBody, CheckClusterBody, type Cluster, type ClusterCheck } from '@favo/contracts'
import { checkCluster } from '@favo/tenancy'
import { DatabaseError } from '@favo/postgres'
import type { ControlContext } from '../context.ts'
import { controlErrors } from '../errors.ts'
import { route, type Route } from '../route.ts'
import { addCluster } from './add-cluster.ts'
import { parseClusterUrl } from './cluster-access.ts'
import { checkKnownCluster, isSafe, orUnreachable, type ClusterTools } from './cluster-keeper.ts'
import { deleteCluster, findClusterRow, listClusterRows, type ClusterRow } from './clusters.sql.ts'

const reading = { scope: 'platform', grant: 'projects:read' } as const
const writing = { scope: 'platform', grant: 'projects:write' } as const

/** Postgres servers that projects are put on. For platform administrators: nobody else learns that there are several. */
export const clusterRoutes: readonly Route[] = [
  route({
    operation: 'clusters.list',
    method: 'GET',
    path: '/clusters',
    summary: 'Lists the Postgres servers that projects are put on.',
    permission: reading,
    handle: async (ctx) => (await listClusterRows(ctx.db)).map((row) => render(row, ctx.clusters)),
  }),
  route({
    operation: 'clusters.add',
    method: 'POST',
    path: '/clusters',
    summary: 'Brings in a Postgres server; refuses one on which projects would not be safe.',
    permission: writing,
    status: 201,
    body: AddClusterBody,
    handle: async (ctx, { body }) => render(await addCluster(ctx, ctx.clusters, body), ctx.clusters),
  }),
  route({
    operation: 'clusters.check_url',
    method: 'POST',
    path: '/clusters/check',
    summary: 'Looks whether projects would be safe on a Postgres server; changes nothing.',
    permission: writing,
    body: CheckClusterBody,
    handle: async (ctx, { body }): Promise<ClusterCheck> => {
      ctx.audit.skip()
      const access = parseClusterUrl(body.url)
      const findings = await orUnreachable(() => checkCluster(access, ctx.clusters.platformId))
      return {
        cluster: `${access.endpoint.host}:${access.endpoint.port}`,
        is_safe: isSafe(findings),
        findings,
      }
    },
  }),
  route({
    operation: 'clusters.check',
    method: 'POST',
    path: '/clusters/:name/check',
    summary: 'Looks at a cluster, and tries on a throwaway project whether it is isolated.',
    permission: writing,
    handle: async (ctx, { params }): Promise<ClusterCheck> => {
      ctx.audit.skip()
      return checkKnownCluster(ctx, ctx.clusters, await getCluster(ctx, params.name))
    },
  }),
  route({
    operation: 'clusters.remove',
    method: 'DELETE',
    path: '/clusters/:name',
    summary: 'Forgets a cluster that holds no projects; the server itself is left as it is.',
    permission: writing,
    handle: async (ctx, { params }): Promise<Cluster> => {
      const row = await getCluster(ctx, params.name)
      if (row.number === 0) throw controlErrors.homeStays()
      try {
        await ctx.db.transaction(async (tx) => {
          await deleteCluster(tx, row.number)
          ctx.audit.note({ target: row.name, before: { host: row.host, port: row.port } })
          await ctx.audit.write(tx)
        })
      } catch (error) {
        if (error instanceof DatabaseError && error.constraint === 'projects_cluster_number_fkey')
          throw controlErrors.clusterInUse(row.projects)
        throw error
      }
      await ctx.clusters.routes.remove(row.number)
      return render(row, ctx.clusters)
    },
  }),
]

async function getCluster(ctx: ControlContext, name: string | undefined): Promise<ClusterRow> {
  const row = await findClusterRow(ctx.db, name ?? '')
  if (row === null) throw controlErrors.clusterNotFound()
  return row
}

const render = (row: ClusterRow, { home }: ClusterTools): Cluster => ({
  name: row.name,
  number: row.number,
  is_home: row.number === 0,
  host: row.number === 0 ? home.endpoint.host : row.host,
  port: row.number === 0 ? home.endpoint.port : row.port,
  projects: row.projects,
  created_at: row.created_at,
})
