import { quoteIdentifier, quoteName } from '../../postgres/quote.ts';
import type { Queryable } from '../session/session.ts';

/** An index that PostgreSQL keeps up to date and does not use: a build beside running transactions ended early. */
export interface InvalidIndex {
  /** As people write it: `core.play_idx`. */
  readonly name: string;
  /** Quoted, with its schema. */
  readonly sql: string;
  /** Table as people write it: `core.play`. */
  readonly table: string;
  readonly isUnique: boolean;
  readonly sizeBytes: number;
  /**
   * `rebuild`: the index that was wanted. `drop`: what REINDEX CONCURRENTLY left beside a whole one, or below a table of TOAST.
   *
   * @see https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY
   */
  readonly remedy: 'rebuild' | 'drop';
}

/** The INVALID indexes of this database that nobody is building now. */
export async function findInvalidIndexes(session: Queryable): Promise<readonly InvalidIndex[]> {
  const rows = await session.query<{ schema: string; name: string; relation: string; is_unique: boolean; size: string }>(
    `select n.nspname as schema, c.relname as name, i.indrelid::regclass::text as relation, i.indisunique as is_unique,
       pg_catalog.pg_relation_size(c.oid)::text as size
     from pg_catalog.pg_index i
     join pg_catalog.pg_class c on c.oid = i.indexrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     -- A partitioned index is invalid until every partition has its own: that is no broken build.
     where not i.indisvalid and c.relkind = 'i'
       and not exists (select from pg_catalog.pg_stat_progress_create_index p where p.index_relid = i.indexrelid)
     order by 1, 2`,
  );
  return rows.map(({ schema, name, relation, is_unique, size }) => ({
    name: `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`,
    sql: `${quoteName(schema)}.${quoteName(name)}`,
    table: relation,
    isUnique: is_unique,
    sizeBytes: Number(size),
    remedy: /_cc(new|old)\d*$/.test(name) ? 'drop' : 'rebuild',
  }));
}

/** What mends one index; it blocks no reads or writes, and cannot run in a transaction. */
export function remedySql({ sql, remedy }: InvalidIndex): string {
  return remedy === 'drop' ? `drop index concurrently ${sql}` : `reindex index concurrently ${sql}`;
}

/** The same in words. */
export function describeRemedy({ isUnique, remedy }: InvalidIndex): string {
  if (remedy === 'drop') return 'to be dropped';
  return isUnique ? 'to be built anew, which fails while rows are double' : 'to be built anew';
}
