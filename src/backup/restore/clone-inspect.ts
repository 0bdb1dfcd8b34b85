import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, isDbadminError, systemCodeOf } from '../../base/errors.ts';
import { parseControlFile } from '../../postgres/control-file.ts';
import { segmentPosition } from '../../postgres/segment.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import type { WalCoverage } from '../../repository/wal-coverage.ts';
import { storedOf } from '../wal/known-timelines-inspect.ts';
import { isCloneConfiguration } from './clone-settings.ts';
import { namesIn } from './delta-inspect.ts';

/** What a repository has of the cluster that clones come from. */
export interface StoredWal {
  readonly archive: Pick<WalArchive, 'readAncestorsOrNone' | 'readStored' | 'segmentBytes'>;
  readonly coverage: WalCoverage;
}

/**
 * Whether a directory is that of a clone that was restored, whose commits are nobody's data. One that somebody goes on with, and has its WAL received, which
 * asks for no archive_mode, looks the same; but the repository has what it wrote.
 */
export async function holdsClone(dataDirectory: string, stored: StoredWal): Promise<boolean> {
  return (await isRestoredAsClone(dataDirectory)) && !(await isItsWalStored(dataDirectory, stored));
}

/** Whether a directory has the configuration of a clone, whatever became of it. */
export async function isRestoredAsClone(dataDirectory: string): Promise<boolean> {
  return isCloneConfiguration(await readFile(path.join(dataDirectory, 'postgresql.auto.conf'), 'utf8').catch(() => ''));
}

/**
 * Whether a segment that it wrote is stored with the same bytes, behind the position where its timeline began. Another clone may have taken the
 * same number there; the first record of each timeline has the time when it began. Older timelines in pg_wal are the original's.
 */
async function isItsWalStored(dataDirectory: string, { archive, coverage }: StoredWal): Promise<boolean> {
  if (!(await hasOpened(dataDirectory))) return false;
  const directory = path.join(dataDirectory, 'pg_wal');
  const segments = (await namesIn(directory)).flatMap((name) => {
    const position = segmentPosition(name, archive.segmentBytes);
    return position === undefined ? [] : [{ name, ...position }];
  });
  const own = segments.reduce((newest, { timeline }) => Math.max(newest, timeline), 0);
  const stored = coverage.timelines.get(own);
  const beganAt = stored && (await archive.readAncestorsOrNone(own))?.at(-1)?.switchLsn;
  if (beganAt === undefined) return false;
  for (const { name, timeline, startLsn } of segments.toSorted((a, b) => (a.startLsn < b.startLsn ? 1 : -1))) {
    if (timeline !== own || storedOf(stored, startLsn, startLsn + BigInt(archive.segmentBytes)) <= beganAt) continue;
    const [here, there] = [await readOwn(path.join(directory, name)), await readStored(archive, name)];
    if (here === undefined || there === undefined || startLsn + BigInt(there.byteLength) <= beganAt) continue;
    if (here.subarray(0, there.byteLength).equals(there)) return true;
  }
  return false;
}

/** Whether its recovery is over: until then it wrote nothing. What is left of a pg_control, as an interrupted restore may have it, says nothing of it. */
async function hasOpened(dataDirectory: string): Promise<boolean> {
  const bytes = await readOwn(path.join(dataDirectory, 'global', 'pg_control'));
  if (bytes === undefined) return false;
  try {
    const { state } = parseControlFile(bytes);
    return state !== 'in-archive-recovery' && state !== 'shut-down-in-recovery';
  } catch (error) {
    if (error instanceof DbadminError) return false;
    throw error;
  }
}

/** Undefined where the disk does not give it. */
async function readOwn(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return undefined;
  }
}

/** Undefined where it is damaged, too. */
async function readStored(archive: StoredWal['archive'], name: string): Promise<Buffer | undefined> {
  try {
    return await archive.readStored(name);
  } catch (error) {
    if (isDbadminError(error, 'repository-damaged')) return undefined;
    throw error;
  }
}
