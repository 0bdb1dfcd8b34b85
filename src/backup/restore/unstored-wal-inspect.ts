import { access, constants, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { systemCodeOf } from '../../base/errors.ts';
import type { TimelineCoverage } from '../../repository/wal-coverage.ts';
import type { LineageContents } from '../lineage-inspect.ts';
import { inspectUnstoredWal, oldestBackupLsn } from '../wal/unstored-inspect.ts';
import { asideSuffix } from './aside-name.ts';
import { holdsClone } from './clone-inspect.ts';
import { namesIn } from './delta-inspect.ts';
import type { RestoreMarker } from './marker.ts';
import type { LayoutPlan } from './plan.ts';
import type { Lineage } from './recover-along.ts';
import type { UnstoredAside } from './unstored-wal.ts';

/** WAL in the cluster that a restore goes over and not in the repository; undefined for none, and of a clone, which never archives any. */
export async function inspectUnstoredAside(
  { dataDirectory }: LayoutPlan,
  { cluster, coverage, archive, backups }: LineageContents,
  along: Lineage,
  begun: RestoreMarker | undefined,
): Promise<UnstoredAside | undefined> {
  // What showed that it is none may be moved already.
  if (begun?.walAside === undefined && (await holdsClone(dataDirectory, { archive, coverage }))) return undefined;
  const link = path.join(dataDirectory, 'pg_wal');
  const directory = await realpath(link).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (directory === undefined) return undefined;
  const unstored = await inspectUnstoredWal({ directory, cluster, coverage, archive, fromLsn: oldestBackupLsn(backups), along });
  if (unstored === undefined) return undefined;
  const segments = unstored.stretches.flatMap((stretch) => stretch.segments);
  // Segments without the history of their timeline lead nowhere.
  const files = [...unstored.histories, ...segments.map(({ name }) => name)];
  const begunAside = await asideBegun(begun, directory, files);
  const isLink = directory !== path.join(await realpath(dataDirectory), 'pg_wal');
  return {
    ...unstored,
    dataDirectory,
    aside: begunAside ?? (await placeAside(directory, isLink ? directory : `${dataDirectory}.pg_wal`)),
    isBegun: begunAside !== undefined,
    files,
    sizeBytes: segments.length * cluster.walSegmentBytes,
    storedLsn: endOf(coverage.timelines.get(unstored.stretches.at(-1)?.timeline ?? 0)),
  };
}

/** The directory that an interrupted restore moved WAL to, unless one of these files is there with other content. */
async function asideBegun(begun: RestoreMarker | undefined, directory: string, files: readonly string[]): Promise<string | undefined> {
  if (begun?.walAside === undefined) return undefined;
  for (const name of new Set(await namesIn(begun.walAside))) {
    if (files.includes(name) && !(await isSame(path.join(directory, name), path.join(begun.walAside, name)))) return undefined;
  }
  return begun.walAside;
}

async function isSame(one: string, other: string): Promise<boolean> {
  try {
    return (await readFile(one)).equals(await readFile(other));
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return false;
  }
}

const INNER_ASIDE = 'dbadmin-unstored';

/**
 * Where a rename does it: WAL may be more than there is room for elsewhere, and in a container elsewhere does not outlive it. That
 * is `beside` and a time, or, where pg_wal or the data directory is a mount point, within pg_wal: no server looks at it there.
 */
export async function placeAside(directory: string, beside: string): Promise<string> {
  const suffix = asideSuffix(new Date());
  const parent = path.dirname(beside);
  const isOneFilesystem = (await stat(parent)).dev === (await stat(directory)).dev;
  const isOurs = await access(parent, constants.W_OK).then(
    () => true,
    () => false,
  );
  return isOneFilesystem && isOurs ? `${beside}${suffix}` : path.join(directory, `${INNER_ASIDE}${suffix}`);
}

/** What restores have moved aside within pg_wal, relative to the data directory: no other restore takes it away. */
export async function innerAsides(dataDirectory: string): Promise<readonly string[]> {
  const kept: string[] = [];
  for (const name of await namesIn(path.join(dataDirectory, 'pg_wal'))) {
    if (!name.startsWith(`${INNER_ASIDE}-`)) continue;
    const inside = await namesIn(path.join(dataDirectory, 'pg_wal', name));
    kept.push(`pg_wal/${name}`, ...inside.map((each) => `pg_wal/${name}/${each}`));
  }
  return kept;
}

/** How far a timeline is stored, gaps or not; undefined for nothing of it. */
export function endOf(coverage: TimelineCoverage | undefined): bigint | undefined {
  const ends = [...(coverage?.runs ?? []), ...(coverage?.open ?? [])].map(({ endLsn }) => endLsn);
  return ends.reduce<bigint | undefined>((last, each) => (last === undefined || each > last ? each : last), undefined);
}
