import { describe, expect, test } from 'vitest';
import { plainText, readAnsi } from '../../../src/console/app/ansi.ts';
import { cronWords } from '../../../src/console/app/screens/schedule/cron-words.ts';
import type { DayDocument, HistoryDocument, JobDocument, ListDocument } from '../../../src/console/app/screens/schedule/documents.ts';
import { layOutGrid, type GridFilter } from '../../../src/console/app/screens/schedule/grid-layout.ts';
import { addLines, EMPTY_LOG, MOST_LINES } from '../../../src/console/app/screens/schedule/log-buffer.ts';
import { readSelection } from '../../../src/console/app/screens/schedule/selection.ts';
import { scheduleSentence } from '../../../src/console/app/screens/schedule/sentence.ts';
import { dependencyTree } from '../../../src/console/app/screens/schedule/tree.ts';

const ALL: GridFilter = { cluster: undefined, policy: undefined, state: 'all' };

function job(name: string, more: Partial<JobDocument> = {}): JobDocument {
  return {
    name,
    kind: 'backup',
    policy: 'app',
    cluster: 'main',
    description: '',
    cron: '0 2 * * *',
    timeZone: 'UTC',
    after: [],
    retries: 0,
    retryDelayMs: 0,
    catchUp: 'none',
    from: null,
    until: null,
    forMs: null,
    paused: false,
    pausedInFile: false,
    pause: null,
    inForce: true,
    endsAt: null,
    labels: [],
    ...more,
  };
}

const list = (jobs: readonly JobDocument[], timeZone = 'UTC'): ListDocument => ({
  file: 'policies.yaml',
  timeZone,
  pausesKnown: true,
  jobs,
  receiving: [],
});

function day(name: string, more: Partial<DayDocument>): DayDocument {
  const zero = { done: 0, failed: 0, missed: 0, skipped: 0, current: 0, waiting: 0, retried: 0, late: 0 };
  return { day: name, state: 'done', ...zero, took: null, ...more };
}

function history(days: readonly string[], byJob: Readonly<Record<string, readonly (DayDocument | null)[]>>): HistoryDocument {
  const jobs = Object.entries(byJob).map(([name, own]) => ({ job: name, runs: 1, failed: 0, took: null, days: own }));
  return { from: '', to: '', timeZone: 'UTC', days, jobs, runs: [] };
}

describe('layOutGrid', () => {
  const DAYS = ['2026-11-20', '2026-11-21'];

  test('jobs of the file in its order, then those that are gone; a day without a record says so', () => {
    const rows = layOutGrid(
      list([job('b'), job('a', { cron: null, after: ['b'] })]),
      history(DAYS, { gone: [day('2026-11-20', { done: 1 }), null] }),
      ALL,
    );
    expect(rows.map(({ job: name, due, cells }) => [name, due, cells.map(({ kind }) => kind)])).toEqual([
      ['b', 'daily 02:00', ['none', 'none']],
      ['a', 'after b', ['none', 'none']],
      ['gone', 'no longer scheduled', ['done', 'none']],
    ]);
  });

  test('a cell has its numbers in words, and beside its mark how many runs there were', () => {
    const took = { medianMs: 4000, p95Ms: 9000, mostMs: 9100 };
    const busy = day('2026-11-20', { state: 'mended', done: 70, failed: 2, missed: 3, retried: 1, late: 2, took });
    const [row] = layOutGrid(list([job('a')]), history(DAYS, { a: [busy, day('2026-11-21', { done: 1, took })] }), ALL);
    expect(row?.cells).toEqual([
      {
        day: '2026-11-20',
        kind: 'mended',
        count: '72',
        facts: '70 done (1 after a failure, 2 late), 2 failed, 3 missed; median 4.0 s, at most 9.1 s',
      },
      { day: '2026-11-21', kind: 'done', count: '', facts: '1 done; took 9.1 s' },
    ]);
  });

  test('days without a run of a paused job are paused from the day of the pause on, in the zone of the days', () => {
    const paused = job('a', { paused: true, pause: { at: '2026-11-20T20:00:00Z', until: null, by: 'ada', reason: null } });
    const kinds = (zone: string) => layOutGrid(list([paused], zone), history(DAYS, {}), ALL)[0]?.cells.map(({ kind }) => kind);
    expect(kinds('UTC')).toEqual(['paused', 'paused']);
    expect(kinds('Asia/Kolkata')).toEqual(['none', 'paused']);
  });

  test('days before and after the window of a job are not in force', () => {
    const windowed = job('a', { from: '2026-11-21T00:00:00Z' });
    const ended = job('b', { endsAt: '2026-11-20T12:00:00Z' });
    const rows = layOutGrid(list([windowed, ended]), history(DAYS, {}), ALL);
    expect(rows.map(({ cells }) => cells.map(({ kind }) => kind))).toEqual([
      ['outside', 'none'],
      ['none', 'outside'],
    ]);
  });

  test('filters by cluster, policy and state combine', () => {
    const jobs = [job('a'), job('b', { cluster: 'charts' }), job('c', { policy: null }), job('d', { paused: true })];
    const came = history(DAYS, {
      a: [null, day('2026-11-21', { state: 'failed', failed: 1 })],
      b: [day('2026-11-20', { state: 'late', done: 1 }), null],
    });
    const names = (filter: Partial<GridFilter>) => layOutGrid(list(jobs), came, { ...ALL, ...filter }).map((row) => row.job);
    expect(names({ cluster: 'main' })).toEqual(['a', 'c', 'd']);
    expect(names({ policy: '-' })).toEqual(['c']);
    expect(names({ state: 'failed' })).toEqual(['a']);
    expect(names({ state: 'unplanned' })).toEqual(['a', 'b']);
    expect(names({ state: 'unplanned', cluster: 'charts' })).toEqual(['b']);
    expect(names({ state: 'paused' })).toEqual(['d']);
  });
});

