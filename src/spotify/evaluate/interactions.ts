import { SeededRandom } from '../generate/random.ts';
import { findNeighbours, NeighbourScorer, type CooccurrenceOptions } from './cooccurrence.ts';
import type { Interactions } from './data.ts';
import { byWeight, examine, orderedMethod, POPULARITY, randomMethod, type Question } from './examine.ts';
import type { Metric, TaskFigures } from './figures.ts';
import { hiddenPlaces } from './lots.ts';
import { listsOf } from './sparse.ts';

const METRICS: readonly Metric[] = [
  { kind: 'NDCG', at: 10 },
  { kind: 'HR', at: 10 },
  { kind: 'recall', at: 10 },
  { kind: 'NDCG', at: 20 },
];

export interface InteractionOptions extends CooccurrenceOptions {
  /** How many items, those with the highest counts, stand for a listener: pairs grow with the square. */
  readonly profile: number;
}

/**
 * What else a listener has: a fifth of the items of each listener with five or more is hidden, and asked for among all
 * items that are not shown of theirs.
 */
export function evaluateInteractions(interactions: Interactions, options: InteractionOptions, seed: number): TaskFigures {
  const { lists, counts, lots, items } = interactions;
  const questions: Question[] = [];
  const shown: ReadonlySet<number>[] = [];
  const seeds: (readonly { readonly item: number; readonly weight: number }[])[] = [];
  const profiles: number[][] = [];
  const listenersOf = new Float64Array(items);
  for (let listener = 0; listener < interactions.listeners; listener += 1) {
    const from = lists.offsets[listener] ?? 0;
    const size = (lists.offsets[listener + 1] ?? 0) - from;
    const hidden = hiddenPlaces(size, (place) => lots[from + place] ?? 0);
    const rest: { readonly item: number; readonly weight: number }[] = [];
    const wanted = new Set<number>();
    for (let place = 0; place < size; place += 1) {
      const item = lists.values[from + place] ?? 0;
      if (hidden.has(place)) wanted.add(item);
      else {
        rest.push({ item, weight: Math.log1p(counts[from + place] ?? 0) });
        listenersOf[item] = (listenersOf[item] ?? 0) + 1;
      }
    }
    profiles.push(profileOf(rest, options.profile));
    if (wanted.size === 0) continue;
    const known = new Set(rest.map(({ item }) => item));
    questions.push({ cluster: questions.length, wanted, known });
    shown.push(known);
    seeds.push(rest);
  }
  const isShown = (question: number, item: number): boolean => shown[question]?.has(item) === true;
  const scorer = new NeighbourScorer(findNeighbours(listsOf(profiles), items, options));
  const methods = [
    randomMethod(items, new SeededRandom(seed), isShown),
    orderedMethod(POPULARITY, byWeight(listenersOf), isShown),
    {
      name: 'co-occurrence',
      answer: (question: number, count: number): readonly number[] => {
        for (const { item, weight } of seeds[question] ?? []) scorer.add(item, weight);
        return scorer.take(count, (item) => isShown(question, item));
      },
    },
  ];
  const left = interactions.listeners - questions.length;
  return {
    task: 'interactions',
    cases: questions.length,
    items,
    notes: [
      `${lists.values.length.toLocaleString('en')} pairs of ${interactions.listeners.toLocaleString('en')} listeners; a fifth of each listener's hidden`,
      ...(left > 0 ? [`${left.toLocaleString('en')} listeners with fewer than five items are learnt from, not asked about`] : []),
    ],
    methods: examine(questions, methods, METRICS, new SeededRandom(seed + 1)),
  };
}

/** The items with the highest weights; of equal ones the smaller number. */
function profileOf(rest: readonly { readonly item: number; readonly weight: number }[], size: number): number[] {
  return [...rest]
    .sort((a, b) => b.weight - a.weight || a.item - b.item)
    .slice(0, size)
    .map(({ item }) => item);
}
