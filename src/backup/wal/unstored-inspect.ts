import { createReadStream } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, systemCodeOf } from '../../base/errors.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import { historyName, isHistoryName, isSegmentName, parseSegmentName } from '../../postgres/segment.ts';
import { parseTimelineHistory } from '../../postgres/timeline.ts';
import { parseWalPageHeader, walMagic, WAL_PAGE_BYTES, type WalPageHeader } from '../../postgres/wal-page.ts';
import { readWalRecords, type WalRecord } from '../../postgres/wal-reader.ts';
import { concernsTransactions, preparesTransaction, TransactionEnds } from '../../postgres/wal-records.ts';
import type { ClusterIdentity } from '../../repository/identity.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import { reachFrom, type TimelineCoverage, type WalCoverage } from '../../repository/wal-coverage.ts';
import { partingLsn, type Lineage } from '../restore/recover-along.ts';

/** A WAL file that no repository has to its end. */
export interface UnstoredSegment {
  readonly name: string;
  readonly file: string;
  readonly startLsn: bigint;
  /** Before this position it is stored; its first byte when nothing of it is. */
  readonly storedUntil: bigint;
  /** Before this position what it says is stored, of it or of another timeline that had this segment in common with it until then. */
  readonly knownUntil: bigint;
  /** Where its valid WAL ends. Of a segment that another one follows, its end. */
  readonly validUntil: bigint;
}

