import { expect, test } from 'vitest';
import { ServerQuestions } from '../../../../src/backup/wal/server-questions.ts';

test('a server waits for the answer where it asks again and again, and no WAL comes between', () => {
  const questions = new ServerQuestions();
  const asked = (...times: readonly number[]): number | undefined => times.map((at) => questions.note(at)).at(-1);
  expect(asked(0, 100, 200, 300)).toBeUndefined();
  expect(asked(400)).toBe(400);
  expect(asked(800, 1200)).toBe(1200);
  questions.end();
  expect(asked(1300)).toBeUndefined();
});

test('one that asks now and then, or whose clock jumps, does not', () => {
  const questions = new ServerQuestions();
  for (const at of [0, 30_000, 60_000, 90_000, 120_000, 150_000]) expect(questions.note(at)).toBeUndefined();
  // An idle one whose wal_sender_timeout is two seconds.
  for (let at = 200_000; at < 220_000; at += 1000) expect(questions.note(at)).toBeUndefined();
  for (const at of [0, 10, 20, 30, -86_400_000]) expect(questions.note(at)).toBeUndefined();
});
