/** The best of many by score; of equal scores the smaller number comes first. Keeps `size` of them, in a heap whose root is the worst. */
export class Best {
  readonly #size: number;
  readonly #items: number[] = [];
  readonly #scores: number[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  add(item: number, score: number): void {
    const { length } = this.#items;
    if (length < this.#size) {
      this.#items.push(item);
      this.#scores.push(score);
      this.#rise(length);
    } else if (this.#size > 0 && isBetter(item, score, this.#items[0] ?? 0, this.#scores[0] ?? 0)) {
      this.#items[0] = item;
      this.#scores[0] = score;
      this.#sink();
    }
  }

  /** What was kept, best first. Empties it. */
  take(): { readonly items: readonly number[]; readonly scores: readonly number[] } {
    const order = this.#items
      .map((item, at) => ({ item, score: this.#scores[at] ?? 0 }))
      .sort((a, b) => b.score - a.score || a.item - b.item);
    this.#items.length = 0;
    this.#scores.length = 0;
    return { items: order.map(({ item }) => item), scores: order.map(({ score }) => score) };
  }

  #rise(start: number): void {
    for (let at = start; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#isWorse(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    const { length } = this.#items;
    for (let at = 0; ;) {
      let worst = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < length && this.#isWorse(child, worst)) worst = child;
      if (worst === at) return;
      this.#swap(at, worst);
      at = worst;
    }
  }

  #isWorse(a: number, b: number): boolean {
    return isBetter(this.#items[b] ?? 0, this.#scores[b] ?? 0, this.#items[a] ?? 0, this.#scores[a] ?? 0);
  }

  #swap(a: number, b: number): void {
    [this.#items[a], this.#items[b]] = [this.#items[b] ?? 0, this.#items[a] ?? 0];
    [this.#scores[a], this.#scores[b]] = [this.#scores[b] ?? 0, this.#scores[a] ?? 0];
  }
}

function isBetter(item: number, score: number, otherItem: number, otherScore: number): boolean {
  return score > otherScore || (score === otherScore && item < otherItem);
}
