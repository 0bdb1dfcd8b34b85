import { expect, test } from 'vitest';
import { ServerQuestions } from '../../../../src/backup/wal/server-questions.ts';

test('a server waits for the answer where it asks again and again, and no WAL comes between', () => {
  const questions = new ServerQuestions();
  const asked = (...times: readonly number[]): number | undefined => times.map((at) => questions.note(at)).at(-1);
  expect(asked(0, 100, 200, 300)).toBeUndefined();
  expect(asked(400)).toBe(400);
  expect(asked(2000, 4000)).toBe(4000);
  questions.end();
  expect(asked(4100)).toBeUndefined();
});

test('one that asks now and then, or whose clock jumps, does not', () => {
  const questions = new ServerQuestions();
  for (const at of [0, 30_000, 60_000, 90_000, 120_000, 150_000]) expect(questions.note(at)).toBeUndefined();
  for (const at of [0, 10, 20, 30, -86_400_000]) expect(questions.note(at)).toBeUndefined();
});
