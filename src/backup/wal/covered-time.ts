/** Everything that the server had flushed at `at`, milliseconds of its clock, lies before `lsn`. */
interface FlushedBy {
  readonly at: number;
  readonly lsn: bigint;
}

/**
 * Until when, by the server's clock, all that it had flushed has been received.
 *
 * A data message tells where the flushed WAL ended when the server made it, and its own time, which is taken later than that position
 * is read: what was flushed between the two is in neither. The message before it was sent before the position was read, so its time
 * is the one that the position covers. The position of a keepalive is no such end: it tells what was sent, however far behind that
 * is. Its time counts once the position is asked for after it.
 */
export class CoveredTime {
  readonly #apartMs: number;
  /** Ends of the WAL that are not received yet, later and farther each; without it a stream that lags would cover nothing. */
  readonly #ahead: FlushedBy[] = [];
  #messageAt: number | undefined;
  #until: number | undefined;

  /** Of a stream that lags, times that are `apartMs` apart are kept. */
  constructor(apartMs: number) {
    this.#apartMs = apartMs;
  }

  /** Undefined while nothing proves any. */
  get until(): Date | undefined {
    return this.#until === undefined ? undefined : new Date(this.#until);
  }

  /** Whether the server is known to have more than was received. */
  get isBehind(): boolean {
    return this.#ahead.length > 0;
  }

  /** Takes the time of each message of the stream, in order, and the position of the flushed WAL's end where it has one. */
  noteMessage(sentAt: Date, receivedLsn: bigint, flushedLsn?: bigint): void {
    const before = this.#messageAt;
    this.#messageAt = sentAt.getTime();
    if (before !== undefined && this.#messageAt < before) {
      // The server's clock was set back: what was known is of times that come again.
      this.#ahead.length = 0;
      this.#until = undefined;
    } else if (before !== undefined && flushedLsn !== undefined) this.#note({ at: before, lsn: flushedLsn });
    this.#advance(receivedLsn);
  }

  /** Takes a position that was asked for when a message of the time `at` had come. */
  noteFlushed(at: Date, flushedLsn: bigint, receivedLsn: bigint): void {
    if (this.#messageAt === undefined || at.getTime() > this.#messageAt) return;
    if (flushedLsn <= receivedLsn) this.#cover(at.getTime());
    else this.#note({ at: at.getTime(), lsn: flushedLsn });
    this.#advance(receivedLsn);
  }

  #note(found: FlushedBy): void {
    const ahead = this.#ahead;
    const last = ahead.at(-1);
    if (last !== undefined && found.at < last.at) return;
    // The same end at a later time says more.
    while ((ahead.at(-1)?.lsn ?? -1n) >= found.lsn) ahead.pop();
    const [kept, newest] = [ahead.at(-2), ahead.at(-1)];
    if (kept !== undefined && newest !== undefined && newest.at - kept.at < this.#apartMs) ahead.pop();
    ahead.push(found);
  }

  #advance(receivedLsn: bigint): void {
    for (let [next] = this.#ahead; next !== undefined && next.lsn <= receivedLsn; [next] = this.#ahead) {
      this.#cover(next.at);
      this.#ahead.shift();
    }
  }

  #cover(at: number): void {
    if (this.#until === undefined || at > this.#until) this.#until = at;
  }
}
