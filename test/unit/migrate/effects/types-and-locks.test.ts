import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeTouches, strongest, type Touch } from '../../../../src/migrate/effects/effect.ts';
import {
  blockedBy,
  conflicts,
  LOCK_MODES,
  lockLevel,
  lockModeOf,
  lockOfLevel,
  stronger,
} from '../../../../src/migrate/effects/lock-modes.ts';
import { keepsBytes, typeOfText } from '../../../../src/migrate/effects/type-change.ts';

const SEED = 20_261_121;

const KEPT: readonly (readonly [from: string, to: string, kept: boolean])[] = [
  ['character varying(50)', 'character varying(51)', true],
  ['character varying(50)', 'character varying(49)', false],
  ['character varying(50)', 'text', true],
  ['text', 'character varying', true],
  ['text', 'character varying(50)', false],
  ['character(5)', 'text', false],
  ['character(5)', 'character(6)', false],
  ['bit varying(5)', 'bit varying(6)', true],
  ['numeric(10,2)', 'numeric(12,2)', true],
  ['numeric(10,2)', 'numeric(12,3)', false],
  ['numeric(10,2)', 'numeric', true],
  ['numeric', 'numeric(10,2)', false],
  ['timestamp without time zone', 'timestamp with time zone', true],
  ['timestamp(3) without time zone', 'timestamp without time zone', true],
  ['timestamp with time zone', 'timestamp(3) with time zone', false],
  ['integer', 'bigint', false],
  ['integer', 'oid', true],
  ['cidr', 'inet', true],
  ['inet', 'cidr', false],
  ['text[]', 'character varying[]', true],
  ['character varying(5)[]', 'text[]', false],
  ['text', 'text[]', false],
  ['core.mood', 'text', false],
  ['core.mood', 'core.mood', true],
];

test.each(KEPT)('%s to %s: kept %s', (from, to, kept) => {
  expect(keepsBytes(typeOfText(from), typeOfText(to))).toBe(kept);
});

test('what keeps bytes step by step keeps them in one step', () => {
  const types = [...new Set(KEPT.flatMap(([from, to]) => [from, to]))].map(typeOfText);
  for (const a of types)
    for (const b of types)
      for (const c of types)
        if (keepsBytes(a, b) && keepsBytes(b, c) && a.name === b.name && b.name === c.name)
          expect([a, b, c, keepsBytes(a, c)]).toEqual([a, b, c, true]);
});

test('lock modes conflict both ways, and a stronger one blocks at least as many readers and writers', () => {
  for (const a of LOCK_MODES) for (const b of LOCK_MODES) expect(conflicts(a, b)).toBe(conflicts(b, a));
  const waiting = LOCK_MODES.map((mode) => ['nothing', 'writes', 'reads+writes'].indexOf(blockedBy(mode)));
  expect(waiting).toEqual(waiting.toSorted((a, b) => a - b));
  expect(LOCK_MODES.filter((mode) => conflicts(mode, mode))).toEqual([
    'ShareUpdateExclusive',
    'ShareRowExclusive',
    'Exclusive',
    'AccessExclusive',
  ]);
  expect(LOCK_MODES.map((mode) => lockOfLevel(lockLevel(mode)))).toEqual(LOCK_MODES);
  expect(lockModeOf('AccessShareLock')).toBe('AccessShare');
  expect(lockModeOf('SIReadLock')).toBeUndefined();
});

test('merging keeps one touch for each relation, with the strongest lock and the most work of all', () => {
  const touches = fc.array(
    fc.record({
      relation: fc.record({ schema: fc.constantFrom(undefined, 's'), name: fc.constantFrom('a', 'b') }),
      lock: fc.constantFrom(...LOCK_MODES),
      work: fc.constantFrom('none', 'scan', 'build', 'rewrite'),
    }),
    { minLength: 1, maxLength: 8 },
  ) as fc.Arbitrary<readonly Touch[]>;
  fc.assert(
    fc.property(touches, (all) => {
      const merged = mergeTouches(all);
      const same = (a: Touch, b: Touch): boolean => a.relation.schema === b.relation.schema && a.relation.name === b.relation.name;
      for (const each of all) {
        const found = merged.filter((one) => same(one, each));
        expect(found).toHaveLength(1);
        const own = all.filter((one) => same(one, each));
        expect(found[0]?.lock).toBe(own.map(({ lock }) => lock).reduce(stronger));
        expect(own.some(({ work }) => work === found[0]?.work)).toBe(true);
      }
      expect(strongest(merged)?.lock).toBe(all.map(({ lock }) => lock).reduce(stronger));
    }),
    { seed: SEED },
  );
});
