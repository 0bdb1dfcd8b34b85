import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import type { AuditEntry } from '../../../src/console/audit.ts';
import { Reviews } from '../../../src/console/reviews.ts';
import { RunLog } from '../../../src/console/run-log.ts';
import { Runs, type RunCommandChild, type RunEnd, type RunRequest } from '../../../src/console/runs.ts';
import type { Session } from '../../../src/console/sessions.ts';

const OLGA: Session = { user: 'olga', role: 'operator', by: { kind: 'link' }, csrf: 'a', endsAt: new Date(1e12) };
const AGAIN: Session = { ...OLGA, csrf: 'b' };
const PLAN = { words: ['roles', 'apply', '/x/1.plan'], cluster: 'main', planFile: '/x/1.plan' };

describe('Reviews', () => {
  test('a review is good once, for the session that made it, and not for another of the same user', () => {
    const reviews = new Reviews({ now: () => new Date(0) }, () => undefined);
    const { id } = reviews.add(OLGA, 'roles/apply', PLAN);
    expect(() => reviews.take(AGAIN, id)).toThrow('not reviewed in this session');
    expect(reviews.take(OLGA, id)).toMatchObject(PLAN);
    expect(() => reviews.take(OLGA, id)).toThrow('was done already');
  });

  test('one that is older than a quarter of an hour is refused, and its plan removed', () => {
    let nowMs = 0;
    const forgotten: string[] = [];
    const reviews = new Reviews({ now: () => new Date(nowMs) }, (file) => void forgotten.push(file));
    const { id, expiresAt } = reviews.add(OLGA, 'roles/apply', PLAN);
    expect(expiresAt).toEqual(new Date(15 * 60_000));
    nowMs = 15 * 60_000;
    expect(() => reviews.take(OLGA, id)).toThrow('too long ago');
    expect(forgotten).toEqual(['/x/1.plan']);
  });

  test('reviews that nobody acts on do not pile up', () => {
    const forgotten: string[] = [];
    const reviews = new Reviews({ now: () => new Date(0) }, (file) => void forgotten.push(file));
    const ids = Array.from({ length: 250 }, (_none, index) => reviews.add(OLGA, 'x', { ...PLAN, planFile: String(index) }).id);
    expect(forgotten).toEqual(Array.from({ length: 50 }, (_none, index) => String(index)));
    expect(reviews.take(OLGA, ids.at(-1) ?? '').planFile).toBe('249');
  });
});

describe('RunLog', () => {
  const log = (most: number): RunLog => new RunLog(most, () => new Date(0));

  test('lines of two streams that come in pieces stay whole, and a progress display is no line without end', () => {
    const lines = log(1000);
    lines.add('one\ntw', 'stdout');
    lines.add('error: ', 'stderr');
    lines.add('o\r\n10 %\r20 %\r', 'stdout');
    lines.add('broken\n  detail: it is.', 'stderr');
    lines.end();
    expect(lines.after(0).map(({ text }) => text)).toEqual(['one', 'two', '10 %', '20 %', 'error: broken', '  detail: it is.']);
    expect(lines.after(4).map(({ number }) => number)).toEqual([5, 6]);
    expect(lines.text()).toBe('one\ntwo\n10 %\n20 %\nerror: broken\n  detail: it is.');
  });

  test('what is kept is bounded, in lines and in the length of one', () => {
    const lines = log(5000);
    lines.add('x'.repeat(1_000_000), 'stdout');
    lines.add('\n', 'stdout');
    for (let index = 0; index < 10_000; index += 1) lines.add(`${index}\n`, 'stdout');
    const kept = lines.after(0);
    expect(kept.reduce((sum, { text }) => sum + text.length + 1, 0)).toBeLessThanOrEqual(5000);
    expect(kept.at(-1)).toMatchObject({ number: 10_001, text: '9999' });
  });
});

