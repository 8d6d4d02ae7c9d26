import { qualified } from './names.ts'
import type { Handler } from '../plan/types.ts'
import type { Routine } from '../schema-cache/types.ts'
import { SCALAR } from './call.ts'

/** Name of the rows to be shown. */
export const PAGE = 'page'

/**
 * The expression that makes the whole body of the shown rows. Postgres builds it, so that types come out as Postgres
 * writes them and Node has only bytes to pass on.
 */
export function bodySql(handler: Handler, routine: Routine | null): string {
  const isScalar = routine !== null && !routine.returns.isComposite
  const value = isScalar ? `${PAGE}.${SCALAR}` : PAGE
  const isSingle = routine !== null && !routine.returns.isSet
  switch (handler.kind) {
    case 'none':
      return `''`
    case 'json': {
      const rows = stripped(isSingle ? `json_agg(${value}) -> 0` : `json_agg(${value})`, handler.stripped)
      return `coalesce(${rows}, '${isSingle ? 'null' : '[]'}')`
    }
    case 'single':
      return `coalesce(${stripped(`json_agg(${isScalar && isSingle ? value : PAGE}) -> 0`, handler.stripped)}, 'null')`
    case 'csv':
      return csvSql
    case 'geojson':
      return `json_build_object('type', 'FeatureCollection', 'features', coalesce(json_agg(ST_AsGeoJSON(${PAGE})::json), '[]'))`
    case 'custom': {
      const { target } = handler
      const argument = isScalar && isSingle ? value : target === null ? PAGE : `${PAGE}::${qualified(target)}`
      const made = `${qualified(handler.function)}(${argument})`
      // Bytes travel as hexadecimal digits, whatever bytea_output says.
      return handler.isBinary ? `encode(${made}, 'hex')` : made
    }
  }
}

const stripped = (json: string, isStripped: boolean) => (isStripped ? `json_strip_nulls(${json})` : json)

/** A row's text form is a line of CSV in parentheses; the names come from the first row. */
const csvSql = `(
  select coalesce(string_agg(name, ','), '')
  from (select json_object_keys(row_to_json(first_row)) as name from (select * from ${PAGE} limit 1) as first_row) as names
) || E'\\n' || coalesce(string_agg(substring(${PAGE}::text, 2, length(${PAGE}::text) - 2), E'\\n'), '')`
