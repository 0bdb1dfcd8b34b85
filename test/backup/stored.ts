import type postgres from 'postgres';
import { inspectLineage, readLineage } from '../../src/backup/lineage-inspect.ts';
import { recoverableUntil } from '../../src/backup/restore/recover-along.ts';
import { parseLsn } from '../../src/postgres/lsn.ts';
import type { Repository } from '../../src/repository/repository.ts';

/** Waits until everything before `lsn` can be restored from the repository; gives up after ten seconds. */
export async function waitUntilStored(repository: Repository, lsn: bigint): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const contents = await inspectLineage(repository, 'main');
    const lineage = await readLineage(contents);
    if (contents.backups.some((backup) => (recoverableUntil(backup, lineage, contents.coverage) ?? 0n) >= lsn)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the WAL did not come into the repository');
}

/** Waits until all that the server of `sql` has written by now, on the timeline that it is on, is in the repository; gives up after a minute. */
export async function waitUntilAllStored(repository: Repository, sql: postgres.Sql): Promise<void> {
  const [row] = await sql<{ lsn: string; segment: string }[]>`
    select pg_current_wal_flush_lsn()::text as lsn, pg_walfile_name(pg_current_wal_flush_lsn()) as segment`;
  if (row === undefined) throw new Error('the server does not say how far it has written');
  const flushed = parseLsn(row.lsn);
  const timeline = Number.parseInt(row.segment.slice(0, 8), 16);
  const deadline = performance.now() + 60_000;
  for (;;) {
    const { coverage } = await inspectLineage(repository, 'main');
    const stored = coverage.timelines.get(timeline);
    if ([...(stored?.runs ?? []), ...(stored?.open ?? [])].some(({ endLsn }) => endLsn >= flushed)) return;
    if (performance.now() > deadline) throw new Error(`the WAL before ${row.lsn} did not come into the repository`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
