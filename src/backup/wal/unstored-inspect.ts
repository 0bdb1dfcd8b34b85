import { createReadStream } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, systemCodeOf } from '../../base/errors.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import { isHistoryName, isSegmentName, parseSegmentName } from '../../postgres/segment.ts';
import { WAL_PAGE_BYTES, type WalPageHeader } from '../../postgres/wal-page.ts';
import { readWalRecords, type WalRecord } from '../../postgres/wal-reader.ts';
import { concernsTransactions, preparesTransaction, TransactionEnds } from '../../postgres/wal-records.ts';
import type { ClusterIdentity } from '../../repository/identity.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import type { WalCoverage } from '../../repository/wal-coverage.ts';
import type { Lineage } from '../restore/recover-along.ts';
import { followingOf } from './following-inspect.ts';
import { readAlong, readKnownTimelines, storedOf, type KnownTimelines } from './known-timelines-inspect.ts';
import { majorOf, segmentHeader } from './segment-header.ts';

/** A WAL file that no repository has to its end. */
export interface UnstoredSegment {
  readonly name: string;
  readonly file: string;
  readonly startLsn: bigint;
  /** Before this position it is stored; its first byte when nothing of it is. */
  readonly storedUntil: bigint;
  /** Before this position what it says is stored, of it or of another timeline that the restore goes along and that had it in common until then. */
  readonly knownUntil: bigint;
  /** Where its valid WAL ends. Of a segment that another one follows, its end. */
  readonly validUntil: bigint;
}

/** Segments of one timeline that follow each other. */
export interface UnstoredStretch {
  readonly timeline: number;
  readonly segments: readonly [UnstoredSegment, ...UnstoredSegment[]];
  /** What is behind them, stored or not: without it the record that their end cuts would be none. */
  readonly following: () => AsyncIterable<Uint8Array>;
}

/** WAL that lies in a directory and not in the repository. */
export interface UnstoredWal {
  readonly directory: string;
  /** By timeline and position. */
  readonly stretches: readonly [UnstoredStretch, ...UnstoredStretch[]];
  /** Names of history files of those timelines that are not stored either. */
  readonly histories: readonly string[];
  /** The first that would be lost with it, where something acknowledged would be: its moment, when it is a commit's. */
  readonly acknowledged: { readonly at: Date | undefined } | undefined;
}

export interface UnstoredRequest {
  /** Where segments lie: pg_wal of a cluster that does not run, or what was moved out of one. */
  readonly directory: string;
  readonly cluster: ClusterIdentity;
  readonly coverage: WalCoverage;
  readonly archive: Pick<WalArchive, 'readAncestorsOrNone' | 'readStored'>;
  /** WAL before this position leads nowhere: no backup begins before it. */
  readonly fromLsn: bigint;
  /** What a restore goes along: only what that reads need not be asked for. Whoever stores it has none. */
  readonly along?: Lineage;
}

interface Found {
  readonly name: string;
  readonly timeline: number;
  readonly startLsn: bigint;
  /** Undefined when the disk does not give it. */
  readonly header: WalPageHeader | undefined;
}

/**
 * What a directory has of a cluster's WAL that the repository has not, or undefined when that is nothing.
 *
 * A file counts when its first page is this cluster's, of this address: one that was recycled for later, or made
 * beforehand, is none. One that the disk does not give counts, too: nobody can tell that nothing is in it. How far the last of
 * a stretch goes its records tell, each checked.
 */
export async function inspectUnstoredWal(request: UnstoredRequest): Promise<UnstoredWal | undefined> {
  const { directory, coverage } = request;
  const names = await namesIn(directory);
  const found = await findSegments(request, names);
  const [first, ...rest] = await stretchesOf(request, found);
  if (first === undefined) return undefined;
  const stretches = [first, ...rest] as const;
  const timelines = new Set(stretches.map(({ timeline }) => timeline));
  const histories = names.filter((name) => {
    const timeline = Number.parseInt(name.slice(0, 8), 16);
    return isHistoryName(name) && timelines.has(timeline) && !coverage.histories.has(timeline);
  });
  const headers = new Map(found.map(({ name, header }) => [name, header]));
  for (const stretch of stretches) {
    const header = headers.get(stretch.segments[0].name);
    const acknowledged = await firstAcknowledged(request, stretch, header);
    if (acknowledged !== undefined) return { directory, stretches, histories, acknowledged };
  }
  return { directory, stretches, histories, acknowledged: undefined };
}

