import { Best } from './best.ts';
import { invert, type Lists } from './sparse.ts';

/** How much each of two items that were found together says of the other; reco.setting has the same values by default. */
export interface CooccurrenceOptions {
  /** Added below the line: items seen together once by chance shall not stand above those seen together often. */
  readonly shrinkage: number;
  /** Neighbours kept per item. */
  readonly neighbours: number;
  /** Within a basket, items are together when they stand at most so far apart; Infinity where the order says nothing. */
  readonly window: number;
  /** Items that occur less often get no neighbours: 2 where a basket is a person, whose own taste says nothing of others'. */
  readonly fewest: number;
}

/** The neighbours of each item, best first, `width` places an item; unused places are -1. */
export interface NeighbourLists {
  readonly width: number;
  readonly items: Int32Array;
  readonly scores: Float64Array;
}

/**
 * Neighbours by co-occurrence: of items `a` and `b` the score is `c / (sqrt(n_a * n_b) + shrinkage)`, where `c` counts how
 * often they stand together in a basket and `n` how often each stands in any. With a window of 5, items side by side count
 * 1, five apart 0.2. Baskets hold item numbers below `itemCount`. Of equal scores the smaller item number comes first.
 *
 * The same as reco.refresh computes in the warehouse; a test holds the two against each other.
 */
export function findNeighbours(baskets: Lists, itemCount: number, options: CooccurrenceOptions): NeighbourLists {
  const occurrences = invert(baskets, itemCount);
  const width = options.neighbours;
  const found = { width, items: new Int32Array(itemCount * width).fill(-1), scores: new Float64Array(itemCount * width) };
  const together = new Int32Array(itemCount);
  const met: number[] = [];
  const best = new Best(width);
  const isOrdered = Number.isFinite(options.window);
  const reach = isOrdered ? options.window : 1;
  const timesOf = (item: number): number => (occurrences.lists.offsets[item + 1] ?? 0) - (occurrences.lists.offsets[item] ?? 0);
  for (let item = 0; item < itemCount; item += 1) {
    if (timesOf(item) < options.fewest) continue;
    for (let at = occurrences.lists.offsets[item] ?? 0; at < (occurrences.lists.offsets[item + 1] ?? 0); at += 1) {
      const [place, basket] = [occurrences.places[at] ?? 0, occurrences.lists.values[at] ?? 0];
      const from = Math.max(baskets.offsets[basket] ?? 0, place - options.window);
      const to = Math.min((baskets.offsets[basket + 1] ?? 0) - 1, place + options.window);
      for (let other = from; other <= to; other += 1) {
        const neighbour = baskets.values[other] ?? 0;
        if (neighbour === item) continue;
        const points = together[neighbour] ?? 0;
        if (points === 0) met.push(neighbour);
        together[neighbour] = points + (isOrdered ? options.window + 1 - Math.abs(other - place) : 1);
      }
    }
    for (const neighbour of met) {
      const both = Math.sqrt(timesOf(item) * timesOf(neighbour));
      best.add(neighbour, (together[neighbour] ?? 0) / reach / (both + options.shrinkage));
      together[neighbour] = 0;
    }
    met.length = 0;
    const { items, scores } = best.take();
    found.items.set(items, item * width);
    found.scores.set(scores, item * width);
  }
  return found;
}

/** Adds up what the neighbours of weighted items say, and gives the best that `isLeftOut` lets through. */
export class NeighbourScorer {
  readonly #lists: NeighbourLists;
  readonly #sums: Float64Array;
  readonly #met: number[] = [];

  constructor(lists: NeighbourLists) {
    this.#lists = lists;
    this.#sums = new Float64Array(lists.items.length / lists.width);
  }

  add(item: number, weight: number): void {
    const { width, items, scores } = this.#lists;
    for (let at = item * width; at < (item + 1) * width; at += 1) {
      const neighbour = items[at] ?? -1;
      if (neighbour < 0) return;
      const sum = this.#sums[neighbour] ?? 0;
      if (sum === 0) this.#met.push(neighbour);
      this.#sums[neighbour] = sum + weight * (scores[at] ?? 0);
    }
  }

  /** Up to `count` items, best first. Empties the sums. */
  take(count: number, isLeftOut: (item: number) => boolean): readonly number[] {
    const best = new Best(count);
    for (const item of this.#met) {
      if (!isLeftOut(item)) best.add(item, this.#sums[item] ?? 0);
      this.#sums[item] = 0;
    }
    this.#met.length = 0;
    return best.take().items;
  }
}
