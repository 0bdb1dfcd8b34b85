/** A series of questions, each of which came at once when the one before was answered: an idle server with a wal_sender_timeout of seconds asks, too. */
const APART_MOST_MS = 500;
const AT_LEAST = 5;

/**
 * A server that shuts down asks its receiver how far it has flushed, again at each answer, until that is all it has sent, and takes no
 * connections meanwhile. One that runs asks where it has not heard from us for half of wal_sender_timeout, which it does.
 *
 * @see WalSndDone in src/backend/replication/walsender.c of PostgreSQL
 */
export class ServerQuestions {
  #count = 0;
  #firstAtMs = 0;
  #lastAtMs = 0;

  /** Notes one; gives for how long the server has asked in vain, undefined where it does not seem to wait for the answer. */
  note(nowMs: number): number | undefined {
    if (this.#count === 0 || Math.abs(nowMs - this.#lastAtMs) > APART_MOST_MS) {
      this.#count = 0;
      this.#firstAtMs = nowMs;
    }
    this.#count += 1;
    this.#lastAtMs = nowMs;
    return this.#count < AT_LEAST ? undefined : nowMs - this.#firstAtMs;
  }

  /** WAL has come: the server is not done yet. */
  end(): void {
    this.#count = 0;
  }
}
