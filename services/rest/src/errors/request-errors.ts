import { ApiError } from './api-error.ts'

/** PGRST1xx: the request itself cannot be served. */
export const requestErrors = {
  queryParameter: (message: string, details: string) =>
    new ApiError(400, { code: 'PGRST100', message, details }),

  rpcMethod: (method: string) =>
    new ApiError(405, { code: 'PGRST101', message: `Cannot use the ${method} method on RPC` }),

  body: (message: string) => new ApiError(400, { code: 'PGRST102', message }),

  rangeReversed: () =>
    range('The lower boundary must be lower than or equal to the upper boundary in the Range header.'),
  limitNegative: () => range('Limit should be greater than or equal to zero.'),
  rangeBeyondEnd: (offset: number, total: number) =>
    range(`An offset of ${offset} was requested, but there are only ${total} rows.`),

  putFilters: () =>
    new ApiError(405, {
      code: 'PGRST105',
      message: "Filters must include all and only primary key columns with 'eq' operators",
    }),

  schema: (schema: string, exposed: readonly string[]) =>
    new ApiError(406, {
      code: 'PGRST106',
      message: `Invalid schema: ${schema}`,
      hint: `Only the following schemas are exposed: ${exposed.join(', ')}`,
    }),

  mediaType: (accepted: readonly string[]) =>
    new ApiError(406, {
      code: 'PGRST107',
      message: `None of these media types are available: ${accepted.join(', ')}`,
    }),

  notEmbedded: (name: string) =>
    new ApiError(400, {
      code: 'PGRST108',
      message: `'${name}' is not an embedded resource in this request`,
      hint: `Verify that '${name}' is included in the 'select' query parameter.`,
    }),

  responseHeaders: () =>
    new ApiError(500, {
      code: 'PGRST111',
      message:
        'response.headers guc must be a JSON array composed of objects with a single key and a string value',
    }),
  responseStatus: () =>
    new ApiError(500, { code: 'PGRST112', message: 'response.status guc must be a valid status code' }),

  putLimit: () =>
    new ApiError(400, {
      code: 'PGRST114',
      message: 'limit/offset querystring parameters are not allowed for PUT',
    }),
  putKey: () =>
    new ApiError(400, {
      code: 'PGRST115',
      message: 'Payload values do not match URL in primary key column(s)',
    }),

  notSingular: (rows: string) =>
    new ApiError(406, {
      code: 'PGRST116',
      message: 'Cannot coerce the result to a single JSON object',
      details: `The result contains ${rows} rows`,
    }),

  method: (method: string) =>
    new ApiError(405, { code: 'PGRST117', message: `Unsupported HTTP method: ${method}` }),

  relatedOrder: (origin: string, target: string) =>
    new ApiError(400, {
      code: 'PGRST118',
      message: `A related order on '${target}' is not possible`,
      details: `'${origin}' and '${target}' do not form a many-to-one or one-to-one relationship`,
    }),

  preferences: (invalid: readonly string[]) =>
    new ApiError(400, {
      code: 'PGRST122',
      message: 'Invalid preferences given with handling=strict',
      details: `Invalid preferences: ${invalid.join(', ')}`,
    }),

  aggregates: () =>
    new ApiError(400, { code: 'PGRST123', message: 'Use of aggregate functions is not allowed' }),

  maxAffected: (rows: string) =>
    new ApiError(400, {
      code: 'PGRST124',
      message: 'Query result exceeds max-affected preference constraint',
      details: `The query affects ${rows} rows`,
    }),

  path: () => new ApiError(404, { code: 'PGRST125', message: 'Invalid path specified in request URL' }),
  rootDisabled: () => new ApiError(404, { code: 'PGRST126', message: 'Root endpoint metadata is disabled' }),
  notImplemented: (details: string) =>
    new ApiError(400, { code: 'PGRST127', message: 'Feature not implemented', details }),
  maxAffectedRpc: () =>
    new ApiError(400, {
      code: 'PGRST128',
      message:
        'Function must return SETOF or TABLE when max-affected preference is used with handling=strict',
    }),
}

const range = (details: string) =>
  new ApiError(416, { code: 'PGRST103', message: 'Requested range not satisfiable', details })
