import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { ReplicationConnection } from '../../postgres/replication.ts';
import { startWalStream, type WalStream, type WalStreamEvent } from '../../postgres/wal-stream.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import { SegmentBuffer } from './segment-buffer.ts';

export interface ReceiveOptions {
  readonly connection: ReplicationConnection;
  /** Where WAL goes: every one of them has it before the server is told so. */
  readonly archives: readonly WalArchive[];
  readonly slot: string | undefined;
  /** Where a segment begins. */
  readonly startLsn: bigint;
  readonly timeline: number;
  /** How long the bytes of the open segment may wait before they are stored as a part; as often an idle server's time is noted. */
  readonly partEveryMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the reception cleanly: what was received is stored and reported first. */
  readonly signal: AbortSignal;
  /** Called after bytes are durable everywhere. */
  readonly onStored?: (lsn: bigint, timeline: number) => void;
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
  for (;;) {
    if (timeline > 1) await storeHistory(options, timeline);
    const stream = await startWalStream(options.connection, {
      ...(options.slot === undefined ? {} : { slot: options.slot }),
      startLsn,
      timeline,
    });
    const reception = new Reception(options, stream, new SegmentBuffer(timeline, startLsn, segmentBytesOf(options)));
    const end = await reception.run();
    if (end.kind !== 'timeline-end') return { ...end, timeline };
    options.log.info(`timeline ${timeline} ended at ${formatLsn(end.switchLsn)}; following timeline ${end.nextTimeline}`);
    timeline = end.nextTimeline;
    startLsn = end.switchLsn - (end.switchLsn % BigInt(segmentBytesOf(options)));
  }
}

function segmentBytesOf(options: ReceiveOptions): number {
  return options.archives[0]?.segmentBytes ?? 16 * 1024 * 1024;
}

async function storeHistory(options: ReceiveOptions, timeline: number): Promise<void> {
  const { content } = await options.connection.timelineHistory(timeline);
  for (const archive of options.archives) await archive.putHistory(timeline, content);
}

type TimelineEnd = { readonly kind: 'timeline-end'; readonly nextTimeline: number; readonly switchLsn: bigint };
type End = TimelineEnd | { readonly kind: 'stopped' | 'reached' | 'server-shutdown'; readonly storedLsn: bigint };

/** One stream on one timeline. Storing is a chain: parts, segments and reports never overtake each other. */
class Reception {
  readonly #options: ReceiveOptions;
  readonly #stream: WalStream;
  readonly #segment: SegmentBuffer;
  #storedLsn: bigint;
  #coveredUntil: Date | undefined;
  #horizonAt = 0;
  #chain: Promise<void> = Promise.resolve();
  #failure: unknown;
  #ended = false;

  constructor(options: ReceiveOptions, stream: WalStream, segment: SegmentBuffer) {
    this.#options = options;
    this.#stream = stream;
    this.#segment = segment;
    this.#storedLsn = segment.receivedLsn;
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
    }
  }

  /** Whatever ends the stream, what was received is stored: when the host is lost, these are its last bytes. */
  async #consumeAndKeep(): Promise<End | undefined> {
    try {
      return await this.#consume();
    } finally {
      await this.#enqueue(async () => await this.#storeOpenPart());
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
        await this.#take(event.startLsn, event.bytes);
        if (event.serverEndLsn <= this.#segment.receivedLsn) this.#coveredUntil = event.serverTime;
        return undefined;
      case 'keepalive':
        if (event.serverEndLsn <= this.#segment.receivedLsn) this.#coveredUntil = event.serverTime;
        return undefined;
      case 'timeline-end':
        return { kind: 'timeline-end', nextTimeline: event.nextTimeline, switchLsn: event.switchLsn };
      case 'server-shutdown':
        return { kind: 'server-shutdown', storedLsn: this.#segment.receivedLsn };
    }
  }

  async #take(startLsn: bigint, bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    let lsn = startLsn;
    while (rest.byteLength > 0) {
      const before = rest.byteLength;
      rest = this.#segment.take(lsn, rest);
      lsn += BigInt(before - rest.byteLength);
      if (this.#segment.isFull) await this.#enqueue(async () => await this.#storeSegment());
    }
  }

  async #storeSegment(): Promise<void> {
    const { name, bytes } = this.#segment;
    await Promise.all(
      this.#options.archives.map(async (archive) => {
        await archive.putSegment(name, bytes, this.#times());
        await archive.dropParts(name);
      }),
    );
    this.#segment.next();
    this.#report(this.#segment.startLsn);
  }

  async #storeOpenPart(): Promise<void> {
    const part = this.#segment.unstored;
    if (part === undefined) return;
    const { name, startLsn } = this.#segment;
    await Promise.all(this.#options.archives.map(async (archive) => await archive.putPart(name, part.from, part.bytes, this.#times())));
    // More may have come meanwhile, the rest of the segment included: only what this part holds is reported.
    const to = part.from + part.bytes.byteLength;
    this.#segment.markStored(to);
    this.#report(startLsn + BigInt(to));
  }

  async #storeHorizon(): Promise<void> {
    const at = this.#coveredUntil;
    if (at === undefined || at.getTime() - this.#horizonAt < this.#options.partEveryMs) return;
    await Promise.all(this.#options.archives.map(async (archive) => await archive.putHorizon(this.#segment.timeline, this.#storedLsn, at)));
    this.#horizonAt = at.getTime();
  }

  #report(lsn: bigint): void {
    this.#storedLsn = lsn;
    this.#stream.reportFlushed(lsn);
    this.#options.onStored?.(lsn, this.#segment.timeline);
    if (this.#reached()) void this.#stream.stop().catch(() => undefined);
  }

  #reached(): boolean {
    const until = this.#options.until?.();
    return until !== undefined && this.#storedLsn >= until;
  }

  #times(): { readonly receivedAt: Date; readonly coveredUntil: Date | undefined } {
    return { receivedAt: this.#options.clock.now(), coveredUntil: this.#coveredUntil };
  }

  async #enqueue(step: () => Promise<void>): Promise<void> {
    const next = this.#chain.then(step);
    this.#chain = next.catch(() => undefined);
    await next;
  }

  /** Stores the open segment's bytes every `partEveryMs`; with nothing to store, notes how far time is covered. */
  async #tick(signal: AbortSignal): Promise<void> {
    while (!this.#ended) {
      try {
        await this.#options.clock.sleep(this.#options.partEveryMs, signal);
        await this.#enqueue(async () => {
          if (this.#segment.unstored === undefined) await this.#storeHorizon();
          else await this.#storeOpenPart();
        });
        this.#stream.requestKeepalive();
      } catch (error) {
        if (signal.aborted) return;
        this.#failure ??= error;
        await this.#stream.stop().catch(() => undefined);
        return;
      }
    }
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure as Error;
  }
}