test.each([
  ['0 2 * * *', 'daily 02:00'],
  ['*/25 * * * *', 'every 25 min'],
  ['5 * * * *', 'every hour at :05'],
  ['* * * * *', 'every minute'],
  ['30 3 * * 0', 'Sun 03:30'],
  ['30 3 * * 1-5', 'Mon–Fri 03:30'],
  ['0 4 * * 6,7', 'Sat, Sun 04:00'],
  ['0 2 1 * *', '1st of the month 02:00'],
  ['@daily', 'daily 00:00'],
  ['0 2 1 1 *', '1 Jan 02:00'],
  ['0 2 1 */2 *', '0 2 1 */2 *'],
  ['0 2 1 * 0', '0 2 1 * 0'],
  ['0 2-4 * * *', '0 2-4 * * *'],
])('cronWords: %s is %s', (cron, words) => expect(cronWords(cron)).toBe(words));

test('dependencyTree: each job once, under the last that it runs after; a circle does not go on for ever', () => {
  const jobs = [job('a'), job('c', { after: ['a', 'b'] }), job('b', { after: ['a'] }), job('e', { after: ['elsewhere'] })];
  expect(dependencyTree(jobs).map(({ job: { name }, depth }) => `${depth} ${name}`)).toEqual(['0 a', '1 b', '2 c', '0 e']);
});

test('scheduleSentence: what ran, what did not, what goes on, what is next', () => {
  const shown = { now: new Date('2026-11-21T12:00:00Z'), timeZone: 'UTC' };
  const next = { runs: [{ job: 'a', at: '2026-11-22T02:00:00Z' }] } as never;
  const came = history(['2026-11-20', '2026-11-21'], {
    a: [day('2026-11-20', { done: 3, failed: 1 }), day('2026-11-21', { missed: 2, current: 1 })],
  });
  expect(scheduleSentence(came, next, shown)).toBe(
    'In 2 days 3 runs done, 1 failed, 2 missed; 1 now running or queued; next is a, Sun 22 Nov 02:00.',
  );
  expect(scheduleSentence(history(['2026-11-21'], {}), { runs: [] }, shown)).toBe('Nothing has run in 1 day; nothing will run.');
  const leftOut = {
    runs: [{ job: 'paused', at: '2026-11-22T01:00:00Z', isLeftOut: true }, ...(next as { readonly runs: readonly object[] }).runs],
  };
  expect(scheduleSentence(came, leftOut as never, shown)).toMatch(/next is a, /);
});

test('readSelection: an address that says nonsense shows what there is without it', () => {
  const odd = { days: '13', state: 'odd', day: '<script>', run: 'x', job: '', cluster: 'main' };
  expect(readSelection(odd)).toEqual({
    cluster: 'main',
    policy: undefined,
    state: 'all',
    days: 14,
    job: undefined,
    day: undefined,
    run: undefined,
  });
});

describe('readAnsi', () => {
  test('colours that mean something are kept, the other codes go, and what is left is text', () => {
    expect(readAnsi('\u001b[1;31merror:\u001b[0m no \u001b[38;5;200mroom\u001b[K')).toEqual([
      { text: 'error:', style: 'bad bold' },
      { text: ' no ', style: '' },
      { text: 'room', style: '' },
    ]);
  });

  test('titles, cursor moves, bells and half a code leave no trace', () => {
    expect(plainText('\u001b]0;title\u0007a\u001b[2Ab\u0008\u001b[?25hc\u001b[3')).toBe('abc[3');
    expect(plainText('<img src=x onerror=alert(1)>')).toBe('<img src=x onerror=alert(1)>');
  });
});

describe('addLines', () => {
  const part = (firstLine: number, lines: readonly string[], attempt = 1) => ({ attempt, firstLine, lines });

  test('lines join by their numbers; one that comes again is written over; another attempt begins anew', () => {
    const two = addLines(addLines(EMPTY_LOG, part(1, ['a', '10 '])), part(2, ['10 %', 'b']));
    expect(two).toEqual(part(1, ['a', '10 %', 'b']));
    expect(addLines(two, part(4, []))).toBe(two);
    expect(addLines(two, part(9, ['i']))).toEqual(part(9, ['i']));
    expect(addLines(two, part(1, ['x'], 2))).toEqual(part(1, ['x'], 2));
  });

  test('what is on the page stays bounded, and its numbers stay right', () => {
    let log = EMPTY_LOG;
    for (let line = 1; line <= 3 * MOST_LINES; line += 1) log = addLines(log, part(line, [`line ${line}`]));
    expect(log.lines).toHaveLength(MOST_LINES);
    expect(log.lines[0]).toBe(`line ${log.firstLine}`);
    expect(log.lines.at(-1)).toBe(`line ${3 * MOST_LINES}`);
  });
});