describe('Runs', () => {
  const REQUEST: RunRequest = { action: 'x/y', words: ['x', 'y'], cluster: 'main', who: 'olga', from: '::1' };
  type Told = Omit<AuditEntry, 'at'>;

  function runsThat(end: (signal: AbortSignal) => Promise<RunEnd>, told: Told[] = [], printed = ''): Runs {
    const start: RunCommandChild = async (_words, { signal, onText }) => {
      onText(printed, 'stderr');
      return await end(signal);
    };
    return new Runs(start, {
      audit: async (entry) => await Promise.resolve(void told.push(entry)),
      clock: { now: () => new Date(0) },
    });
  }

  async function over(runs: Runs, id: string): Promise<void> {
    while (runs.get(id).state === 'running') await sleep(1);
    await sleep(1);
  }

  test.each([
    [{ status: 0, signal: null }, 'done', 'done', null],
    [{ status: 2, signal: null }, 'done', 'done', null],
    [{ status: 3, signal: null }, 'partly', 'failed', 'ended with status 3'],
    [{ status: 1, signal: null }, 'failed', 'failed', 'ended with status 1'],
    [{ status: null, signal: 'SIGKILL' }, 'failed', 'failed', 'ended by SIGKILL'],
  ])('an end with %o is %s', async (end, state, outcome, detail) => {
    const told: Told[] = [];
    const runs = runsThat(async () => await Promise.resolve(end), told);
    let forgotten = 0;
    const { id } = await runs.start(REQUEST, () => (forgotten += 1));
    await over(runs, id);
    expect(runs.get(id)).toMatchObject({ state, detail, command: 'dbadmin x y' });
    expect(told.map((entry) => [entry.id, entry.outcome])).toEqual([
      [id, 'begun'],
      [id, outcome],
    ]);
    expect(forgotten).toBe(1);
  });

  test.each([
    [4, 'partly', 'done', 'the backup is taken, but older ones were not removed: One is damaged.'],
    [3, 'partly', 'failed', 'ended with status 3'],
  ])('of one that ends with %s and a warning it is told why: %s', async (status, state, outcome, detail) => {
    const told: Told[] = [];
    const printed = 'warning: the backup is taken, but older ones were not removed\n  detail: One is damaged.\n';
    const runs = runsThat(async () => await Promise.resolve({ status, signal: null }), told, printed);
    const { id } = await runs.start(REQUEST, () => undefined);
    await over(runs, id);
    expect(runs.get(id)).toMatchObject({ state, exitStatus: status, detail });
    expect(told.at(-1)).toMatchObject({ outcome, detail: `after 0 ms: ${detail}` });
  });

  test('nothing is started that cannot be written down', async () => {
    let started = 0;
    const runs = new Runs(
      async () => {
        started += 1;
        return await Promise.resolve({ status: 0, signal: null });
      },
      { audit: async () => await Promise.reject(new DbadminError('file-unwritable', 'no')), clock: { now: () => new Date(0) } },
    );
    await expect(runs.start(REQUEST, () => undefined)).rejects.toMatchObject({ code: 'file-unwritable' });
    expect([started, runs.list()]).toEqual([0, []]);
  });

  test('closing asks all to stop, waits for them, and lets nothing new begin', async () => {
    const runs = runsThat(async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await sleep(5);
      return { status: 130, signal: null };
    });
    const { id } = await runs.start(REQUEST, () => undefined);
    expect(await runs.close()).toBe(1);
    expect(runs.get(id)).toMatchObject({ state: 'stopped', detail: 'the console was stopped' });
    await expect(runs.start(REQUEST, () => undefined)).rejects.toMatchObject({ code: 'refused' });
  });

  test('a ninth at once is refused', async () => {
    const runs = runsThat(async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return { status: 130, signal: null };
    });
    for (let index = 0; index < 8; index += 1) await runs.start(REQUEST, () => undefined);
    await expect(runs.start(REQUEST, () => undefined)).rejects.toMatchObject({ code: 'locked' });
    await runs.close();
  });

  test('the last fifty are remembered, and whatever still runs', async () => {
    let isFirst = true;
    const runs = runsThat(async (signal) => {
      if (isFirst) {
        isFirst = false;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      }
      return { status: 0, signal: null };
    });
    const first = await runs.start(REQUEST, () => undefined);
    for (let index = 0; index < 60; index += 1) {
      await runs.start(REQUEST, () => undefined);
      await sleep(0);
    }
    expect(runs.list().length).toBeLessThanOrEqual(51);
    expect(runs.get(first.id).state).toBe('running');
    await runs.close();
  });
});
