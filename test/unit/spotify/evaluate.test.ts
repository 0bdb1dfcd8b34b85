import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { bootstrap } from '../../../src/spotify/evaluate/bootstrap.ts';
import { Best } from '../../../src/spotify/evaluate/best.ts';
import { findNeighbours, NeighbourScorer } from '../../../src/spotify/evaluate/cooccurrence.ts';
import { evaluateListening, evaluatePairs, judgeTasks } from '../../../src/spotify/evaluate/evaluate.ts';
import { judgeAnswer, type TaskFigures } from '../../../src/spotify/evaluate/figures.ts';
import { readInteractions } from '../../../src/spotify/evaluate/inspect-interactions.ts';
import { hiddenPlaces, lotOf } from '../../../src/spotify/evaluate/lots.ts';
import { listsOf } from '../../../src/spotify/evaluate/sparse.ts';
import { ListeningCollector } from '../../../src/spotify/evaluate/collect-listening.ts';
import type { Interactions } from '../../../src/spotify/evaluate/data.ts';
import { SeededRandom } from '../../../src/spotify/generate/random.ts';

const read = async (text: string | readonly Buffer[], seed = 1): Promise<Interactions> =>
  await readInteractions('-', {
    cwd: '/',
    stdin: Readable.from(typeof text === 'string' ? [Buffer.from(text)] : text),
    seed,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });

/** Listeners of `groups` tastes: each has items of their own taste's, and some of everybody's. */
function tastes(listeners: number, groups: number, seed: number): string {
  const random = new SeededRandom(seed);
  const rows: string[] = [];
  for (let listener = 0; listener < listeners; listener += 1) {
    for (let n = 0; n < 20; n += 1) {
      const item = random.oneIn(3) ? `common ${random.skewed(60)}` : `taste ${listener % groups} ${random.skewed(80)}`;
      rows.push(`listener ${listener}\t${item}\t${1 + random.skewed(100)}`);
    }
  }
  return rows.join('\n');
}

describe('metrics', () => {
  const wanted = new Set([7, 9]);
  it('judge an answer by what is among its first items, and how far up', () => {
    expect(judgeAnswer({ kind: 'HR', at: 2 }, [1, 7, 9], wanted)).toBe(1);
    expect(judgeAnswer({ kind: 'HR', at: 1 }, [1, 7, 9], wanted)).toBe(0);
    expect(judgeAnswer({ kind: 'recall', at: 2 }, [1, 7, 9], wanted)).toBe(0.5);
    expect(judgeAnswer({ kind: 'NDCG', at: 2 }, [7, 9], wanted)).toBe(1);
    // At places 2 and 3 of the best possible 1 and 2.
    expect(judgeAnswer({ kind: 'NDCG', at: 3 }, [1, 7, 9], wanted)).toBeCloseTo((1 / Math.log2(3) + 1 / 2) / (1 + 1 / Math.log2(3)), 12);
  });

  it('give nothing for no answer', () => {
    for (const kind of ['HR', 'recall', 'NDCG'] as const) expect(judgeAnswer({ kind, at: 10 }, [], wanted)).toBe(0);
  });
});

describe('the bootstrap', () => {
  const values = Float64Array.from({ length: 400 }, (_, at) => (at % 4 === 0 ? 1 : 0));
  const each = Int32Array.from({ length: 400 }, (_, at) => at);

  it('gives the mean, and an interval about as wide as theory says', () => {
    const [figure] = bootstrap([values], each, [{ column: 0 }], new SeededRandom(1));
    expect(figure?.value).toBe(0.25);
    // 1.96 standard errors of a share of 0.25 among 400.
    const half = 1.96 * Math.sqrt((0.25 * 0.75) / 400);
    expect(figure?.low).toBeCloseTo(0.25 - half, 1);
    expect(figure?.high).toBeCloseTo(0.25 + half, 1);
  });

  it('draws whole clusters: cases that are all alike count once', () => {
    const clusters = each.map((at) => Math.floor(at / 100));
    const alike = Float64Array.from({ length: 400 }, (_, at) => (at < 100 ? 1 : 0));
    const [wide] = bootstrap([alike], clusters, [{ column: 0 }], new SeededRandom(1));
    expect((wide?.high ?? 0) - (wide?.low ?? 0)).toBeGreaterThan(0.5);
  });

  it('compares two methods over the same draws', () => {
    const double = values.map((value) => 2 * value);
    const [ratio] = bootstrap([double, values], each, [{ column: 0, over: 1 }], new SeededRandom(1));
    expect(ratio).toEqual({ value: 2, low: 2, high: 2 });
  });
});