/**
 * Where valid WAL of a stretch ends, every record of it checked: at the latest where the disk does not give it, which is told. It is
 * behind the stretch where the record that its end cuts goes on in what follows.
 */
export async function validEndOf(
  { cluster }: Pick<UnstoredRequest, 'cluster'>,
  stretch: UnstoredStretch,
  onUnreadable: () => void = () => undefined,
): Promise<bigint> {
  const { timeline, segments } = stretch;
  let validUntil = segments[0].startLsn;
  const options = {
    ...readingOf(cluster, timeline, segments[0].startLsn),
    wants: () => false,
    onEnd: (lsn: bigint) => void (validUntil = lsn),
  };
  for await (const _ of readWalRecords(bytesOf(stretch, onUnreadable), options));
  return validUntil;
}

async function findSegments({ directory, cluster, fromLsn }: UnstoredRequest, names: readonly string[]): Promise<readonly Found[]> {
  const { walSegmentBytes } = cluster;
  const perPart = 0x1_0000_0000 / walSegmentBytes;
  const found: Found[] = [];
  for (const name of names) {
    if (!isSegmentName(name) || Number.parseInt(name.slice(16), 16) >= perPart) continue;
    const { timeline, startLsn } = parseSegmentName(name, walSegmentBytes);
    if (startLsn + BigInt(walSegmentBytes) <= fromLsn) continue;
    const page = await firstPage(path.join(directory, name), walSegmentBytes);
    if (page === 'unreadable') found.push({ name, timeline, startLsn, header: undefined });
    if (page === 'unreadable') continue;
    const header = page === undefined ? undefined : segmentHeader(page, cluster, startLsn);
    if (header !== undefined && header.timeline <= timeline) found.push({ name, timeline, startLsn, header });
  }
  return found.sort((a, b) => a.timeline - b.timeline || (a.startLsn < b.startLsn ? -1 : 1));
}

async function stretchesOf(request: UnstoredRequest, found: readonly Found[]): Promise<readonly UnstoredStretch[]> {
  const { directory, cluster, coverage } = request;
  const known = await readKnownTimelines(request, new Set(found.map((each) => each.timeline)));
  const size = BigInt(cluster.walSegmentBytes);
  const stretches: UnstoredStretch[] = [];
  for (const [index, { name, timeline, startLsn, header }] of found.entries()) {
    const next = found[index + 1];
    const endLsn = startLsn + size;
    const storedUntil = storedOf(coverage.timelines.get(timeline), startLsn, endLsn);
    if (storedUntil === endLsn) continue;
    const knownUntil = knownOf(request, known, { timeline, startLsn, storedUntil });
    const file = path.join(directory, name);
    const following = (): AsyncIterable<Uint8Array> => followingOf({ ...request, known }, timeline, endLsn);
    // The server is done with a segment, and has synced it, before it goes on in the next.
    const isFollowed = next?.timeline === timeline && next.startLsn === endLsn;
    const whole = { name, file, startLsn, storedUntil, knownUntil, validUntil: endLsn };
    let isWhole = isFollowed || header === undefined;
    const readUntil = isWhole ? endLsn : await validEndOf(request, { timeline, segments: [whole], following }, () => (isWhole = true));
    // Of what cannot be read nobody can say that no commit is in it.
    const validUntil = isWhole || readUntil > endLsn ? endLsn : readUntil;
    if (validUntil <= storedUntil) continue;
    const segment = { ...whole, validUntil };
    const last = stretches.at(-1);
    const isNext = last?.timeline === timeline && last.segments.at(-1)?.validUntil === startLsn;
    if (isNext) stretches.splice(-1, 1, { timeline, segments: [...last.segments, segment], following });
    else stretches.push({ timeline, segments: [segment], following });
  }
  return stretches;
}

/** How far what a segment says is stored where it would be found. */
function knownOf(
  { along, cluster, coverage }: UnstoredRequest,
  { here }: KnownTimelines,
  { timeline, startLsn, storedUntil }: { readonly timeline: number; readonly startLsn: bigint; readonly storedUntil: bigint },
): bigint {
  const own = here.get(timeline);
  if (along === undefined || own === undefined) return storedUntil;
  const read = readAlong(own, along, coverage, startLsn, startLsn + BigInt(cluster.walSegmentBytes));
  return read > storedUntil ? read : storedUntil;
}

