import type { Clock } from '../../base/clock.ts';
import { DbadminError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { segmentName } from '../../postgres/segment.ts';
import type { ReplicationConnection } from '../../postgres/replication.ts';
import { startWalStream, type WalStream, type WalStreamEvent } from '../../postgres/wal-stream.ts';
import type { WalArchive, WalTimes } from '../../repository/wal-archive.ts';
import { CoveredTime } from './covered-time.ts';
import { isWholeCluster } from './flushed-inspect.ts';
import { inspectHistories } from './histories-inspect.ts';
import { Lanes, type LaneSource } from './lanes.ts';
import { Ordered } from './ordered.ts';
import { RecordTimes } from './record-time-inspect.ts';
import { SegmentBuffer } from './segment-buffer.ts';
import { ServerQuestions } from './server-questions.ts';

/** How many full segments are compressed and stored at once, at most: enough for the cores and for a store that is far away. */
const SEGMENTS_AT_ONCE = 4;
/** Of their bytes. What each becomes for a repository is held twice beside that, of a segment that compresses badly. */
const AT_ONCE_BYTES = 64 * 1024 * 1024;
/** From this on a second one is not received before the first is stored: their memory is what the whole process needs. */
const ALONE_BYTES = 64 * 1024 * 1024;
/** For the server's time and what it has flushed by then to come, before what they tell is noted. */
const ANSWER_MS = 1000;
const COVERED_APART_MS = 1000;
/** For how long a server that shuts down is kept waiting: whoever stops it waits for a minute, if that. */
const SHUTDOWN_MOST_MS = 10_000;

export interface ReceiveOptions {
  readonly connection: ReplicationConnection;
  /** Where WAL goes: every one of them has it before the server is told so. */
  readonly archives: readonly WalArchive[];
  /** Instead of `archives`: places that may be away for a while, of which one at least answers. */
  readonly lanes?: readonly LaneSource[];
  /** Of `lanes`; read from `archives` without. */
  readonly segmentBytes?: number;
  readonly slot: string | undefined;
  /** Where a segment begins. */
  readonly startLsn: bigint;
  readonly timeline: number;
  /** Tells the server at once that what is before `startLsn` is stored: a slot that was made later than that holds the WAL from there. */
  readonly holdsFromStart?: boolean;
  /** The most that may be lost with the server's host: bytes of the open segment are stored, and an idle server's time is noted, twice as often. */
  readonly partEveryMs: number;
  /** Where the flushed WAL of a primary ends, asked beside the stream; without it the time of an idle server is not covered. */
  readonly flushedLsn?: (timeline: number) => Promise<bigint | undefined>;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the reception cleanly: what was received is stored and reported first. */
  readonly signal: AbortSignal;
  /** Called after bytes are durable everywhere. */
  readonly onStored?: (lsn: bigint, timeline: number) => void;
  /** Called when the stream fails, while what came until then may still wait for the storage; the reception throws the same behind it. */
  readonly onStreamFailed?: (error: Error) => void;
  /** Ends the reception once everything before this position is stored; asked again and again. */
  readonly until?: () => bigint | undefined;
}

/** Why reception ended: asked to, position reached, or the server shut down. */
export type ReceiveEnd = {
  readonly kind: 'stopped' | 'reached' | 'server-shutdown';
  readonly storedLsn: bigint;
  readonly timeline: number;
};

/**
 * Receives WAL into the archives and follows timelines.
 *
 * The server is told that WAL is flushed only when every archive has it, whole segments and parts alike, so a slot keeps
 * exactly what is not stored yet. Keepalives are answered by the stream itself.
 *
 * @throws {DbadminError} `wal-conflict`, storage failures, `connection-failed` when the server goes away without a shutdown.
 */
export async function receiveWal(options: ReceiveOptions): Promise<ReceiveEnd> {
  let { startLsn, timeline } = options;
  const segmentBytes = segmentBytesOf(options);
  const sources =
    options.lanes ??
    options.archives.map((archive, index) => ({ name: String(index), required: true, open: async () => await Promise.resolve(archive) }));
  const lanes = new Lanes(sources, options.clock, options.log);
  for (;;) {
    const at = { name: segmentName(timeline, startLsn, segmentBytes), startLsn };
    // Recovery looks for all of them, and stops at the first that is missing.
    for (const each of await inspectHistories(options.connection, timeline, options.log))
      await lanes.putHistory(at, each.timeline, each.content);
    const isWhole = await isWholeCluster(options.connection, timeline);
    const stream = await startWalStream(options.connection, {
      ...(options.slot === undefined ? {} : { slot: options.slot }),
      startLsn,
      timeline,
    });
    void stream.failed.then((error) => options.onStreamFailed?.(error));
    if (options.holdsFromStart === true) stream.reportFlushed(startLsn);
    const reception = new Reception(options, lanes, stream, new SegmentBuffer(timeline, startLsn, segmentBytes), isWhole);
    const end = await reception.run();
    if (end.kind !== 'timeline-end') return { ...end, timeline };
    options.log.info(`timeline ${timeline} ended at ${formatLsn(end.switchLsn)}; following timeline ${end.nextTimeline}`);
    timeline = end.nextTimeline;
    startLsn = end.switchLsn - (end.switchLsn % BigInt(segmentBytes));
  }
}

function segmentBytesOf(options: ReceiveOptions): number {
  return options.segmentBytes ?? options.archives[0]?.segmentBytes ?? 16 * 1024 * 1024;
}

/** How many are stored at once in so many repositories: of 16 MB two in one or two, so that the process stays below 350 MB. */
export function segmentsAtOnce(segmentBytes: number, repositories: number): number {
  return Math.max(1, Math.min(SEGMENTS_AT_ONCE, Math.floor(AT_ONCE_BYTES / segmentBytes / Math.max(2, repositories))));
}

type TimelineEnd = { readonly kind: 'timeline-end'; readonly nextTimeline: number; readonly switchLsn: bigint };
type End = TimelineEnd | { readonly kind: 'stopped' | 'reached' | 'server-shutdown'; readonly storedLsn: bigint };

/** One stream on one timeline. Several segments are stored at once; what is stored is reported in the order of the WAL. */
class Reception {
  readonly #options: ReceiveOptions;
  readonly #stream: WalStream;
  readonly #segment: SegmentBuffer;
  readonly #lanes: Lanes;
  readonly #ordered: Ordered;
  /** Whether the stream tells of the whole cluster's WAL. */
  readonly #isWhole: boolean;
  readonly #covered: CoveredTime;
  /** In its place where the stream does not. */
  readonly #recordTimes = new RecordTimes();
  #storedLsn: bigint;
  #isAsking = false;
  readonly #questions = new ServerQuestions();
  #isHurrying = false;
  #horizonAt = 0;
  #storingPart: Promise<void> = Promise.resolve();
  #catchingUp: Promise<void> | undefined;
  /** The segment that parts were stored of, by this reception or, of the first one, by those before it. */
  #partsOf: string;
  #failure: unknown;
  #ended = false;

  constructor(options: ReceiveOptions, lanes: Lanes, stream: WalStream, segment: SegmentBuffer, isWhole: boolean) {
    this.#options = options;
    this.#isWhole = isWhole;
    this.#covered = new CoveredTime(Math.min(COVERED_APART_MS, options.partEveryMs / 8));
    this.#lanes = lanes;
    this.#ordered = new Ordered(segmentsAtOnce(segment.segmentBytes, options.lanes?.length ?? options.archives.length));
    this.#stream = stream;
    this.#segment = segment;
    this.#storedLsn = segment.receivedLsn;
    this.#partsOf = segment.name;
  }

  async run(): Promise<End> {
    const stop = new AbortController();
    const ticker = this.#tick(stop.signal);
    const onAbort = (): void => void this.#stream.stop().catch(() => undefined);
    this.#options.signal.addEventListener('abort', onAbort, { once: true });
    try {
      if (this.#options.signal.aborted) onAbort();
      const end = await this.#consumeAndKeep();
      return end ?? { kind: this.#reached() ? 'reached' : 'stopped', storedLsn: this.#storedLsn };
    } finally {
      this.#ended = true;
      stop.abort();
      this.#options.signal.removeEventListener('abort', onAbort);
      await ticker;
      await this.#catchingUp;
    }
  }

  /** Whatever ends the stream, what was received is stored: when the host is lost, these are its last bytes. */
  async #consumeAndKeep(): Promise<End | undefined> {
    try {
      return await this.#consume();
    } finally {
      await this.#storeOpenPart();
      await this.#ordered.settled();
    }
  }

  async #consume(): Promise<End | undefined> {
    for await (const event of this.#stream) {
      this.#check();
      const end = await this.#handle(event);
      if (end !== undefined) return end;
    }
    this.#check();
    return undefined;
  }

  async #handle(event: WalStreamEvent): Promise<End | undefined> {
    switch (event.kind) {
      case 'data':
        this.#questions.end();
        await this.#take(event.startLsn, event.bytes);
        if (this.#isWhole) this.#covered.noteMessage(event.serverTime, this.#segment.receivedLsn, event.flushedLsn);
        return undefined;
      case 'keepalive':
        if (this.#isWhole) this.#covered.noteMessage(event.serverTime, this.#segment.receivedLsn);
        this.#askFlushed(event.serverTime);
        if (event.replyRequested) this.#hurry();
        return undefined;
      case 'timeline-end':
        return { kind: 'timeline-end', nextTimeline: event.nextTimeline, switchLsn: event.switchLsn };
      case 'server-shutdown':
        return { kind: 'server-shutdown', storedLsn: this.#segment.receivedLsn };
    }
  }

  /**
   * A server that shuts down waits for what is open to be stored, and not for the next time that it would be. Nor for a repository that is away:
   * its slot keeps what is not stored.
   */
  #hurry(): void {
    const waitsMs = this.#questions.note(this.#options.clock.now().getTime());
    if (waitsMs !== undefined && waitsMs > SHUTDOWN_MOST_MS) {
      throw new DbadminError('connection-failed', 'the server shuts down, and does not wait any longer for all of its WAL to be stored', {
        detail: 'Its slot keeps what is not stored yet: it comes when the server runs again.',
      });
    }
    if (this.#isHurrying) return;
    this.#isHurrying = true;
    // A failure ends the reception by itself.
    const hurrying = this.#storeOpenPart().catch(() => undefined);
    void hurrying.finally(() => (this.#isHurrying = false));
  }

  /** Nothing may be on its way: then what is flushed after `at` tells that all that was flushed by then has come. */
  #askFlushed(at: Date): void {
    const { flushedLsn } = this.#options;
    if (flushedLsn === undefined || !this.#isWhole || this.#isAsking || this.#covered.isBehind) return;
    this.#isAsking = true;
    void flushedLsn(this.#segment.timeline)
      .then((lsn) => {
        if (lsn !== undefined) this.#covered.noteFlushed(at, lsn, this.#segment.receivedLsn);
      })
      .finally(() => (this.#isAsking = false));
  }

  async #take(startLsn: bigint, bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    let lsn = startLsn;
    while (rest.byteLength > 0) {
      const before = rest.byteLength;
      rest = this.#segment.take(lsn, rest);
      lsn += BigInt(before - rest.byteLength);
      if (this.#segment.isFull) await this.#storeSegment();
    }
  }

  /** Begins to store the full segment; the next one is received meanwhile. */
  async #storeSegment(): Promise<void> {
    const { name, bytes, startLsn } = this.#segment;
    const endLsn = startLsn + BigInt(bytes.byteLength);
    const timing = this.#times(startLsn, bytes);
    const part = this.#storingPart;
    const mayHaveParts = name === this.#partsOf;
    this.#segment.next();
    await this.#ordered.add(
      async () =>
        await this.#guard(async () => {
          // A part that lands after its segment would stay for ever.
          await part;
          await this.#lanes.putSegment({ name, bytes, startLsn, endLsn, mayHaveParts }, await timing);
          this.#segment.reuse(bytes);
        }),
      () => this.#report(endLsn),
    );
    if (this.#segment.segmentBytes >= ALONE_BYTES) await this.#ordered.settled();
  }

  /** A part that is on its way is waited for: parts of one segment follow each other. */
  async #storeOpenPart(): Promise<void> {
    // Of two that wait here the second finds what the first has begun.
    for (let waited: Promise<void> | undefined; waited !== this.#storingPart;) await (waited = this.#storingPart);
    const part = this.#segment.unstored;
    if (part === undefined) return;
    const { name, startLsn } = this.#segment;
    const to = part.from + part.bytes.byteLength;
    const timing = this.#times(startLsn, this.#segment.bytes.subarray(0, to));
    const segment = { name, startLsn };
    this.#partsOf = name;
    const storing = this.#lanes.onCurrent(segment, async (archive) => await archive.putPart(name, part.from, part.bytes, await timing));
    this.#storingPart = storing.catch(() => undefined);
    // More may come meanwhile, the rest of the segment included: only what this part holds is reported.
    await this.#ordered.add(
      async () => await this.#guard(async () => await storing),
      () => {
        if (this.#segment.startLsn === startLsn) this.#segment.markStored(to);
        this.#report(startLsn + BigInt(to));
      },
    );
    await this.#ordered.settled();
  }

  async #storeHorizon(): Promise<void> {
    const at = this.#covered.until;
    const lsn = this.#storedLsn;
    // Only when all that was received is stored, everywhere.
    if (at === undefined || lsn !== this.#segment.receivedLsn) return;
    if (Math.abs(at.getTime() - this.#horizonAt) < this.#options.partEveryMs / 4) return;
    const { name, startLsn, timeline } = this.#segment;
    await this.#lanes.onCurrent({ name, startLsn }, async (archive) => await archive.putHorizon(timeline, lsn, at));
    this.#horizonAt = at.getTime();
  }

  /** What fails to be stored ends the reception at once, and not only when more comes. */
  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failure ??= error;
      void this.#stream.stop().catch(() => undefined);
      throw error;
    }
  }

  #report(receivedLsn: bigint): void {
    const lsn = this.#lanes.safeUpTo(receivedLsn);
    if (lsn <= this.#storedLsn) return;
    this.#storedLsn = lsn;
    this.#stream.reportFlushed(lsn);
    this.#options.onStored?.(lsn, this.#segment.timeline);
    if (this.#reached()) void this.#stream.stop().catch(() => undefined);
  }

  #reached(): boolean {
    const until = this.#options.until?.();
    return until !== undefined && this.#storedLsn >= until;
  }

  /** `bytes` are the segment's, up to what was received last or to its end. */
  async #times(startLsn: bigint, bytes: Buffer): Promise<WalTimes> {
    const { clock, connection } = this.#options;
    const times = { receivedAt: clock.now(), coveredUntil: this.#covered.until };
    if (this.#isWhole) return times;
    const { segmentBytes } = this.#segment;
    return { ...times, coveredUntil: await this.#recordTimes.until({ startLsn, segmentBytes, major: connection.serverMajor, bytes }) };
  }

  /** Stores the open segment's bytes twice in `partEveryMs`; with nothing to store, notes how far time is covered. */
  async #tick(signal: AbortSignal): Promise<void> {
    const periodMs = this.#options.partEveryMs / 2;
    const answerMs = Math.min(ANSWER_MS, periodMs / 5);
    while (!this.#ended) {
      try {
        await this.#options.clock.sleep(periodMs - answerMs, signal);
        // Its answer tells the server's time; whether nothing is on its way is asked when it has come.
        this.#stream.requestKeepalive();
        await this.#options.clock.sleep(answerMs, signal);
        await this.#catchUp(periodMs / 2, signal);
        if (this.#segment.unstored === undefined) {
          const { receivedLsn } = this.#segment;
          await this.#ordered.settled();
          this.#report(receivedLsn);
          await this.#storeHorizon();
        } else await this.#storeOpenPart();
      } catch (error) {
        if (signal.aborted) return;
        this.#failure ??= error;
        await this.#stream.stop().catch(() => undefined);
        return;
      }
    }
  }

  /**
   * What a repository has missed may take hours to come, and the others do not wait for it. For the last of it, though, which is the open
   * segment: with more of that stored meanwhile it would never end.
   */
  async #catchUp(mostMs: number, signal: AbortSignal): Promise<void> {
    this.#catchingUp ??= this.#lanes.catchUp(signal).finally(() => (this.#catchingUp = undefined));
    await Promise.race([this.#catchingUp, this.#options.clock.sleep(mostMs, signal)]);
    await this.#lanes.finishing;
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure as Error;
  }
}
