import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EMPTY_HISTORY } from '../../../src/migrate/history/history.ts';
import type { MigrationPlan } from '../../../src/migrate/plan.ts';
import { refuseStalePlan, whatMoved } from '../../../src/migrate/saved-plan/compare.ts';
import { formatSavedPlan, parseSavedPlan, planState, type PlanState } from '../../../src/migrate/saved-plan/format.ts';

const SEED = 20_261_121;
const MADE = { at: new Date('2026-11-21T10:15:02Z'), tool: '0.1.0', cluster: 'main' };

const sha256 = fc.constantFrom('a'.repeat(64), 'b'.repeat(64));
const name = fc.constantFrom('x', 'y', 'Z "q"');
const states: fc.Arbitrary<PlanState> = fc.record({
  database: fc.constantFrom('shop', 'other'),
  system: fc.constantFrom('1', '2'),
  history: fc.record({ sha256, applied: fc.nat(2), newest: fc.constantFrom(null, '1') }),
  policy: fc.record({ outOfOrder: fc.boolean(), missing: fc.boolean() }),
  versioned: fc.uniqueArray(fc.record({ version: fc.constant('1'), file: name, sha256 }), { selector: ({ file }) => file, maxLength: 3 }),
  routines: fc.uniqueArray(fc.record({ name, sha256 }), { selector: ({ name }) => name, maxLength: 3 }),
  relations: fc.tuple(fc.option(sha256), fc.option(sha256)).map(([a, b]) => [
    { schema: 'core', name: 'play', sha256: a },
    { schema: null, name: 'gone', sha256: b },
  ]),
});

test('a plan is stale exactly when something of its state differs, and says so in sentences', () => {
  fc.assert(
    fc.property(states, states, (saved, now) => {
      expect(whatMoved(saved, saved)).toEqual([]);
      // The policy is the plan's own, and counts of the history are words about its digest.
      const compared = ({ history, ...rest }: PlanState): string => JSON.stringify([{ ...rest, policy: undefined }, history.sha256]);
      const moved = whatMoved(saved, now);
      expect(moved.length > 0).toBe(compared(saved) !== compared(now));
      for (const sentence of moved) expect(sentence).toMatch(/^\S[^]*\.$/);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test('a plan reads back as it was written, and says which key of another text is wrong', () => {
  fc.assert(
    fc.property(states, (state) => {
      expect(parseSavedPlan(formatSavedPlan(state, MADE), 'p')).toMatchObject(state);
    }),
    { seed: SEED },
  );
  const codeOf = (text: string): string => {
    try {
      parseSavedPlan(text, 'p.json');
      return '';
    } catch (error) {
      return `${(error as { code: string }).code}: ${(error as Error).message} ${(error as { detail?: string }).detail ?? ''}`;
    }
  };
  expect(codeOf('{')).toBe('usage: p.json is not a saved plan: it is not JSON ');
  expect(codeOf('{"format":"dbadmin-migration-plan","version":2}')).toMatch(
    /^plan-stale: p\.json is a saved plan of version 2, and this dbadmin knows version 1/,
  );
  const [state] = fc.sample(states, { seed: SEED, numRuns: 1 });
  if (state === undefined) throw new Error('no state');
  expect(codeOf(formatSavedPlan(state, MADE).replace('"database":', '"base":'))).toMatch(/^usage: .* database: /);
});

test('a system identifier that one of the two could not read is not compared', () => {
  const state = (system: string | undefined): PlanState => {
    const plan: MigrationPlan = { versioned: [], routines: [], changed: new Set(), problems: [], warnings: [] };
    return planState({
      plan,
      history: EMPTY_HISTORY,
      policy: { outOfOrder: false, missing: false },
      database: 'shop',
      system,
      relations: [],
    });
  };
  expect(whatMoved(state(undefined), state('1'))).toEqual([]);
  expect(whatMoved(state('1'), state(undefined))).toEqual([]);
  expect(() => refuseStalePlan(state('1'), state('2'))).toThrow('the saved plan is not what would run now; nothing was applied');
});