/** Segments of one timeline that follow each other. */
export interface UnstoredStretch {
  readonly timeline: number;
  readonly segments: readonly [UnstoredSegment, ...UnstoredSegment[]];
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
  readonly archive: Pick<WalArchive, 'readHistory'>;
  /** WAL before this position leads nowhere: no backup begins before it. */
  readonly fromLsn: bigint;
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
  const [first, ...rest] = await stretchesOf(request, found, await readKnownTimelines(request, found));
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

/** Where valid WAL of a stretch ends, every record of it checked: at the latest where the disk does not give it, which is told. */
export async function validEndOf(
  { cluster }: Pick<UnstoredRequest, 'cluster'>,
  { timeline, segments }: UnstoredStretch,
  onUnreadable: () => void = () => undefined,
): Promise<bigint> {
  let validUntil = segments[0].startLsn;
  const options = {
    ...readingOf(cluster, timeline, segments[0].startLsn),
    wants: () => false,
    onEnd: (lsn: bigint) => void (validUntil = lsn),
  };
  for await (const _ of readWalRecords(bytesOf(segments, onUnreadable), options));
  return validUntil;
}

async function findSegments({ directory, cluster, fromLsn }: UnstoredRequest, names: readonly string[]): Promise<readonly Found[]> {
  const { walSegmentBytes, systemIdentifier } = cluster;
  const magic = walMagic(majorOf(cluster));
  const perPart = 0x1_0000_0000 / walSegmentBytes;
  const found: Found[] = [];
  for (const name of names) {
    if (!isSegmentName(name) || Number.parseInt(name.slice(16), 16) >= perPart) continue;
    const { timeline, startLsn } = parseSegmentName(name, walSegmentBytes);
    if (startLsn + BigInt(walSegmentBytes) <= fromLsn) continue;
    const page = await firstPage(path.join(directory, name), walSegmentBytes);
    if (page === 'unreadable') found.push({ name, timeline, startLsn, header: undefined });
    if (page === 'unreadable') continue;
    const header = page === undefined ? undefined : parseWalPageHeader(page, magic, startLsn);
    const isOurs = header?.segment?.systemIdentifier === systemIdentifier && header.segment.segmentBytes === walSegmentBytes;
    if (header !== undefined && isOurs && header.timeline <= timeline) found.push({ name, timeline, startLsn, header });
  }
  return found.sort((a, b) => a.timeline - b.timeline || (a.startLsn < b.startLsn ? -1 : 1));
}

async function stretchesOf(
  { directory, cluster, coverage }: UnstoredRequest,
  found: readonly Found[],
  known: KnownTimelines,
): Promise<readonly UnstoredStretch[]> {
  const size = BigInt(cluster.walSegmentBytes);
  const stretches: { timeline: number; segments: [UnstoredSegment, ...UnstoredSegment[]] }[] = [];
  for (const [index, { name, timeline, startLsn, header }] of found.entries()) {
    const next = found[index + 1];
    const endLsn = startLsn + size;
    const storedUntil = storedOf(coverage.timelines.get(timeline), startLsn, endLsn);
    const knownUntil = knownOf(known, timeline, coverage, startLsn, endLsn);
    if (knownUntil === endLsn) continue;
    const file = path.join(directory, name);
    // The server is done with a segment, and has synced it, before it goes on in the next.
    const isFollowed = next?.timeline === timeline && next.startLsn === endLsn;
    const whole = { name, file, startLsn, storedUntil, knownUntil, validUntil: endLsn };
    let isWhole = isFollowed || header === undefined;
    const readUntil = isWhole ? endLsn : await validEndOf({ cluster }, { timeline, segments: [whole] }, () => (isWhole = true));
    // Of what cannot be read nobody can say that no commit is in it.
    const validUntil = isWhole ? endLsn : readUntil;
    if (validUntil <= knownUntil) continue;
    const segment = { ...whole, validUntil };
    const last = stretches.at(-1);
    if (last?.timeline === timeline && last.segments.at(-1)?.validUntil === startLsn) last.segments.push(segment);
    else stretches.push({ timeline, segments: [segment] });
  }
  return stretches;
}

interface KnownTimelines {
  /** Of the timelines of the files found, and of those stored. */
  readonly here: ReadonlyMap<number, Lineage>;
  readonly stored: readonly Lineage[];
}

/** Where each timeline comes from, as far as a history says so: of a file here the one beside it, of WAL in the repository the one there. */
async function readKnownTimelines({ directory, coverage, archive }: UnstoredRequest, found: readonly Found[]): Promise<KnownTimelines> {
  const stored: Lineage[] = [];
  for (const timeline of coverage.timelines.keys()) {
    const content = timeline === 1 ? Buffer.alloc(0) : await archive.readHistory(timeline);
    if (content !== undefined) stored.push({ timeline, history: parseTimelineHistory(content.toString('utf8')) });
  }
  const here = new Map<number, Lineage>();
  for (const timeline of new Set(found.map((each) => each.timeline))) {
    const beside = timeline === 1 ? { timeline, history: [] } : await readHistoryBeside(directory, timeline);
    const lineage = beside ?? stored.find((each) => each.timeline === timeline);
    if (lineage !== undefined) here.set(timeline, lineage);
  }
  return { here, stored };
}

/** Undefined for one that is not there, or that says nothing that can be relied on. */
async function readHistoryBeside(directory: string, timeline: number): Promise<Lineage | undefined> {
  try {
    return { timeline, history: parseTimelineHistory(await readFile(path.join(directory, historyName(timeline)), 'utf8')) };
  } catch (error) {
    if (systemCodeOf(error) !== undefined || error instanceof DbadminError) return undefined;
    throw error;
  }
}

/**
 * How far what a segment says is stored. Up to where two timelines part their WAL is the same, and the segment in which that is
 * exists of both: what one has of it, the other need not have.
 */
function knownOf({ here, stored }: KnownTimelines, timeline: number, coverage: WalCoverage, startLsn: bigint, endLsn: bigint): bigint {
  let knownUntil = storedOf(coverage.timelines.get(timeline), startLsn, endLsn);
  const own = here.get(timeline);
  if (own === undefined) return knownUntil;
  for (const other of stored) {
    const parted = partingLsn(own, other);
    if (parted === undefined) continue;
    const reach = storedOf(coverage.timelines.get(other.timeline), startLsn, endLsn);
    const common = reach < parted ? reach : parted;
    if (common > knownUntil) knownUntil = common;
  }
  return knownUntil;
}

/** How far a segment is stored from its first byte on. */
function storedOf(coverage: TimelineCoverage | undefined, startLsn: bigint, endLsn: bigint): bigint {
  const reach = reachFrom(coverage, startLsn) ?? startLsn;
  return reach < endLsn ? reach : endLsn;
}

/**
 * The first commit, prepared transaction or restore point of a stretch that is not stored to its end. Reads no further: of
 * hundreds of gigabytes nearly always the first page says it.
 */
async function firstAcknowledged(
  { cluster }: UnstoredRequest,
  { timeline, segments }: UnstoredStretch,
  header: WalPageHeader | undefined,
): Promise<UnstoredWal['acknowledged']> {
  const [first] = segments;
  // The rest of a record that began in a stored segment: what it says nobody can read from here.
  if (first.knownUntil === first.startLsn && header?.continuedBytes !== undefined) return { at: undefined };
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
  const bytes = bytesOf(segments, () => (isUnreadable = true));
  for await (const record of readWalRecords(bytes, options)) {
    const acknowledged = acknowledgedBy(record, ends);
    if (acknowledged !== undefined && record.endLsn > first.knownUntil) return acknowledged;
  }
  // What lies behind a place that cannot be read, nobody can tell.
  return isUnreadable || validUntil < lastStart ? { at: undefined } : undefined;
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

function majorOf({ serverVersion }: ClusterIdentity): number {
  return Math.floor(serverVersion / 10_000);
}

/** Ends early where the disk does not give the rest. */
async function* bytesOf(segments: readonly UnstoredSegment[], onUnreadable: () => void): AsyncGenerator<Uint8Array> {
  try {
    for (const { file } of segments) yield* createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
  } catch (error) {
    if (error instanceof DbadminError || systemCodeOf(error) === undefined) throw error;
    onUnreadable();
  }
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
