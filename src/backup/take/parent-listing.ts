/**
 * Which files of the parent the server is told of before an incremental backup. Of a file that it is told of it sends the blocks
 * that its summaries of the WAL name, and the rest is taken from the parent; any other file it sends whole.
 *
 * Two kinds of files are kept from it, since its summaries are not the whole truth about them:
 *
 * - Visibility maps. Blocks of them change without the summaries naming them: bits cleared by changes of rows (before 17.11 and 18.6),
 *   and the tail of a map that VACUUM cut back. They are small: a page for 255 MB of a table.
 * - The file in which a relation ended after VACUUM cut it back, when it may have grown again. The blocks that it then got without
 *   being written (a relation grows by up to 64 at once) are in no summary, and the server tells us to take them from the parent,
 *   which has rows there that are deleted. And where the cut and the writes stand in different summaries, these are put together in the
 *   order of a directory listing: the earlier cut may throw away the later blocks. Below the cut nothing is lost, and files that
 *   begin beyond it come whole anyway. What TRUNCATE, CLUSTER and their like make is a new file, or has a length of 0, and comes whole too.
 *
 * @see src/backend/backup/basebackup_incremental.c of PostgreSQL, GetFileBackupMethod and PrepareForIncrementalBackup
 */
export function isListed(path: string, { shortened, relationSegmentBlocks }: ListingFacts): boolean {
  const match = RELATION_FILE.exec(path);
  if (match === null) return true;
  const [, inGlobal, database, tablespace, databaseThere, relfilenode = '', fork, segment = '0'] = match;
  if (fork === 'vm') return false;
  if (fork !== undefined || shortened.size === 0) return true;
  const key =
    inGlobal === undefined
      ? relationKey(tablespace ?? PG_DEFAULT, database ?? databaseThere ?? '', relfilenode)
      : relationKey(PG_GLOBAL, '0', relfilenode);
  const blocks = shortened.get(key);
  return blocks === undefined || Math.floor(blocks / relationSegmentBlocks) !== Number(segment);
}

export interface ListingFacts {
  /** The least length in blocks that each relation was cut back to since the parent began, by {@link relationKey}; never 0. */
  readonly shortened: ReadonlyMap<string, number>;
  /** Blocks of one file of a relation. */
  readonly relationSegmentBlocks: number;
}

/** `tablespace/database/relfilenode`, by their numbers: of a shared relation the database is 0. */
export function relationKey(tablespace: string, database: string, relfilenode: string): string {
  return `${tablespace}/${database}/${relfilenode}`;
}

/**
 * The files among `paths` that the server was told of by `before` and should not have been by what is known `now`: it sends too
 * little of them.
 */
export function listedInError(paths: Iterable<string>, before: ListingFacts, now: ListingFacts): readonly string[] {
  const found: string[] = [];
  for (const path of paths) if (isListed(path, before) && !isListed(path, now)) found.push(path);
  return found;
}

/** The tablespaces that every cluster has, by their fixed numbers in pg_tablespace. */
const PG_DEFAULT = '1663';
const PG_GLOBAL = '1664';

const RELATION_FILE = /^(?:(global)|base\/(\d+)|pg_tblspc\/(\d+)\/[^/]+\/(\d+))\/(\d+)(?:_(vm|fsm|init))?(?:\.(\d+))?$/;
