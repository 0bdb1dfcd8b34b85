import { messageOf } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { failureOf, type FailureDocument } from './failure.ts';
import type { Document } from './answers.ts';

/** What a look gave: the document, or why there is none. */
export type Looked = Document | FailureDocument;

/**
 * One look at the project for everybody who watches: taken anew every `everyMs` while somebody does, and when somebody asks
 * after nobody did for a while. Ten open browsers cost the servers what one costs.
 */
export class LiveLook {
  readonly #look: () => Promise<Document>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #everyMs: number;
  readonly #listeners = new Set<(looked: Looked) => void>();
  #latest: { readonly at: number; readonly looked: Looked } | undefined;
  #going: Promise<Looked> | undefined;
  #isRunning = false;

  constructor(look: () => Promise<Document>, options: { readonly clock: Clock; readonly log: Log; readonly everyMs: number }) {
    this.#look = look;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#everyMs = options.everyMs;
  }

  /** The newest look, taken now when the last is older than the interval. */
  async current(): Promise<Looked> {
    return this.#latest !== undefined && this.#isFresh() ? this.#latest.looked : await this.#take();
  }

  /** Tells of the newest look at once, and of every other from now on until the signal. */
  watch(listener: (looked: Looked) => void, signal: AbortSignal): void {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => void this.#listeners.delete(listener), { once: true });
    if (this.#latest !== undefined && this.#isFresh()) listener(this.#latest.looked);
    // The rhythm may be in the middle of its pause, after a time without anybody.
    else if (this.#isRunning) void this.#take();
    if (!this.#isRunning) void this.#run();
  }

  #isFresh(): boolean {
    return this.#latest !== undefined && this.#clock.now().getTime() - this.#latest.at < this.#everyMs;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      while (this.#listeners.size > 0) {
        if (!this.#isFresh()) await this.#take();
        await this.#clock.sleep(this.#everyMs);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  async #take(): Promise<Looked> {
    this.#going ??= this.#takeNew();
    return await this.#going;
  }

  async #takeNew(): Promise<Looked> {
    let looked: Looked;
    try {
      looked = await this.#look();
    } catch (error) {
      this.#log.debug(`a look at the project failed: ${messageOf(error)}`);
      looked = failureOf(error).document;
    }
    this.#latest = { at: this.#clock.now().getTime(), looked };
    this.#going = undefined;
    for (const listener of this.#listeners) listener(looked);
    return looked;
  }
}
