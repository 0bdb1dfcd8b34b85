import { readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import { systemCodeOf } from '../../base/errors.ts';
import type { TimelineCoverage } from '../../repository/wal-coverage.ts';
import type { LineageContents } from '../lineage-inspect.ts';
import { inspectUnstoredWal, oldestBackupLsn } from '../wal/unstored-inspect.ts';
import { asideSuffix } from './aside-name.ts';
import { isCloneConfiguration } from './clone-settings.ts';
import type { LayoutPlan } from './plan.ts';
import type { UnstoredAside } from './unstored-wal.ts';

/** WAL in the cluster that a restore goes over and not in the repository; undefined for none, and of a clone, which never archives any. */
export async function inspectUnstoredAside(
  { dataDirectory }: LayoutPlan,
  { cluster, coverage, archive, backups }: LineageContents,
): Promise<UnstoredAside | undefined> {
  if (await holdsClone(dataDirectory)) return undefined;
  const link = path.join(dataDirectory, 'pg_wal');
  const directory = await realpath(link).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (directory === undefined) return undefined;
  const unstored = await inspectUnstoredWal({ directory, cluster, coverage, archive, fromLsn: oldestBackupLsn(backups) });
  if (unstored === undefined) return undefined;
  const segments = unstored.stretches.flatMap((stretch) => stretch.segments);
  const isLink = directory !== path.join(await realpath(dataDirectory), 'pg_wal');
  const suffix = asideSuffix(new Date());
  return {
    ...unstored,
    dataDirectory,
    // Where a rename does it: WAL may be more than there is room for elsewhere.
    aside: isLink ? `${directory}${suffix}` : `${dataDirectory}.pg_wal${suffix}`,
    files: [...segments.map(({ name }) => name), ...unstored.histories],
    sizeBytes: segments.length * cluster.walSegmentBytes,
    storedLsn: endOf(coverage.timelines.get(unstored.stretches.at(-1)?.timeline ?? 0)),
  };
}

/** Whether a directory is that of a clone that was restored. */
export async function holdsClone(dataDirectory: string): Promise<boolean> {
  return isCloneConfiguration(await readFile(path.join(dataDirectory, 'postgresql.auto.conf'), 'utf8').catch(() => ''));
}

/** How far a timeline is stored, gaps or not; undefined for nothing of it. */
export function endOf(coverage: TimelineCoverage | undefined): bigint | undefined {
  const ends = [...(coverage?.runs ?? []), ...(coverage?.open ?? [])].map(({ endLsn }) => endLsn);
  return ends.reduce<bigint | undefined>((last, each) => (last === undefined || each > last ? each : last), undefined);
}