describe('co-occurrence', () => {
  const sets = { shrinkage: 5, neighbours: 3, window: Infinity, fewest: 1 };

  it('of sets is the cosine with shrinkage', () => {
    const { items, scores } = findNeighbours(listsOf([[0, 1], [0, 1, 2], [0, 2, 3], [3]]), 4, sets);
    expect(Array.from(items.slice(0, 3))).toEqual([1, 2, 3]);
    expect(scores[0]).toBeCloseTo(2 / (Math.sqrt(3 * 2) + 5), 12);
    expect(scores[2]).toBeCloseTo(1 / (Math.sqrt(3 * 2) + 5), 12);
  });

  it('of sequences counts less with each step apart, and nothing beyond the window', () => {
    const { items, scores } = findNeighbours(listsOf([[0, 1, 2, 3]]), 4, { ...sets, window: 2, shrinkage: 0 });
    expect(Array.from(items.slice(0, 3))).toEqual([1, 2, -1]);
    expect(Array.from(scores.slice(0, 2))).toEqual([1, 0.5]);
  });

  it('an item that too few have says nothing of others', () => {
    const { items } = findNeighbours(listsOf([[0, 1], [1]]), 2, { ...sets, fewest: 2 });
    expect(Array.from(items.slice(0, 3))).toEqual([-1, -1, -1]);
    expect(Array.from(items.slice(3, 6))).toEqual([0, -1, -1]);
  });

  it('adds up what several items say, and is empty afterwards', () => {
    const scorer = new NeighbourScorer(
      findNeighbours(
        listsOf([
          [0, 1],
          [0, 2],
          [3, 2],
        ]),
        4,
        sets,
      ),
    );
    scorer.add(0, 1);
    scorer.add(3, 1);
    expect(scorer.take(10, (item) => item === 0)).toEqual([2, 1]);
    expect(scorer.take(10, () => false)).toEqual([]);
  });

  it('keeps the best of many, of equal ones the smaller', () => {
    const best = new Best(3);
    const random = new SeededRandom(3);
    const scores = Array.from({ length: 500 }, () => random.between(0, 40));
    for (const [item, score] of scores.entries()) best.add(item, score);
    const sorted = [...scores.keys()].sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
    expect(best.take().items).toEqual(sorted.slice(0, 3));
  });
});

describe('a split', () => {
  it('hides a fifth, whatever the order, and nothing of very few', () => {
    const names = Array.from({ length: 20 }, (_, at) => `item ${at}`);
    const hidden = (order: readonly string[]): readonly string[] =>
      [...hiddenPlaces(order.length, (place) => lotOf(7, order[place] ?? ''))].map((place) => order[place] ?? '').sort();
    expect(hidden(names)).toHaveLength(4);
    expect(hidden(names.toReversed())).toEqual(hidden(names));
    expect(hiddenPlaces(4, () => 0).size).toBe(0);
  });
});

describe('a file of listener, item and count', () => {
  it('may have a header, a byte order mark, CRLF, blank lines, and chunks that end anywhere', async () => {
    const text = Buffer.from('\uFEFFuser\titem\tweight\r\nada\tBjörk\t3\r\n\r\nada\tCan\t1.5\r\nbob\tBjörk\t2e1');
    const cut = text.indexOf(0xc3) + 1;
    const interactions = await read([text.subarray(0, cut), text.subarray(cut)]);
    expect(interactions).toMatchObject({ listeners: 2, items: 2 });
    expect([...interactions.counts]).toEqual([3, 1.5, 20]);
  });

  it('a pair that comes again adds up, and a count of 0 is nothing', async () => {
    const { lists, counts } = await read('ada\tx\t1\nada\ty\t0\nada\tx\t2\n');
    expect([...lists.values]).toEqual([0]);
    expect([...counts]).toEqual([3]);
  });

  it.for([
    ['ada\tx\t1\nada\tx\n', '- line 2 has 2 fields, not 3'],
    ['ada\tx\t1\nada\tx\tmany\n', '- line 2 has a count that is none: "many"'],
    ['ada\tx\t-1\n', '- line 1 has a count below 0: "-1"'],
    ['ada\tx\t1\n\tx\t1\n', '- line 2 names no listener'],
    ['ada\tx\t1\nada\t \t1\n', '- line 2 names no item'],
    ['ada,x,1\n', '- line 1 has 1 field, not 3'],
    ['ada\tx\t1\r\nada\tx\t-0.5\r\n', '- line 2 has a count below 0: "-0.5"'],
    ['user\titem\nada\tx\n', '- line 1 has 2 fields, not 3'],
    ['user\titem\tcount\r\n\r\nada\tx\tNaN\r\n', '- line 3 has a count that is none: "NaN"'],
    ['ada\tx\t1\nuser\titem\tcount\n', '- line 2 has a count that is none: "count"'],
    ['\r\n\r\n', '- has no rows of listener, item and count'],
    ['', '- has no rows of listener, item and count'],
    ['user\titem\tcount\n', '- has no rows of listener, item and count'],
  ] as const)('%j is refused: %s', async ([text, message]) => {
    await expect(read(text)).rejects.toMatchObject({ code: 'load-failed', message });
  });

  it('says how many lines are bad, and shows the first', async () => {
    const rows = Array.from({ length: 9 }, () => 'x').join('\n');
    await expect(read(`ada\tx\t1\n${rows}`)).rejects.toMatchObject({
      message: '- line 2 has 1 field, not 3',
      detail: ['line 3', 'line 4', 'line 5', 'line 6'].map((line) => `${line} has 1 field, not 3`).join('\n') + '\nand 4 more',
    });
    await expect(read([Buffer.from('ada\tx\t1\n'), Buffer.from([0x41, 0xff, 0x09, 0x78, 0x09, 0x31])])).rejects.toMatchObject({
      message: '- line 2 is not UTF-8 text',
    });
  });
});

