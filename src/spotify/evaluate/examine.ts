import type { SeededRandom } from '../generate/random.ts';
import { bootstrap, type Wanted } from './bootstrap.ts';
import { judgeAnswer, nameOf, type Figure, type Metric, type MethodFigures } from './figures.ts';

/** One question: which of all items come next, or were hidden. */
export interface Question {
  /** Questions of one cluster (listener, session, playlist) are alike; from 0 on, without gaps. */
  readonly cluster: number;
  readonly wanted: ReadonlySet<number>;
  /** What whoever is asked about had before: heard before the split, or shown of theirs. */
  readonly known: ReadonlySet<number>;
}

/** A way to answer: up to `count` items for question number `question`, best first. */
export interface Method {
  readonly name: string;
  readonly answer: (question: number, count: number) => readonly number[];
}

/** The baseline that all others are held against. */
export const POPULARITY = 'popularity';
const SHOWN = 10;

/**
 * Puts every question to every method and judges the answers. Who gives no answer gets nothing for it. The first metric is
 * the one that is held against that of {@link POPULARITY}, which must be among the methods.
 */
export function examine(
  questions: readonly Question[],
  methods: readonly Method[],
  metrics: readonly Metric[],
  random: SeededRandom,
): readonly MethodFigures[] {
  const deepest = Math.max(...metrics.map(({ at }) => at));
  const shown = methods.map(() => new Set<number>());
  const places = methods.map(() => ({ all: 0, known: 0 }));
  const columns = methods.flatMap(() => metrics.map(() => new Float64Array(questions.length)));
  for (const [at, { answer }] of methods.entries()) {
    const [seen, counted] = [shown[at] ?? new Set(), places[at] ?? { all: 0, known: 0 }];
    for (const [number, { wanted, known }] of questions.entries()) {
      const given = answer(number, deepest);
      for (const item of given.slice(0, SHOWN)) {
        seen.add(item);
        counted.all += 1;
        if (known.has(item)) counted.known += 1;
      }
      for (const [place, metric] of metrics.entries()) {
        (columns[at * metrics.length + place] ?? new Float64Array())[number] = judgeAnswer(metric, given, wanted);
      }
    }
  }
  const clusters = Int32Array.from(questions, ({ cluster }) => cluster);
  const popularity = methods.findIndex(({ name }) => name === POPULARITY) * metrics.length;
  const wanted: Wanted[] = [
    ...columns.map((_, column) => ({ column })),
    ...methods.map((_, at) => ({ column: at * metrics.length, over: popularity })),
  ];
  const figures = bootstrap(columns, clusters, wanted, random);
  return methods.map(({ name }, at) => ({
    method: name,
    figures: Object.fromEntries(metrics.map((metric, place) => [nameOf(metric), figures[at * metrics.length + place] ?? NOTHING])),
    itemsShown: shown[at]?.size ?? 0,
    knownShare: (places[at]?.known ?? 0) / Math.max(1, places[at]?.all ?? 0),
    overPopularity: name === POPULARITY ? undefined : finite(figures[columns.length + at]),
  }));
}

const NOTHING: Figure = { value: 0, low: 0, high: 0 };

function finite(figure: Figure | undefined): Figure | undefined {
  return figure !== undefined && Number.isFinite(figure.value) ? figure : undefined;
}

/** Answers by chance: `count` different numbers below `items` that are not left out. */
export function randomMethod(items: number, random: SeededRandom, isLeftOut: (question: number, item: number) => boolean): Method {
  return {
    name: 'random',
    answer: (question, count) => {
      const picked = new Set<number>();
      // Tried a limited number of times: nearly everything may be left out.
      for (let tries = 0; picked.size < count && tries < 20 * count; tries += 1) {
        const item = random.between(0, items - 1);
        if (!isLeftOut(question, item)) picked.add(item);
      }
      return [...picked];
    },
  };
}

/** Answers with the first of a fixed order that are not left out. */
export function orderedMethod(name: string, order: readonly number[], isLeftOut: (question: number, item: number) => boolean): Method {
  return {
    name,
    answer: (question, count) => {
      const given: number[] = [];
      for (const item of order) {
        if (given.length === count) break;
        if (!isLeftOut(question, item)) given.push(item);
      }
      return given;
    },
  };
}

/** What `first` answers, then, where it has too little to say, what `second` does. */
export function chainedMethod(name: string, first: Method, second: Method): Method {
  return {
    name,
    answer: (question, count) => {
      const given = first.answer(question, count);
      if (given.length >= count) return given;
      const rest = second.answer(question, 2 * count).filter((item) => !given.includes(item));
      return [...given, ...rest].slice(0, count);
    },
  };
}

/** Numbers below `weights.length` whose weight is above 0, heaviest first; of equal weights the smaller first. */
export function byWeight(weights: ArrayLike<number>): readonly number[] {
  return Array.from({ length: weights.length }, (_, at) => at)
    .filter((at) => (weights[at] ?? 0) > 0)
    .sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0) || a - b);
}
