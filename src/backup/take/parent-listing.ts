/**
 * Which files of the parent the server is told of before an incremental backup. Of a file that it is told of it sends the blocks
 * that its summaries of the WAL name, and the rest is taken from the parent; any other file it sends whole.
 *
 * Two kinds of files are kept from it, since its summaries are not the whole truth about them:
 *
 * - Visibility maps. Blocks of them change without the summaries naming them: bits cleared by changes of rows (before 17.11 and 18.6),
 *   and the tail of a map that VACUUM cut back. They are small: a page for 255 MB of a table.
 * - The files in which a relation ended when VACUUM cut it back, for it may have grown again. The blocks that it then got without
 *   being written (a relation grows by up to 64 at once) are in no summary, and the server tells us to take them from the parent,
 *   which has rows there that are deleted. And where the cut and the writes stand in different summaries, these are put together in the
 *   order of a directory listing: the earlier cut may throw away the later blocks. Below the cut nothing is lost, and files that
 *   begin beyond it come whole anyway. What TRUNCATE, CLUSTER and their like make is a new file, or has a length of 0, and comes whole too.
 *   Of several cuts each one's file counts, not that of the shortest alone: a cut before the parent, about which an earlier backup could
 *   not ask, is none to the server, and the file of a cut to more since then comes as changed blocks, though it lies beyond the other.
 *
 * @see src/backend/backup/basebackup_incremental.c of PostgreSQL, GetFileBackupMethod and PrepareForIncrementalBackup
 */
export function isListed(path: string, cut: CutFiles): boolean {
  const file = relationFile(path);
  if (file === undefined) return true;
  if (file.fork === 'vm') return false;
  return file.fork !== undefined || cut.get(file.relation)?.has(file.segment) !== true;
}

/** A file of a relation by its path: whose, as {@link relationKey} has it; of which fork, undefined for the main one; and its number. */
export function relationFile(
  path: string,
): { readonly relation: string; readonly fork: string | undefined; readonly segment: number } | undefined {
  const match = RELATION_FILE.exec(path);
  if (match === null) return undefined;
  const [, inGlobal, database, tablespace, databaseThere, relfilenode = '', fork, segment = '0'] = match;
  const relation =
    inGlobal === undefined
      ? relationKey(tablespace ?? PG_DEFAULT, database ?? databaseThere ?? '', relfilenode)
      : relationKey(PG_GLOBAL, '0', relfilenode);
  return { relation, fork, segment: Number(segment) };
}

/** The numbers of the files in which each relation ended when it was cut back, by {@link relationKey}. */
export type CutFiles = ReadonlyMap<string, ReadonlySet<number>>;

/** A relation was cut back to a length. */
export interface Cut {
  /** As {@link relationKey} has it. */
  readonly relation: string;
  /** Never 0. */
  readonly blocks: number;
}

/** The files of `known` and those that `cuts` ended in; a file of a relation has `relationSegmentBlocks` blocks. */
export function withCuts(known: CutFiles, cuts: Iterable<Cut>, relationSegmentBlocks: number): CutFiles {
  const all = new Map(known);
  for (const { relation, blocks } of cuts) {
    const file = Math.floor(blocks / relationSegmentBlocks);
    const files = all.get(relation);
    if (files?.has(file) !== true) all.set(relation, new Set([...(files ?? []), file]));
  }
  return all;
}

/** `tablespace/database/relfilenode`, by their numbers: of a shared relation the database is 0. */
export function relationKey(tablespace: string, database: string, relfilenode: string): string {
  return `${tablespace}/${database}/${relfilenode}`;
}

/**
 * The files among `paths` that the server was told of by `before` and should not have been by what is known `now`: it sends too
 * little of them.
 */
export function listedInError(paths: Iterable<string>, before: CutFiles, now: CutFiles): readonly string[] {
  const found: string[] = [];
  for (const path of paths) if (isListed(path, before) && !isListed(path, now)) found.push(path);
  return found;
}

/** The tablespaces that every cluster has, by their fixed numbers in pg_tablespace. */
const PG_DEFAULT = '1663';
const PG_GLOBAL = '1664';

const RELATION_FILE = /^(?:(global)|base\/(\d+)|pg_tblspc\/(\d+)\/[^/]+\/(\d+))\/(\d+)(?:_(vm|fsm|init))?(?:\.(\d+))?$/;