describe('the evaluation', () => {
  it('finds tastes where there are some, far above popularity, and chance far below', async () => {
    const task = evaluatePairs(await read(tastes(200, 8, 5)), 1);
    const value = (method: string, metric: string): number =>
      task.methods.find((each) => each.method === method)?.figures[metric]?.value ?? 0;
    for (const metric of ['NDCG@10', 'HR@10']) {
      expect(value('random', metric)).toBeLessThan(value('popularity', metric));
      expect(value('co-occurrence', metric)).toBeGreaterThan(1.5 * value('popularity', metric));
    }
    expect(task.methods.find(({ method }) => method === 'co-occurrence')?.overPopularity?.low).toBeGreaterThan(1.5);
    // What is shown of a listener is not asked for, and not given.
    expect(task.methods.map(({ knownShare }) => knownShare)).toEqual([0, 0, 0]);
    expect(judgeTasks([task], 1.5)).toMatchObject({ reached: true });
    expect(judgeTasks([task], 100)).toMatchObject({ reached: false, said: expect.stringContaining('100 times are demanded') as string });
    expect(judgeTasks([task], undefined)).toEqual({ reached: undefined, said: undefined });
  });

  it('finds nothing where there is nothing to find', async () => {
    const task = evaluatePairs(await read(tastes(200, 1, 5)), 1);
    const ours = task.methods.find(({ method }) => method === 'co-occurrence');
    expect(ours?.overPopularity?.value).toBeLessThan(1.3);
  });

  it('gives the same figures for the same seed, and others for another', async () => {
    const text = tastes(60, 4, 6);
    const figures = async (seed: number): Promise<unknown> => evaluatePairs(await read(text, seed), seed).methods;
    expect(await figures(1)).toEqual(await figures(1));
    expect(await figures(2)).not.toEqual(await figures(1));
  });

  it('asks for what came after the split, and learns from what came before', () => {
    const collector = new ListeningCollector();
    const at = (n: number): number => Date.UTC(2025, 0, 1) + n * 180_000;
    const play = (n: number, name: string, ms = 170_000): void =>
      collector.play('ada', { name, artist: `Artist of ${name.trim().toUpperCase()}` }, at(n), ms);
    // A always before B; C is new in the last fifth; a skip and a very long play are no listens.
    for (let n = 0; n < 80; n += 2) {
      play(n, 'A');
      play(n + 1, n % 4 === 0 ? 'B' : ' b ');
    }
    play(80, 'A', 29_999);
    play(81, 'A', 3_600_001);
    for (let n = 82; n < 102; n += 1) play(n, ['A', 'B', 'C', 'D'][n % 4] ?? '');
    const [task] = evaluateListening(collector.take('made up'), 1);
    expect(task).toMatchObject({ task: 'next track', items: 4, cases: 19 });
    const ours = task?.methods.find(({ method }) => method === 'co-occurrence');
    // C and D were never heard before: nobody can find them.
    expect(ours?.figures['HR@10']?.value).toBeGreaterThan(0.2);
    expect(ours?.figures['HR@10']?.value).toBeLessThan(0.5);
    expect(task?.notes.join(' ')).toContain('of the tracks asked for were heard before');
    // Two of the four songs were heard before: popularity gives no other, chance any of the four.
    const known = (name: string): number | null | undefined => task?.methods.find(({ method }) => method === name)?.knownShare;
    expect([known('popularity'), known('co-occurrence'), known('random')]).toEqual([1, 1, 0.5]);
    expect(judgeTasks([task as TaskFigures], 2)).toMatchObject({ reached: undefined });
  });
});
