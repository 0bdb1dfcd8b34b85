import { messageOf } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { describeBlockers, type Activity, type Blocker } from './activity.ts';
import { lockKey } from './held-locks.ts';
import { inspectActivity } from './inspect-activity.ts';
import type { Session } from '../session/session.ts';

const LOOK_EVERY_MS = 500;
/** One for all: ten thousand times the stack of where it was made is time that a run notices. */
const ENDED = new Error('the statement ended');

export interface WatchOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** The process that runs the statements. */
  readonly pid: number;
  /** Called once, when a statement first runs long enough. */
  readonly open: () => Promise<Session>;
  /** `undefined`: the statement ended. Only called for statements that something was seen of. */
  readonly onActivity: ((activity: Activity | undefined) => void) | undefined;
}

/**
 * Looks at the running statement from a second session: who blocks it, how far it is, what it holds. That session is opened
 * when it is first needed; where it cannot be, or may not see, the run goes on without.
 */
export class Watch {
  readonly #options: WatchOptions;
  #session: Promise<Session | undefined> | undefined;
  #seen: Activity | undefined;
  #blockers: readonly Blocker[] = [];
  /** By relation and mode: when it was last seen to wait for that lock. */
  readonly #waits = new Map<string, number>();

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /**
   * Runs a statement; looks every half second while it runs. A lock that is not had in `lockTimeoutMs` ends the statement, so
   * the first look comes before; 0 is for ever.
   */
  async during<Value>(lockTimeoutMs: number, work: () => Promise<Value>): Promise<Value> {
    const ended = new AbortController();
    this.#seen = undefined;
    this.#blockers = [];
    // What goes wrong with looking, or comes after the end, is no concern of the statement.
    this.#look(lockTimeoutMs, ended.signal).catch((error: unknown) => {
      if (!ended.signal.aborted) this.#options.log.debug(`the running statement cannot be watched: ${messageOf(error)}`);
    });
    try {
      return await work();
    } finally {
      ended.abort(ENDED);
      if (this.#seen !== undefined) this.#options.onActivity?.(undefined);
    }
  }

  /** Who blocked the last statement when it was last looked at, for people; undefined when nobody was seen. */
  blockedBy(): string | undefined {
    return describeBlockers(this.#blockers);
  }

  /** When each lock was last seen to be waited for, in this attempt of the file. */
  waits(): ReadonlyMap<string, number> {
    return this.#waits;
  }

  /** What the last statement was seen to hold. */
  held(): Activity['held'] {
    return this.#seen?.held ?? [];
  }

  forgetWaits(): void {
    this.#waits.clear();
  }

  async close(): Promise<void> {
    await (await this.#session)?.close();
  }

  async #look(lockTimeoutMs: number, ended: AbortSignal): Promise<void> {
    const { clock, pid } = this.#options;
    const startedMs = clock.now().getTime();
    const firstMs = lockTimeoutMs > 0 ? Math.min(LOOK_EVERY_MS, lockTimeoutMs / 2) : LOOK_EVERY_MS;
    for (let pauseMs = firstMs; !ended.aborted; pauseMs = LOOK_EVERY_MS) {
      await clock.sleep(pauseMs, ended);
      const session = await (this.#session ??= this.#open());
      if (session === undefined || ended.aborted) return;
      const activity = await inspectActivity(session, pid, clock.now().getTime() - startedMs);
      if (ended.aborted) return;
      this.#note(activity);
    }
  }

  #note(activity: Activity): void {
    this.#seen = activity;
    if (activity.blockers.length > 0) this.#blockers = activity.blockers;
    if (activity.wait?.relation !== undefined) {
      this.#waits.set(lockKey(activity.wait.relation, activity.wait.mode), this.#options.clock.now().getTime());
    }
    this.#options.onActivity?.(activity);
  }

  async #open(): Promise<Session | undefined> {
    try {
      return await this.#options.open();
    } catch (error) {
      this.#options.log.debug(`nobody watches this run: ${messageOf(error)}`);
      return undefined;
    }
  }
}
