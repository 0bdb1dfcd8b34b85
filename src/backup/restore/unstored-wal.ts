import { DbadminError } from '../../base/errors.ts';
import { shellWord } from '../../base/shell-word.ts';
import type { ControlFile } from '../../postgres/control-file.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { UnstoredWal } from '../wal/unstored-inspect.ts';
import type { TargetState } from './target-directories-inspect.ts';
import { formatMoment } from './target.ts';

/** WAL of a cluster that is gone over, which the repository has not, and where it goes. */
export interface UnstoredAside extends UnstoredWal {
  readonly dataDirectory: string;
  /** Beside the data directory, or beside what its pg_wal leads to, or in that. */
  readonly aside: string;
  /** Whether that is where the interrupted restore began to move it to. Else it is absent. */
  readonly isBegun: boolean;
  /** Names of what is moved there: histories of their timelines, and segments, in this order. */
  readonly files: readonly string[];
  readonly sizeBytes: number;
  /** How far the repository has the newest of those timelines; undefined for nothing of it. */
  readonly storedLsn: bigint | undefined;
}

/**
 * Whoever asks for everything there is must not lose, unasked, what lies intact on the same disk.
 *
 * `along` is the timeline that the restore goes along. Stored WAL of a newer one would make that the one of the same command.
 *
 * @throws {DbadminError} `refused`, naming the command that stores it.
 */
export function refuseUnstored(state: TargetState, along: number): void {
  if (state.kind === 'empty' || state.unstored?.acknowledged === undefined) return;
  const { unstored } = state;
  const others = [...new Set(unstored.stretches.map(({ timeline }) => timeline))].filter((timeline) => timeline !== along);
  const again =
    others.length === 0
      ? 'the same command again'
      : `the same command again with --timeline ${along} to go along the one that this restore goes along, or --timeline ${others.join(' or ')} along ${others.length === 1 ? 'that' : 'one'} of the cluster`;
  const { dataDirectory, directory } = unstored;
  const moved = state.target.kind === 'unfinished' ? state.target.marker.walAside : undefined;
  const store =
    moved === undefined
      ? `dbadmin wal salvage ${shellWord(dataDirectory)}`
      : `put copies of the files in ${moved}, to which the interrupted restore moved WAL, and in ${directory} into one directory, and name that to dbadmin wal salvage`;
  throw new DbadminError('refused', `${dataDirectory} holds commits that the repository does not have`, {
    detail: `${describeUnstored(unstored)}. A restore of everything in the repository would be without them.`,
    hint: `Store it first: ${store}, then ${again}. To restore without it add --without-unstored-wal: it is moved aside then, not deleted.`,
  });
}

/**
 * Where the last checkpoint of a cluster is, when neither its pg_wal nor the repository has the WAL up to there: what was
 * committed before it is in nobody's reach. Undefined for the ordinary case.
 */
export function lostUntil(
  checkpoint: Pick<ControlFile, 'checkpointLsn' | 'timeline'>,
  storedLsn: bigint | undefined,
  unstored: UnstoredWal | undefined,
): bigint | undefined {
  const found = (unstored?.stretches ?? []).filter(({ timeline }) => timeline === checkpoint.timeline);
  const ends = [
    storedLsn ?? 0n,
    ...found.flatMap(({ segments }) => segments.flatMap(({ knownUntil, validUntil }) => [knownUntil, validUntil])),
  ];
  return ends.every((end) => end < checkpoint.checkpointLsn) ? checkpoint.checkpointLsn : undefined;
}

/** `Its pg_wal has 24 segments that the repository has not, 0/4000000 → 0/5A000100 on timeline 1, with commits from … on; the repository's WAL ends at 0/4000000`. */
export function describeUnstored({ stretches, storedLsn, acknowledged }: UnstoredWal & Pick<UnstoredAside, 'storedLsn'>): string {
  const count = stretches.reduce((sum, { segments }) => sum + segments.length, 0);
  const where = stretches.map(({ timeline, segments }) => {
    const end = segments.at(-1)?.validUntil ?? segments[0].validUntil;
    return `${formatLsn(segments[0].storedUntil)} → ${formatLsn(end)} on timeline ${timeline}`;
  });
  const what =
    acknowledged === undefined
      ? 'without a commit'
      : acknowledged.at === undefined
        ? 'with commits'
        : `with commits from ${formatMoment(acknowledged.at)} on`;
  const stored = storedLsn === undefined ? 'has nothing of that timeline' : `ends at ${formatLsn(storedLsn)}`;
  return `Its pg_wal has ${count} ${count === 1 ? 'segment' : 'segments'} that the repository has not to the end: ${where.join(', ')}, ${what}; the repository's WAL ${stored}`;
}
