import type { Clock } from '../../base/clock.ts';
import { DbadminError, isDbadminError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { provenUntil, type WalArchive, type WalTimes } from '../../repository/wal-archive.ts';

/** One place that received WAL goes to. */
export interface LaneSource {
  /** For messages. */
  readonly name: string;
  /** Whether WAL is safe only when it is there. */
  readonly required: boolean;
  readonly open: () => Promise<WalArchive>;
  /** After a failure; `open` unless given. */
  readonly reopen?: () => Promise<WalArchive>;
}

export interface FullSegment {
  readonly name: string;
  readonly startLsn: bigint;
  readonly endLsn: bigint;
  readonly bytes: Buffer;
  /** Whether parts of it may be stored: looking for them is a listing of the whole timeline. */
  readonly mayHaveParts: boolean;
}

interface Owed {
  readonly name: string;
  readonly startLsn: bigint;
  /** Somebody has all of it; otherwise there may be parts, or nothing yet. */
  readonly isWhole: boolean;
}

interface Lane {
  readonly source: LaneSource;
  archive: WalArchive | undefined;
  /** Segments that it has not got and others have, in order. Not empty: it is behind. */
  owed: Owed[];
  retryAtMs: number;
  waitMs: number;
  /** The kind of failure that was told last. */
  told: string;
}

const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 30_000;

/**
 * The repositories that WAL is stored in at once. One that fails is behind, and the others go on: what it misses is copied
 * from them when it answers again, and until then no WAL that a required one misses counts as safe. When all fail, storing fails.
 */
export class Lanes {
  readonly #lanes: Lane[];
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #histories = new Map<number, Uint8Array>();
  #catchingUp: Promise<void> = Promise.resolve();
  #finishing: Promise<unknown> | undefined;

  constructor(sources: readonly LaneSource[], clock: Clock, log: Log) {
    this.#lanes = sources.map((source) => ({ source, archive: undefined, owed: [], retryAtMs: 0, waitMs: RETRY_FIRST_MS, told: '' }));
    this.#clock = clock;
    this.#log = log;
  }

  /** Stores a whole segment, and drops its parts where it may have some. */
  async putSegment(segment: FullSegment, times: WalTimes): Promise<void> {
    await this.#onAll({ ...segment, isWhole: true }, async (archive) => {
      await archive.putSegment(segment.name, segment.bytes, times);
      if (segment.mayHaveParts) await archive.dropParts(segment.name);
    });
  }

  /** Stores the history of a timeline; `at` is the segment that comes next. */
  async putHistory(at: { readonly name: string; readonly startLsn: bigint }, timeline: number, content: Uint8Array): Promise<void> {
    this.#histories.set(timeline, content);
    await this.#onAll({ ...at, isWhole: false }, async (archive) => void (await archive.putHistory(timeline, content)));
  }

  /** Does something that is lost on a lane that is behind, and need not be made up for: parts and horizons of the moment. */
  async onCurrent(
    segment: { readonly name: string; readonly startLsn: bigint },
    work: (archive: WalArchive) => Promise<void>,
  ): Promise<void> {
    await this.#onAll({ ...segment, isWhole: false }, work);
  }

  /** How much of the WAL before `lsn` every required lane has. */
  safeUpTo(lsn: bigint): bigint {
    return this.#lanes
      .filter(({ source }) => source.required)
      .reduce((safe, { owed: [first] }) => (first !== undefined && first.startLsn < safe ? first.startLsn : safe), lsn);
  }

  /** Brings up those that are behind, as often as it makes sense to try; ends between two segments when it is told to. */
  async catchUp(signal?: AbortSignal): Promise<void> {
    const next = this.#catchingUp.then(async () => await this.#catchUpNow(signal));
    this.#catchingUp = next;
    await next;
  }

  /**
   * While one that was behind, and takes what it missed, gets the open segment, which is the last of it: over when it has that. More of
   * that segment stored meanwhile would have to come after it again, and might for as long as it is open.
   */
  get finishing(): Promise<unknown> | undefined {
    return this.#finishing;
  }

  async #onAll(segment: Owed, work: (archive: WalArchive) => Promise<void>): Promise<void> {
    const current = this.#lanes.filter(({ owed }) => owed.length === 0);
    const results = await Promise.allSettled(current.map(async (lane) => await work(await archiveOf(lane))));
    const failed = current.flatMap((lane, index) => {
      const result = results[index];
      return result?.status === 'rejected' ? [{ lane, error: result.reason as unknown }] : [];
    });
    // With nobody left there is nothing to copy from: the server keeps the WAL, and reception begins again.
    if (failed.length === current.length) throw (failed[0]?.error ?? everyoneBehind()) as Error;
    for (const { lane, error } of failed) this.#fellBehind(lane, error);
    // One that was behind has not got it, even if it has caught up with everything else meanwhile.
    for (const lane of this.#lanes) if (!current.includes(lane) || failed.some((each) => each.lane === lane)) owe(lane.owed, segment);
  }

  #fellBehind(lane: Lane, error: unknown): void {
    lane.retryAtMs = this.#clock.now().getTime() + lane.waitMs;
    this.#tell(lane, 'is behind, the others go on', error);
  }

  #tell(lane: Lane, what: string, error: unknown): void {
    lane.told = kindOf(error);
    const kept = lane.source.required ? '; the server keeps the WAL until it has caught up' : '';
    this.#log.warn(`repository ${lane.source.name} ${what}: ${messageOf(error)}${kept}`);
  }

  async #catchUpNow(signal: AbortSignal | undefined): Promise<void> {
    for (const lane of this.#lanes) {
      if (lane.owed.length === 0 || this.#clock.now().getTime() < lane.retryAtMs) continue;
      try {
        // It may have been lost and made anew meanwhile.
        const target = await (lane.source.reopen ?? lane.source.open)();
        lane.archive = target;
        let hasCopied = false;
        for (const [timeline, content] of this.#histories) await target.putHistory(timeline, content);
        for (let [owed] = lane.owed; owed !== undefined; [owed] = lane.owed) {
          if (signal?.aborted === true) return;
          // The last may be open still: its parts come again when the lane is current.
          const mayBeNowhere = !owed.isWhole && lane.owed.length === 1;
          const copying = this.#copy(owed.name, target, lane);
          if (mayBeNowhere && hasCopied) this.#finishing = copying.catch(() => undefined);
          if (!(await copying) && !mayBeNowhere) throw new Error(`nobody else has ${owed.name}`);
          this.#finishing = undefined;
          hasCopied = true;
          // It may be owed anew, because more of it was stored meanwhile, and not be the first any more.
          const at = lane.owed.indexOf(owed);
          if (at !== -1) lane.owed.splice(at, 1);
        }
        lane.waitMs = RETRY_FIRST_MS;
        this.#log.info(`repository ${lane.source.name} has caught up`);
      } catch (error) {
        // What kept it away first may have passed, and this may be nothing that does.
        if (kindOf(error) !== lane.told) this.#tell(lane, 'is still behind', error);
        else this.#log.debug(`repository ${lane.source.name} is still behind: ${messageOf(error)}`);
        lane.waitMs = Math.min(RETRY_MOST_MS, lane.waitMs * 2);
        lane.retryAtMs = this.#clock.now().getTime() + lane.waitMs;
      } finally {
        this.#finishing = undefined;
      }
    }
  }

  async #copy(name: string, target: WalArchive, behind: Lane): Promise<boolean> {
    for (const { archive, owed } of this.#lanes.filter((lane) => lane !== behind)) {
      if (archive === undefined || owed.some((each) => each.name === name)) continue;
      const bytes = await archive.readSegment(name);
      if (bytes === undefined) {
        const parts = await archive.readParts(name);
        if (parts === undefined) continue;
        await target.putPart(name, 0, parts, { receivedAt: this.#clock.now(), coveredUntil: undefined });
        return true;
      }
      const coveredUntil = provenUntil(await archive.readHeader(name));
      await target.putSegment(name, bytes, { receivedAt: this.#clock.now(), coveredUntil });
      await target.dropParts(name);
      return true;
    }
    return false;
  }
}

async function archiveOf(lane: Lane): Promise<WalArchive> {
  lane.archive ??= await lane.source.open();
  return lane.archive;
}

function kindOf(error: unknown): string {
  return isDbadminError(error) ? error.code : messageOf(error);
}

/** Segments are stored several at a time and may fail in any order. What is owed already is owed anew: a copy that goes on may be of less. */
function owe(owed: Owed[], { name, startLsn, isWhole }: Owed): void {
  const at = owed.findIndex((each) => each.name >= name);
  const known = owed[at]?.name === name ? owed[at] : undefined;
  owed.splice(at === -1 ? owed.length : at, known === undefined ? 0 : 1, { name, startLsn, isWhole: isWhole || known?.isWhole === true });
}

function everyoneBehind(): DbadminError {
  return new DbadminError('storage-failed', 'every repository is behind another one, and none takes what comes now', {
    detail: 'The server keeps the WAL that is not stored.',
  });
}
