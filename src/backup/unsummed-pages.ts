import type { BackupSummary } from '../repository/manifest.ts';

/**
 * Whether a backup may have pages without a checksum: it, or one that it has pages of as nobody read them again, was taken while the
 * cluster had no checksums. pg_checksums --enable writes every page anew, without a word in the WAL: a server that is asked for what
 * changed does not send those.
 *
 * Of an incremental backup only where the server told what changed: where page hashes were compared, every page that got its checksum
 * was stored. Undefined, not known: it is of before backups noted it, and one of those that tell is gone.
 */
export function mayHaveUnsummedPages(backup: BackupSummary, backups: Iterable<BackupSummary>): boolean | undefined {
  const known = new Map(Iterator.from(backups).map((each) => [each.label, each]));
  let each: BackupSummary | undefined = backup;
  // As many steps as there are backups: anybody can write manifests that name each other.
  for (let steps = 0; each !== undefined && steps <= known.size; steps += 1) {
    if (!each.checksums) return true;
    if (each.pagesSummed === true || each.kind === 'full' || typeof each.pageHashKey === 'string') return false;
    each = known.get(each.parent ?? '');
  }
  return undefined;
}

/**
 * What is wrong, or may be, with a backup of a cluster with checksums that has such pages, for people; undefined where nothing is. pg_checksums
 * works on a cluster that was shut down alone, which what is restored was not.
 */
export function unsummedPagesOf(backup: BackupSummary, backups: Iterable<BackupSummary>): string | undefined {
  const may = backup.checksums && mayHaveUnsummedPages(backup, backups);
  if (may === false) return undefined;
  const problem =
    may === true
      ? `backup ${backup.label} has pages from before page checksums were switched on, and a server that starts from it takes them for damaged. `
      : `nobody can say whether all pages of backup ${backup.label} have checksums: the backups that it was built on are gone. Where page checksums were switched on ` +
        'between two of them, a server that starts from it takes pages for damaged (invalid page in block). ';
  return (
    `${problem}What they hold is right: ${may === true ? '' : 'then '}restore without --start, put ignore_checksum_failure = on into postgresql.auto.conf there, start it, and once it ` +
    'accepts connections stop it, run pg_checksums --disable and take the line out again.'
  );
}
