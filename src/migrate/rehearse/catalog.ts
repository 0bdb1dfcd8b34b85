import { quoteIdentifier } from '../../postgres/quote.ts';
import { lockModeOf, stronger, type LockMode } from '../effects/lock-modes.ts';
import type { Queryable } from '../session/session.ts';
import type { Rewrite } from './record.ts';

/** A relation as it stood before a file began. */
export interface Relation {
  readonly oid: number;
  /** `schema.name`, quoted where it must be. */
  readonly name: string;
  /** In PostgreSQL's words: `table`, `index`, `materialized view`. */
  readonly kind: string;
  /** Whose queries meet a lock on it: the table of an index, otherwise itself. */
  readonly table: string;
  readonly files: Files;
  /** As the planner last estimated; undefined where it never did. */
  readonly rows: number | undefined;
}

/** The files that hold a relation's rows; another number is a rewrite. */
interface Files {
  readonly own: number;
  readonly toast: number;
}

/** Relations outside of PostgreSQL's own schemas and the history's, by OID. */
export type Catalog = ReadonlyMap<number, Relation>;

interface CatalogRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly relkind: string;
  readonly table_schema: string | null;
  readonly table_name: string | null;
  readonly file: number;
  readonly toast_file: number | null;
  readonly reltuples: number;
}

const KINDS: Readonly<Record<string, string>> = {
  r: 'table',
  p: 'partitioned table',
  i: 'index',
  I: 'partitioned index',
  m: 'materialized view',
  v: 'view',
  S: 'sequence',
  f: 'foreign table',
  c: 'type',
};

/** What is there now and is not temporary. */
export async function readCatalog(session: Queryable, historySchema: string): Promise<Catalog> {
  const rows = await session.query<CatalogRow>(
    `select c.oid, n.nspname as schema, c.relname as name, c.relkind, tn.nspname as table_schema, t.relname as table_name,
       c.relfilenode as file, toast.relfilenode as toast_file, c.reltuples::float8 as reltuples
     from pg_catalog.pg_class c
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     left join pg_catalog.pg_class toast on toast.oid = c.reltoastrelid
     left join pg_catalog.pg_index i on i.indexrelid = c.oid
     left join pg_catalog.pg_class t on t.oid = i.indrelid
     left join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
     where c.relpersistence <> 't' and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', $1)`,
    [historySchema],
  );
  return new Map(
    rows.map((row) => {
      const name = qualified(row.schema, row.name);
      const table = row.table_schema === null || row.table_name === null ? name : qualified(row.table_schema, row.table_name);
      const files = { own: row.file, toast: row.toast_file ?? 0 };
      const rowCount = row.reltuples < 0 ? undefined : row.reltuples;
      return [row.oid, { oid: row.oid, name, kind: KINDS[row.relkind] ?? row.relkind, table, files, rows: rowCount }];
    }),
  );
}

/** Bytes of tables with their TOAST and of indexes, by OID. Waits for whoever holds a strong lock on one. */
export async function readSizes(session: Queryable, oids: readonly number[]): Promise<ReadonlyMap<number, number>> {
  const rows = await session.query<{ oid: number; bytes: string | null }>(
    'select oid, pg_catalog.pg_table_size(oid)::text as bytes from pg_catalog.unnest($1::oid[]) as asked (oid)',
    [oids],
  );
  return new Map(rows.flatMap(({ oid, bytes }) => (bytes === null ? [] : [[oid, Number(bytes)] as const])));
}

/** What a transaction holds at one moment on one relation. */
export interface HeldRelation {
  readonly oid: number;
  /** `schema.name`; undefined once the relation is dropped. */
  readonly name: string | undefined;
  readonly mode: LockMode;
  /** Undefined once the relation is dropped. */
  readonly files: Files | undefined;
  /** Rows inserted, updated and deleted in it so far: those of the transaction, and what `readCountedRows` gave when it began. */
  readonly changedRows: number;
}

