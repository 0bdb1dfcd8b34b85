import type { Interactions } from './data.ts';
import { lotOf } from './lots.ts';
import { growingFloat64, growingInt32, growingUint32, numberOf } from './numbers.ts';

/** Gathers rows of listener, item and count; a pair that comes again adds to its count. */
export class InteractionCollector {
  readonly #seed: number;
  readonly #listeners = new Map<string, number>();
  readonly #items = new Map<string, number>();
  readonly #listenerOf = growingInt32();
  readonly #itemOf = growingInt32();
  readonly #countOf = growingFloat64();
  readonly #lotOf = growingUint32();

  constructor(seed: number) {
    this.#seed = seed;
  }

  get rows(): number {
    return this.#listenerOf.length;
  }

  add(listener: string, item: string, count: number): void {
    this.#listenerOf.push(numberOf(this.#listeners, listener));
    this.#itemOf.push(numberOf(this.#items, item));
    this.#countOf.push(count);
    this.#lotOf.push(lotOf(this.#seed, `${listener}\t${item}`));
  }

  take(): Interactions {
    const [listenerOf, itemOf, countOf, lots] = [this.#listenerOf.take(), this.#itemOf.take(), this.#countOf.take(), this.#lotOf.take()];
    const order = Uint32Array.from(listenerOf, (_, at) => at).sort(
      (a, b) => (listenerOf[a] ?? 0) - (listenerOf[b] ?? 0) || (itemOf[a] ?? 0) - (itemOf[b] ?? 0) || a - b,
    );
    const [values, counts, kept] = [growingInt32(), growingFloat64(), growingUint32()];
    const offsets = new Int32Array(this.#listeners.size + 1);
    let [lastListener, lastItem, sum] = [-1, -1, 0];
    const finish = (): void => {
      if (lastListener >= 0) counts.push(sum);
    };
    for (const at of order) {
      const [listener, item] = [listenerOf[at] ?? 0, itemOf[at] ?? 0];
      if (listener === lastListener && item === lastItem) {
        sum += countOf[at] ?? 0;
        continue;
      }
      finish();
      values.push(item);
      kept.push(lots[at] ?? 0);
      offsets[listener + 1] = values.length;
      [lastListener, lastItem, sum] = [listener, item, countOf[at] ?? 0];
    }
    finish();
    return {
      listeners: this.#listeners.size,
      items: this.#items.size,
      lists: { offsets, values: values.take() },
      counts: counts.take(),
      lots: kept.take(),
    };
  }
}
