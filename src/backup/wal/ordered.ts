/** Work of which several pieces run at once, while what follows each is done in the order in which they were added. */
export class Ordered {
  readonly #atOnce: number;
  #running = 0;
  #tail: Promise<void> = Promise.resolve();
  #room = Promise.withResolvers<void>();

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /**
   * Starts `work` as soon as there is room, and `after` once it and everything added before are done. Resolves when `work`
   * has begun. After a failure no later `after` runs; {@link Ordered.settled} tells it.
   */
  async add(work: () => Promise<void>, after: () => void): Promise<void> {
    const begun = Promise.withResolvers<void>();
    const working = this.#runInTurn(work, begun.resolve);
    // At once, not only when there is room: whoever waits for all that was added by then waits for this, too.
    this.#tail = Promise.all([this.#tail, working]).then(after);
    // Told by settled(), and nowhere else.
    this.#tail.catch(() => undefined);
    await begun.promise;
  }

  /** Resolves when everything added so far is done; rejects with the first failure. */
  async settled(): Promise<void> {
    await this.#tail;
  }

  async #runInTurn(work: () => Promise<void>, onBegun: () => void): Promise<void> {
    while (this.#running >= this.#atOnce) await this.#room.promise;
    this.#running += 1;
    onBegun();
    try {
      await work();
    } finally {
      this.#running -= 1;
      this.#room.resolve();
      this.#room = Promise.withResolvers<void>();
    }
  }
}
