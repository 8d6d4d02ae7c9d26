import { isOfExtension, pageOf, platform, quote, type Rule } from './rule.ts'

export const indexRules: readonly Rule[] = [
  {
    name: 'unindexed_foreign_keys',
    title: 'Unindexed foreign keys',
    level: 'INFO',
    category: 'PERFORMANCE',
    description:
      'A foreign key without an index on its columns: deletes of what it points to read the whole table.',
    remediation: pageOf('0001_unindexed_foreign_keys'),
    sql: `
      select n.nspname as schema, c.relname as name, 'table' as type, k.conname as part, k.conkey as fkey_columns
      from pg_constraint k
      join pg_class c on c.oid = k.conrelid
      join pg_namespace n on n.oid = c.relnamespace
      where k.contype = 'f' and k.conparentid = 0 and n.nspname <> all ${platform}
        and not ${isOfExtension('pg_class', 'c.oid')}
        and not exists (
          select from pg_index i
          where i.indrelid = k.conrelid and i.indisvalid and i.indpred is null
            and array(select i.indkey[s] from generate_series(0, cardinality(k.conkey) - 1) s) @> k.conkey
        )`,
    detail: (found) => `Table ${quote(found)} has a foreign key \`${found.part}\` without a covering index.`,
  },
  {
    name: 'no_primary_key',
    title: 'No Primary Key',
    level: 'INFO',
    category: 'PERFORMANCE',
    description: 'A table without a primary key: rows cannot be named, and replication of changes is slow.',
    remediation: pageOf('0004_no_primary_key'),
    sql: `
      select n.nspname as schema, c.relname as name, 'table' as type
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and not c.relispartition and n.nspname <> all ${platform}
        and not ${isOfExtension('pg_class', 'c.oid')}
        and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)`,
    detail: (found) => `Table ${quote(found)} does not have a primary key.`,
  },
  {
    name: 'unused_index',
    title: 'Unused Index',
    level: 'INFO',
    category: 'PERFORMANCE',
    description: 'An index that was never read since statistics began; every write pays for it.',
    remediation: pageOf('0005_unused_index'),
    sql: `
      select n.nspname as schema, c.relname as name, 'table' as type, x.relname as part
      from pg_index i
      join pg_class x on x.oid = i.indexrelid
      join pg_class c on c.oid = i.indrelid
      join pg_namespace n on n.oid = c.relnamespace
      where x.relkind = 'i' and n.nspname <> all ${platform} and not i.indisunique and not i.indisexclusion
        and not ${isOfExtension('pg_class', 'x.oid')}
        and pg_stat_get_numscans(x.oid) = 0`,
    detail: (found) => `Index \`${found.part}\` on table ${quote(found)} has not been used.`,
  },
  {
    name: 'duplicate_index',
    title: 'Duplicate Index',
    level: 'WARN',
    category: 'PERFORMANCE',
    description: 'Two or more indexes of the same form on one table; one does all the work.',
    remediation: pageOf('0009_duplicate_index'),
    sql: `
      select n.nspname as schema, c.relname as name, 'table' as type,
        string_agg(x.relname, ', ' order by x.relname) as part
      from pg_index i
      join pg_class x on x.oid = i.indexrelid
      join pg_class c on c.oid = i.indrelid
      join pg_namespace n on n.oid = c.relnamespace
      where x.relkind in ('i', 'I') and n.nspname <> all ${platform}
        and not ${isOfExtension('pg_class', 'x.oid')}
      group by n.nspname, c.relname, x.relam, i.indisunique, i.indkey::text, i.indclass::text, i.indoption::text,
        i.indcollation::text, pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)
      having count(*) > 1`,
    detail: (found) =>
      `Table ${quote(found)} has identical indexes ${found.part}. Drop all except one of them.`,
  },
]
