import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextStep, type Outcome } from '../../../src/spotify/api/retry.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const LIMITS = { tries: 4, maxWaitMs: 60_000 };
const answer = (status: number, retryAfter?: string): Outcome => ({ kind: 'answer', status, retryAfter });

test.each([200, 204, 304, 400, 401, 403, 404, 410])('nextStep: status %i is taken as it is', (status) => {
  expect(nextStep(answer(status), 1, LIMITS, NOW, 0.5)).toEqual({ kind: 'take' });
});

test('nextStep: 429 waits what Retry-After says, in seconds or as a date, and up to a tenth more', () => {
  expect(nextStep(answer(429, '10'), 1, LIMITS, NOW, 0)).toEqual({ kind: 'wait', delayMs: 10_000 });
  expect(nextStep(answer(429, '10'), 1, LIMITS, NOW, 0.5)).toEqual({ kind: 'wait', delayMs: 10_500 });
  expect(nextStep(answer(429, 'Sun, 01 Mar 2026 12:00:20 GMT'), 1, LIMITS, NOW, 0)).toEqual({ kind: 'wait', delayMs: 20_000 });
});

test.each([undefined, 'soon', '-3'])('nextStep: 429 with Retry-After %s waits as after a failure', (retryAfter) => {
  expect(nextStep(answer(429, retryAfter), 2, LIMITS, NOW, 0)).toEqual({ kind: 'wait', delayMs: 500 });
});

test('nextStep: 5xx and broken connections wait twice as long each time', () => {
  const waits = [1, 2, 3].map((attempt) => nextStep({ kind: 'broken' }, attempt, LIMITS, NOW, 0));
  expect(waits).toEqual([250, 500, 1000].map((delayMs) => ({ kind: 'wait', delayMs })));
  expect(nextStep(answer(503), 4, LIMITS, NOW, 0)).toMatchObject({ kind: 'give-up', reason: 'tries' });
});

test('nextStep: a wait that is too long is not begun', () => {
  expect(nextStep(answer(429, '61'), 1, LIMITS, NOW, 0)).toEqual({ kind: 'give-up', reason: 'wait', waitMs: 61_000 });
});

test('nextStep: it ends, and never waits less than asked or longer than allowed', () => {
  const outcomes = fc.oneof(
    fc.constant<Outcome>({ kind: 'broken' }),
    fc.record({
      kind: fc.constant('answer' as const),
      status: fc.integer({ min: 200, max: 599 }),
      retryAfter: fc.option(fc.nat(100).map(String), { nil: undefined }),
    }),
  );
  fc.assert(
    fc.property(outcomes, fc.integer({ min: 1, max: 9 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (outcome, attempt, random) => {
      const step = nextStep(outcome, attempt, LIMITS, NOW, random);
      if (attempt >= LIMITS.tries) expect(step.kind).not.toBe('wait');
      if (step.kind !== 'wait') return;
      expect(step.delayMs).toBeLessThanOrEqual(LIMITS.maxWaitMs);
      if (outcome.kind === 'answer' && outcome.status === 429 && outcome.retryAfter !== undefined)
        expect(step.delayMs).toBeGreaterThanOrEqual(Number(outcome.retryAfter) * 1000);
    }),
    { seed: 20260301 },
  );
});
