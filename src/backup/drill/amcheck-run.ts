import type postgres from 'postgres';
import { messageOf, systemCodeOf } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { isServerError } from '../../postgres/postgres-error.ts';
import { quoteIdentifier } from '../../postgres/quote.ts';
import { cloneError } from './clone-error.ts';
import type { AmcheckResult } from './report.ts';

export interface AmcheckOptions {
  /** Leads to a superuser of the clone, which takes writes. */
  readonly superuser: ConnectionParameters;
  /** Of the sessions. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly databases: readonly string[];
  /** Whether to look for every row of a table in its indexes: several times the work. */
  readonly heapAllIndexed: boolean;
  readonly signal: AbortSignal;
  readonly onChecked: (done: number, what: string) => void;
}

const FINDINGS_AT_MOST = 100;
const CONNECTIONS = 2;

interface Relation {
  readonly oid: string;
  readonly name: string;
  readonly kind: 'index' | 'table';
}

/**
 * Looks at every btree index and every heap of every database with PostgreSQL's own amcheck, which is made in the clone for that. A database whose
 * catalogs do not even allow that is a finding, and the others are looked at all the same.
 */
export async function runAmcheck(options: AmcheckOptions): Promise<AmcheckResult> {
  const looked = { databases: 0, indexes: 0, tables: 0, findings: [] as string[] };
  let isAbsent = false;
  for (const database of options.databases) {
    try {
      if (await checkDatabase(options, database, looked)) looked.databases += 1;
      else isAbsent = true;
    } catch (error) {
      looked.findings.push(`${database}: it cannot be looked into: ${faultOf(error)}`);
    }
  }
  const { findings, ...counts } = looked;
  if (isAbsent && findings.length === 0) return { state: 'absent' };
  const { heapAllIndexed } = options;
  return {
    state: findings.length === 0 ? 'clean' : 'damaged',
    ...counts,
    heapAllIndexed,
    findings: findings.slice(0, FINDINGS_AT_MOST),
  };
}

/** False when the installation has no amcheck. */
async function checkDatabase(
  { superuser, settings = {}, signal, heapAllIndexed, onChecked }: AmcheckOptions,
  database: string,
  looked: { indexes: number; tables: number; readonly findings: string[] },
): Promise<boolean> {
  // With the path of the database: functions of indexes may find what they name by it.
  const options = { max: CONNECTIONS, applicationName: 'dbadmin drill', settings, path: 'own' } as const;
  const sql = await openClient({ ...superuser, database }, options);
  try {
    const schema = await provideAmcheck(sql);
    if (schema === undefined) return false;
    const relations = (await listRelations(sql)).values();
    const work = async (): Promise<void> => {
      for (const relation of relations) {
        signal.throwIfAborted();
        const found = await checkRelation(sql, schema, relation, heapAllIndexed).catch((error: unknown) => {
          looked.findings.push(`${database}: ${relation.name}: ${messageOf(error)}`);
          throw error;
        });
        for (const each of found) if (looked.findings.length < FINDINGS_AT_MOST) looked.findings.push(`${database}: ${each}`);
        if (relation.kind === 'index') looked.indexes += 1;
        else looked.tables += 1;
        onChecked(looked.indexes + looked.tables, `${database} ${relation.name}`);
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, work));
    return true;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** What an error says of the clone. @throws whatever is no failure of the clone. */
function faultOf(error: unknown): string {
  const fault = cloneError(error);
  if (fault === undefined) throw error;
  if (fault.code !== 'restore-failed') throw fault;
  return fault.detail ?? fault.message;
}

/** The schema of the extension, which is created when it is not there; undefined when the installation has none. */
async function provideAmcheck(sql: postgres.Sql): Promise<string | undefined> {
  const [available] = await sql`select 1 from pg_catalog.pg_available_extensions where name = 'amcheck'`;
  if (available === undefined) return undefined;
  const find = async (): Promise<string | undefined> => {
    const [row] = await sql<{ schema: string }[]>`
      select n.nspname as schema from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
      where e.extname = 'amcheck'`;
    return row?.schema;
  };
  const present = await find();
  if (present !== undefined) return present;
  await sql.begin(async (transaction) => {
    // Event triggers of the database have no say in this.
    await transaction.unsafe('set local session_replication_role = replica');
    await transaction.unsafe('set local transaction_read_only = off');
    await transaction.unsafe('create schema dbadmin_drill; create extension amcheck schema dbadmin_drill');
  });
  return await find();
}

async function listRelations(sql: postgres.Sql): Promise<readonly Relation[]> {
  return await sql<Relation[]>`
    select c.oid::text as oid, c.oid::regclass::text as name, case c.relkind when 'i' then 'index' else 'table' end as kind
    from pg_catalog.pg_class c
      left join pg_catalog.pg_am a on a.oid = c.relam
      left join pg_catalog.pg_index i on i.indexrelid = c.oid
    where c.relpersistence <> 't'
      and (c.relkind = 'i' and a.amname = 'btree' and i.indisvalid and i.indisready or c.relkind in ('r', 'm', 't') and a.amname = 'heap')
    order by c.relpages desc, c.oid`;
}

async function checkRelation(sql: postgres.Sql, schema: string, relation: Relation, heapAllIndexed: boolean): Promise<readonly string[]> {
  const functions = quoteIdentifier(schema);
  try {
    if (relation.kind === 'index') {
      await sql.unsafe(`select ${functions}.bt_index_check(${relation.oid}::regclass, ${heapAllIndexed})`);
      return [];
    }
    const rows = await sql.unsafe<{ blkno: string | null; offnum: number | null; msg: string }[]>(
      `select blkno::text, offnum, msg from ${functions}.verify_heapam(${relation.oid}::regclass)`,
    );
    return rows.map(({ blkno, offnum, msg }) => `${relation.name}: block ${blkno ?? '?'}, item ${offnum ?? '?'}: ${msg}`);
  } catch (error) {
    faultOf(error);
    // The library would connect anew for each relation that is left, and while a server that crashed comes back it has lost queries so: they never ended.
    if (!isServerError(error) || systemCodeOf(error)?.startsWith('57P') === true) throw error;
    return [`${relation.name}: ${messageOf(error)}`];
  }
}
