import { expect, test } from 'vitest';
import { RULES } from '../../../../src/migrate/lint/rules/table.ts';
import { EXAMPLES, WRAPPERS } from './examples.ts';
import { catalogOf, lintText, verdicts } from './lint-text.ts';

const IDS = RULES.map(({ id }) => id);

const dangerous = Object.entries(EXAMPLES).flatMap(([id, { dangerous: all }]) => all.map((sql) => [id, sql] as const));
const safe = Object.entries(EXAMPLES).flatMap(([id, { safe: all }]) => all.map((sql) => [id, sql] as const));

test.each(dangerous)('lint: %s finds %s', (id, sql) => {
  expect(lintText(sql).map(({ rule }) => rule)).toContain(id);
});

test.each(dangerous.filter(([, sql]) => !sql.startsWith('--')))('lint: %s finds, wherever it stands: %s', (id, sql) => {
  for (const [where, wrap] of WRAPPERS)
    expect([where, lintText(wrap(sql)).map(({ rule }) => rule)]).toEqual([where, expect.arrayContaining([id])]);
});

test.each(safe)('lint: says nothing about the safe form for %s: %s', (_, sql) => {
  expect(lintText(sql)).toEqual([]);
});

test('lint: every rule has an example that it finds', () => {
  const without = IDS.filter((id) => EXAMPLES[id] === undefined);
  // These two need a file of their own, or a catalog, and are tried below.
  expect(without).toEqual(['cic-in-tx', 'drop-table-with-fk']);
});

test('lint: cic-in-tx finds CONCURRENTLY in a transaction and in a DO block, and up would refuse both', () => {
  expect(verdicts('create index concurrently x on core.play (b)')).toEqual(['cic-in-tx: error']);
  expect(verdicts('-- dbadmin: no-transaction\ndo $$ begin drop index concurrently core.x; end $$')).toEqual(['cic-in-tx: error']);
  expect(verdicts('alter table core.part detach partition core.part1 concurrently')).toContain('cic-in-tx: error');
});

test('lint: drop-table-with-fk names the tables that a foreign key in the catalog locks too', () => {
  const references = { schema: 'core', name: 'parent' };
  const key = { name: 'play_fk', kind: 'f', validated: true, definition: '', columns: ['a'], references };
  const found = lintText('drop table core.play', catalogOf({ play: { constraints: [key] }, parent: {} }));
  const one = found.find(({ rule }) => rule === 'drop-table-with-fk');
  expect(one).toMatchObject({ relation: 'core.parent', lock: 'AccessExclusive', message: 'DROP TABLE core.play locks core.parent' });
  expect(one?.safe).toContain('ALTER TABLE core.play DROP CONSTRAINT play_fk');
  expect(
    lintText('drop table core.play, core.parent', catalogOf({ play: { constraints: [key] }, parent: {} })).map(({ rule }) => rule),
  ).not.toContain('drop-table-with-fk');
});