/**
 * The first commit, prepared transaction or restore point of a stretch that is not stored to its end. Reads no further: of
 * hundreds of gigabytes nearly always the first page says it.
 */
async function firstAcknowledged(
  { cluster }: UnstoredRequest,
  stretch: UnstoredStretch,
  header: WalPageHeader | undefined,
): Promise<UnstoredWal['acknowledged']> {
  const { timeline, segments } = stretch;
  const [first] = segments;
  const size = BigInt(cluster.walSegmentBytes);
  const knownUntil = segments.reduce((until, each) => (until === each.startLsn ? each.knownUntil : until), first.startLsn);
  // The rest of a record that began in a stored segment: what it says nobody can read from here.
  if (knownUntil === first.startLsn && header?.continuedBytes !== undefined) return { at: undefined };
  const ends = new TransactionEnds(majorOf(cluster));
  const lastStart = segments.at(-1)?.startLsn ?? first.startLsn;
  let validUntil = first.startLsn;
  const options = {
    ...readingOf(cluster, timeline, first.startLsn),
    trustedUntilLsn: lastStart,
    onEnd: (lsn: bigint) => void (validUntil = lsn),
    wants: (manager: number, info: number) => concernsTransactions(manager, info) || preparesTransaction(manager, info),
  };
  let isUnreadable = false;
  let isBehind = false;
  const bytes = bytesOf(stretch, () => (isUnreadable = true));
  for await (const record of readWalRecords(bytes, options)) {
    isBehind = record.lsn >= lastStart + size;
    if (isBehind) break;
    const acknowledged = acknowledgedBy(record, ends);
    if (acknowledged !== undefined && record.endLsn > knownUntil) return acknowledged;
  }
  // What lies behind a place that cannot be read, nobody can tell.
  return isUnreadable || (!isBehind && validUntil < lastStart) ? { at: undefined } : undefined;
}

function acknowledgedBy(record: WalRecord, ends: TransactionEnds): UnstoredWal['acknowledged'] {
  if (preparesTransaction(record.manager, record.info)) return { at: undefined };
  const end = ends.take(record);
  if (end === undefined || end.kind === 'abort' || end.kind === 'abort-prepared') return undefined;
  return { at: new Date(Number(end.time / 1000n)) };
}

function readingOf(cluster: ClusterIdentity, timeline: number, startLsn: bigint) {
  const { systemIdentifier, walSegmentBytes } = cluster;
  return { startLsn, segmentBytes: walSegmentBytes, major: majorOf(cluster), timeline, systemIdentifier };
}

/** Ends early where the disk does not give the rest. */
async function* bytesOf({ segments, following }: UnstoredStretch, onUnreadable: () => void): AsyncGenerator<Uint8Array> {
  try {
    for (const { file } of segments) yield* createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
  } catch (error) {
    if (error instanceof DbadminError || systemCodeOf(error) === undefined) throw error;
    onUnreadable();
    return;
  }
  yield* following();
}

/** Undefined when the file has not a segment's size: nothing that a server made. */
async function firstPage(file: string, segmentBytes: number): Promise<Buffer | 'unreadable' | undefined> {
  try {
    return await readFirstPage(file, segmentBytes);
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return 'unreadable';
  }
}

async function readFirstPage(file: string, segmentBytes: number): Promise<Buffer | undefined> {
  const handle = await open(file, 'r');
  try {
    if ((await handle.stat()).size !== segmentBytes) return undefined;
    const page = Buffer.alloc(WAL_PAGE_BYTES);
    const { bytesRead } = await handle.read(page, 0, page.length, 0);
    return bytesRead === page.length ? page : undefined;
  } finally {
    await handle.close();
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT' || systemCodeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/** Where the oldest backup begins that can be restored; nothing before that position is of use to anybody. */
export function oldestBackupLsn(backups: readonly BackupSummary[]): bigint {
  return (
    backups.reduce<bigint | undefined>((least, { startLsn }) => {
      const lsn = parseLsn(startLsn);
      return least === undefined || lsn < least ? lsn : least;
    }, undefined) ?? 0n
  );
}
