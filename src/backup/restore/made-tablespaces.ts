import { DbadminError } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { MadeTablespace } from '../../postgres/tablespace-records.ts';
import type { Resolution } from './resolve.ts';

/** The tablespaces that recovery makes on its way, in WAL order; those inside of the data directory are not among them. */
export function replayedTablespaces({ end, neededUntil, tablespaces }: Resolution): readonly MadeTablespace[] {
  const replayedUntil = end.kind === 'immediate' || (end.kind === 'lsn' && !end.inclusive) ? end.lsn : neededUntil;
  return tablespaces.filter(({ lsn, location }) => lsn < replayedUntil && location !== '');
}

/**
 * Refuses a clone whose recovery would replay a CREATE TABLESPACE: the path stands in the WAL, and PostgreSQL leads the
 * clone there, whatever the backup's tablespaces were mapped to. On the original's machine the clone would then write old
 * pages into the original's files, since databases and relations have the same numbers in both; on another, recovery ends.
 *
 * @throws {DbadminError} `refused` naming path and position of the first.
 * @see create_tablespace_directories in src/backend/commands/tablespace.c of PostgreSQL
 */
export function refuseMadeTablespaces(resolution: Resolution): void {
  const { backup } = resolution;
  const [first] = replayedTablespaces(resolution);
  if (first === undefined) return;
  const lsn = formatLsn(first.lsn);
  const location = first.location.toWellFormed();
  throw new DbadminError('refused', `a clone cannot be taken past position ${lsn}, where a tablespace was made at ${location}`, {
    detail: `CREATE TABLESPACE ran after the start of backup ${backup.label}: recovery would lead the clone to ${location} itself, and write into the original's files there.`,
    hint: `Take a backup now (dbadmin backup run): one that began after the tablespace was made has it, and puts the clone's elsewhere. Or restore to before it: --to-lsn ${lsn} --exclusive. Only --as production, in the original's place, goes past it.`,
  });
}
