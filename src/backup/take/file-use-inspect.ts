import type { Sql } from 'postgres';
import { messageOf } from '../../base/errors.ts';
import { TAKES_CONNECTIONS_SQL } from '../../postgres/open-database.ts';
import { leadsTo, type OrdinarySession } from './ordinary-session.ts';
import { relationFile } from './parent-listing.ts';

/** Why something is not known. Both for people: part of a sentence, and a sentence without its stop. */
export interface Unknown {
  readonly unknown: string;
  /** What lets later backups know it. */
  readonly wayOut: string;
}

/**
 * Whether a relation that can be read has a file. Otherwise it belongs to one that is still being made, to an index that is not valid, or
 * to nobody.
 */
export type FileUse = 'used' | 'unused' | Unknown;

/** Of which transactions it is known that they had ended when it was asked: those before `xid`, which is one of 64 bits. */
export type EndedTransactions = { readonly xid: bigint } | Unknown;

const NO_CONNECTION: Unknown = { unknown: 'there is no ordinary connection', wayOut: 'Later backups can ask over an ordinary connection' };

/** What lets later backups ask where that failed. */
const ONCE_MENDED = 'Once that is mended, later backups can ask';

/**
 * Which transactions have ended. Before a backup begins: what these made is logged before it, and its checkpoint has written the pages
 * with their LSN.
 */
export async function inspectEndedTransactions(session: OrdinarySession | undefined, systemIdentifier: string): Promise<EndedTransactions> {
  if (session === undefined) return NO_CONNECTION;
  try {
    const sql = await session.open();
    if (!(await leadsTo(sql, systemIdentifier)))
      return { unknown: 'the ordinary connection leads to another cluster', wayOut: ONCE_MENDED };
    const [row] = await sql<{ xid: string }[]>`select pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text as xid`;
    return { xid: BigInt(row?.xid ?? 0) };
  } catch (error) {
    return { unknown: messageOf(error), wayOut: ONCE_MENDED };
  }
}

/**
 * The use of files of relations, by their paths, as given.
 *
 * Asked when the files have been read: an index may have been finished meanwhile, and only relations whose rows in the catalog are older than
 * the backup were used when the file was read. What was made or altered since is not known of.
 */
export async function inspectFileUse(
  session: OrdinarySession | undefined,
  ended: EndedTransactions,
  paths: readonly string[],
): Promise<ReadonlyMap<string, FileUse>> {
  const uses = new Map<string, FileUse>();
  for (const [database, files] of Map.groupBy(paths, databaseOf)) {
    const found = 'unknown' in ended ? ended : await usesIn(session, database, ended.xid, files);
    for (const path of files) uses.set(path, found instanceof Map ? (found.get(relationPath(path)) ?? 'unused') : found);
  }
  return uses;
}

/** By the paths of their first files: those that are not unused. Each database knows its own relations, and all know the shared ones. */
async function usesIn(
  session: OrdinarySession | undefined,
  database: string,
  endedXid: bigint,
  files: readonly string[],
): Promise<Map<string, FileUse> | Unknown> {
  if (session === undefined) return NO_CONNECTION;
  try {
    const sql = await session.open();
    const [there] = await sql<(DatabaseDoor & { here: boolean })[]>`
      select d.datname::text as name, pg_catalog.quote_ident(d.datname) as quoted, pg_catalog.quote_ident(current_user) as grantee,
        d.datname = pg_catalog.current_database() as here, ${sql.unsafe(TAKES_CONNECTIONS_SQL)} as open,
        pg_catalog.has_database_privilege(d.oid, 'connect') as allowed
      from pg_catalog.pg_database d
      where case ${database}::text when ${SHARED}::text then d.datname = pg_catalog.current_database() else d.oid::text = ${database}::text end`;
    // Dropped meanwhile, or still being made.
    if (there === undefined) return new Map();
    if (there.here) return await askForUses(sql, endedXid, files);
    if (!there.open || !there.allowed) return shut(there);
    const other = session.into(there.name);
    try {
      return await askForUses(await other.open(), endedXid, files);
    } finally {
      await other.close();
    }
  } catch (error) {
    return { unknown: messageOf(error), wayOut: ONCE_MENDED };
  }
}

/** Whether a database lets this role in; its name also as SQL has it, as that of the role. */
interface DatabaseDoor {
  readonly name: string;
  readonly quoted: string;
  readonly grantee: string;
  readonly open: boolean;
  readonly allowed: boolean;
}

function shut({ name, quoted, grantee, open }: DatabaseDoor): Unknown {
  if (open)
    return {
      unknown: `database "${name}" takes no connections of this role`,
      wayOut: `GRANT CONNECT ON DATABASE ${quoted} TO ${grantee} lets later backups ask`,
    };
  return {
    unknown: `database "${name}" takes no connections`,
    wayOut: `ALTER DATABASE ${quoted} ALLOW_CONNECTIONS true lets later backups ask; where its DROP was interrupted, drop it`,
  };
}

/**
 * The transaction that wrote a row is younger than another where its age is less; one that seems to lie in the future is so old that the
 * row was frozen before its number came round again.
 */
async function askForUses(sql: Sql, endedXid: bigint, files: readonly string[]): Promise<Map<string, FileUse>> {
  const names = [...new Set(files.map(relationPath))];
  const rows = await sql<{ path: string; recent: boolean }[]>`
    select f.path, pg_catalog.age(c.xmin) between 0 and s.age or coalesce(pg_catalog.age(i.xmin) between 0 and s.age, false) as recent
    from (select pg_catalog.age(${String(endedXid % XIDS)}::text::xid) as age) s
      cross join pg_catalog.pg_class c
      cross join lateral (select pg_catalog.pg_relation_filepath(c.oid) as path) f
      left join pg_catalog.pg_index i on i.indexrelid = c.oid
    where f.path in (select pg_catalog.json_array_elements_text(${JSON.stringify(names)}::text::json)) and coalesce(i.indisvalid, true)`;
  return new Map(rows.map(({ path, recent }) => [path, recent ? RECENT : 'used']));
}

const RECENT: Unknown = {
  unknown: 'the relation was made or altered after the oldest transaction that was running when the backup began',
  wayOut: 'Where that one has been open for days, end it (pg_stat_activity, pg_prepared_xacts): as long as it runs, this comes again',
};

/** Transactions have numbers of 32 bits in rows. */
const XIDS = 1n << 32n;

/** The database of shared relations, by its number. */
const SHARED = '0';

function databaseOf(path: string): string {
  return relationFile(path)?.relation.split('/')[1] ?? SHARED;
}

/** As pg_relation_filepath has it: without the fork and the number of the file. */
function relationPath(path: string): string {
  return path.replace(/(?:_[a-z]+)?(?:\.\d+)?$/, '');
}