interface HeldRow {
  readonly oid: number;
  readonly schema: string | null;
  readonly name: string | null;
  readonly modes: readonly string[];
  readonly file: number | null;
  readonly toast_file: number | null;
  readonly changed: string | null;
}

/** What the asking transaction holds. Read after each statement it misses nothing: locks stay until the end. */
export async function readOwnLocks(session: Queryable, historySchema: string): Promise<readonly HeldRelation[]> {
  const rows = await session.query<HeldRow>(
    `select l.oid, n.nspname as schema, c.relname as name, l.modes, c.relfilenode as file, toast.relfilenode as toast_file,
       case when c.relkind in ('r', 'm') then (pg_catalog.pg_stat_get_xact_tuples_inserted(l.oid)
         + pg_catalog.pg_stat_get_xact_tuples_updated(l.oid) + pg_catalog.pg_stat_get_xact_tuples_deleted(l.oid))::text end as changed
     from (${locksSql('pg_catalog.pg_backend_pid()')}) l
     left join pg_catalog.pg_class c on c.oid = l.oid
     left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     left join pg_catalog.pg_class toast on toast.oid = c.reltoastrelid
     where n.nspname is null or n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', $1)`,
    [historySchema],
  );
  return rows.flatMap((row) => {
    const mode = strongestOf(row.modes);
    if (mode === undefined) return [];
    const files = row.file === null ? undefined : { own: row.file, toast: row.toast_file ?? 0 };
    const name = row.schema === null || row.name === null ? undefined : qualified(row.schema, row.name);
    return [{ oid: row.oid, name, mode, files, changedRows: Number(row.changed ?? 0) }];
  });
}

/**
 * Rows that the server counts for this session and has not passed on yet, by table. It passes them on once a second at most, so they
 * may be of transactions that are over: asked when one begins, this is what `changedRows` counts from.
 */
export async function readCountedRows(session: Queryable): Promise<Map<number, number>> {
  const rows = await session.query<{ oid: number; changed: string }>(
    `select relid as oid, (n_tup_ins + n_tup_upd + n_tup_del)::text as changed
     from pg_catalog.pg_stat_xact_all_tables where n_tup_ins + n_tup_upd + n_tup_del > 0`,
  );
  return new Map(rows.map(({ oid, changed }) => [oid, Number(changed)]));
}

/** The strongest lock on each relation that process `pid` holds at this moment, by OID; seen from another session. */
export async function readLocksOf(session: Queryable, pid: number): Promise<ReadonlyMap<number, LockMode>> {
  const rows = await session.query<{ oid: number; modes: readonly string[] }>(locksSql('$1'), [pid]);
  return new Map(
    rows.flatMap(({ oid, modes }) => {
      const mode = strongestOf(modes);
      return mode === undefined ? [] : [[oid, mode] as const];
    }),
  );
}

/** What was written anew between two looks at it: a file with another number holds the rows now. */
export function rewritesBetween(relation: Relation, before: Files, after: Files): readonly Rewrite[] {
  const own = before.own !== 0 && after.own !== before.own;
  const toast = before.toast !== 0 && after.toast !== 0 && after.toast !== before.toast;
  return [
    ...(own ? [{ relation: relation.name, kind: relation.kind === 'index' ? ('index' as const) : ('table' as const) }] : []),
    ...(toast ? [{ relation: relation.name, kind: 'toast' as const }] : []),
  ];
}

function locksSql(pid: string): string {
  return `select relation as oid, pg_catalog.array_agg(distinct mode) as modes from pg_catalog.pg_locks
    where pid = ${pid} and locktype = 'relation' and granted
      and database in (0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))
    group by relation`;
}

function strongestOf(modes: readonly string[]): LockMode | undefined {
  return modes.map(lockModeOf).reduce((a, b) => (a === undefined || b === undefined ? (a ?? b) : stronger(a, b)), undefined);
}

function qualified(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}
