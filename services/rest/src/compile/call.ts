import { ident, qualified } from './names.ts'
import type { CallPlan } from '../plan/types.ts'
import type { Parameter } from '../schema-cache/types.ts'
import type { Parameters } from './parameters.ts'

/** Column of a function's result that is no row. */
export const SCALAR = 'pgrst_scalar'

export function callSql(plan: CallPlan, params: Parameters): string {
  const { routine, arguments: args } = plan
  const { source, list } = argumentList(args, params)
  const call = `${qualified(routine)}(${list})`
  const isRow = routine.returns.isComposite
  const columns = isRow
    ? plan.returning.map((c) => `pgrst_call.${c === '*' ? '*' : ident(c)}`).join(', ')
    : `pgrst_call.${SCALAR}`
  const rows = isRow ? `${call} as pgrst_call` : `(select ${call} as ${SCALAR}) as pgrst_call`
  return `select ${columns} from ${source === null ? rows : `${source}, lateral ${rows}`}`
}

function argumentList(
  args: CallPlan['arguments'],
  params: Parameters,
): { source: string | null; list: string } {
  switch (args.kind) {
    case 'none':
      return { source: null, list: '' }
    case 'body':
      return {
        source: null,
        list:
          args.type === 'bytea'
            ? params.bytes()
            : args.type === 'json'
              ? params.json()
              : `${params.text()}::${args.type}`,
      }
    case 'pairs': {
      const given = args.given.map(({ parameter, indexes }) => {
        const value = params.argument(indexes, parameter.isVariadic)
        return named(parameter, `${value}::${parameter.wideType}`)
      })
      return { source: null, list: given.join(', ') }
    }
    case 'json': {
      const types = args.parameters.map((p) => `${ident(p.name)} ${p.wideType}`).join(', ')
      const record = args.isObject ? 'json_to_record' : 'json_to_recordset'
      const body = `${record}(${params.json()}) as pgrst_body(${types})`
      return {
        // Of several objects only the first is an argument list.
        source: args.isObject ? body : `(select * from ${body} limit 1) as pgrst_body`,
        list: args.parameters.map((p) => named(p, `pgrst_body.${ident(p.name)}`)).join(', '),
      }
    }
  }
}

const named = (parameter: Parameter, value: string): string =>
  `${parameter.isVariadic ? 'variadic ' : ''}${ident(parameter.name)} := ${value}`
