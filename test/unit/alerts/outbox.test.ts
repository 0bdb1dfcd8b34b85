import { expect, test } from 'vitest';
import { testMessage } from '../../../src/alerts/message.ts';
import { dueNow, enqueue, settle, type Queued } from '../../../src/alerts/outbox.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const later = (ms: number): Date => new Date(NOW.getTime() + ms);
const message = (id: string) => testMessage('shop', id, NOW);
const ids = (outbox: readonly Queued[]): readonly string[] => outbox.map((each) => `${each.receiver} ${each.message.id}`);

test('outbox: each receiver gets its messages in order, and one that is away holds up nobody else', () => {
  const outbox = enqueue(
    [],
    [
      { receiver: 'a', message: message('1') },
      { receiver: 'b', message: message('1') },
      { receiver: 'a', message: message('2') },
    ],
    NOW,
  );
  const due = dueNow(outbox, NOW);
  expect(ids(due)).toEqual(['a 1', 'b 1']);
  const [first, second] = due;
  if (first === undefined || second === undefined) throw new Error('nothing is due');
  const after = settle(settle(outbox, first, { kind: 'delayed', why: 'away' }, NOW), second, { kind: 'delivered' }, NOW);
  expect(ids(dueNow(after, NOW))).toEqual([]);
  expect(ids(dueNow(after, later(5000)))).toEqual(['a 1']);
});

test('outbox: attempts come twice as far apart each time, up to a quarter of an hour, and end after a week', () => {
  let outbox = enqueue([], [{ receiver: 'a', message: message('1') }], NOW);
  let nowMs = NOW.getTime();
  const waits: number[] = [];
  while (outbox.length > 0) {
    const [queued] = outbox;
    if (queued === undefined) break;
    nowMs = Date.parse(queued.nextAt);
    outbox = settle(outbox, queued, { kind: 'delayed', why: 'away' }, new Date(nowMs));
    const [again] = outbox;
    if (again !== undefined) waits.push((Date.parse(again.nextAt) - nowMs) / 1000);
  }
  expect(waits.slice(0, 10)).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
  expect((nowMs - NOW.getTime()) / 86_400_000).toBeGreaterThanOrEqual(7);
});

test('outbox: a receiver that says when to come again is believed, up to an hour', () => {
  const outbox = enqueue([], [{ receiver: 'a', message: message('1') }], NOW);
  const wait = (afterMs: number): number => {
    const [queued] = outbox;
    if (queued === undefined) throw new Error('it is empty');
    return Date.parse(settle(outbox, queued, { kind: 'delayed', why: '429', afterMs }, NOW)[0]?.nextAt ?? '') - NOW.getTime();
  };
  expect([wait(1000), wait(120_000), wait(86_400_000)]).toEqual([5000, 120_000, 3_600_000]);
});

test('outbox: what a receiver refuses is given up, and what is behind it goes on', () => {
  const outbox = enqueue(
    [],
    [
      { receiver: 'a', message: message('1') },
      { receiver: 'a', message: message('2') },
    ],
    NOW,
  );
  const [queued] = outbox;
  if (queued === undefined) throw new Error('it is empty');
  expect(ids(dueNow(settle(outbox, queued, { kind: 'refused', why: '400' }, NOW), NOW))).toEqual(['a 2']);
});

test('outbox: a receiver that is never there does not fill a disk', () => {
  const many = Array.from({ length: 1200 }, (_each, number) => ({ receiver: 'a', message: message(String(number)) }));
  const outbox = enqueue([], many, NOW);
  expect([outbox.length, outbox[0]?.message.id]).toEqual([1000, '200']);
});
