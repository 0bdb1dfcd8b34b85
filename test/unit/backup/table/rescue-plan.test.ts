import { describe, expect, test } from 'vitest';
import type { TableDefinition } from '../../../../src/backup/table/definition.ts';
import { renamedIndexes, withFreeNames } from '../../../../src/backup/table/free-names.ts';
import { rescueDefinition, rescueNames, wayBack, type RescueItem, type SourceTable } from '../../../../src/backup/table/rescue-plan.ts';

const column = (name: string, type: string, notNull = false): TableDefinition['columns'][number] => ({
  name,
  type,
  collation: null,
  notNull,
  comment: null,
});
const table = { schema: 'core', name: 'play' };
const source: SourceTable = {
  definition: {
    ...table,
    columns: [column('id', 'integer', true), column('device', 'text', true), column('score', 'integer'), column('twice', 'integer')],
    constraints: [
      { name: 'play_pkey', definition: 'PRIMARY KEY (id)' },
      { name: 'c', definition: 'CHECK (score > 0)' },
    ],
    indexes: [{ name: 'i', definition: 'CREATE INDEX i ON %table% USING btree (score)' }],
    comment: 'plays',
  },
  key: ['id'],
  generated: ['twice'],
};
const to = { schema: 'rescue_1', name: 'play' };
const present = (...columns: readonly (readonly [string, string])[]) => ({ columns: new Map(columns) });
const columns: RescueItem = { kind: 'columns', table, columns: ['device'] };

test('of lost columns the key and the values come, without other constraints; without a key the whole table', () => {
  expect(rescueDefinition(source, columns)).toMatchObject({
    columns: [{ name: 'id' }, { name: 'device' }],
    constraints: [{ name: 'play_pkey' }],
    indexes: [],
  });
  expect(rescueDefinition({ ...source, key: [] }, columns)).toBe(source.definition);
  expect(rescueDefinition(source, { kind: 'table', table })).toBe(source.definition);
});

test('no two tables of a rescue have one name, however long', () => {
  const items = ['core', 'mart', 'raw'].map((schema): RescueItem => ({ kind: 'table', table: { schema, name: 'play' } }));
  expect(rescueNames(items)).toEqual(['play', 'mart_play', 'raw_play']);
  expect(rescueNames([columns, { kind: 'rows', table }])).toEqual(['play_columns', 'play']);
  const long = 'é'.repeat(31);
  const names = rescueNames([1, 2, 3].map((): RescueItem => ({ kind: 'columns', table: { schema: 's', name: long }, columns: [] })));
  expect(new Set(names).size).toBe(3);
  for (const name of names) expect([Buffer.byteLength(name) <= 63, name.includes('\ufffd')]).toEqual([true, false]);
});

test('a table and its lost columns do not ask for the same names of indexes, and keep those that are their own', () => {
  const taken = new Set(['play', 'play_columns']);
  expect(withFreeNames(rescueDefinition(source, columns), 'play_columns', taken).constraints).toMatchObject([{ name: 'play_pkey' }]);
  expect(withFreeNames(source.definition, 'play', taken)).toEqual({
    ...source.definition,
    constraints: [
      { name: 'play_play_pkey', definition: 'PRIMARY KEY (id)' },
      { name: 'c', definition: 'CHECK (score > 0)' },
    ],
  });
  const again = withFreeNames(source.definition, 'mart_play', taken);
  expect(again.constraints.map(({ name }) => name)).toEqual(['mart_play_play_pkey', 'c']);
  expect(again.indexes).toEqual([{ name: 'mart_play_i', definition: 'CREATE INDEX "mart_play_i" ON %table% USING btree (score)' }]);
  expect(renamedIndexes(source.definition, again)).toEqual([
    { from: 'play_pkey', to: 'mart_play_play_pkey' },
    { from: 'i', to: 'mart_play_i' },
  ]);
});

test('a name that is made for an index is none that its table has for anything else', () => {
  const definition = {
    ...source.definition,
    constraints: [
      { name: 'play_i', definition: 'CHECK (score > 0)' },
      { name: 'i', definition: 'UNIQUE (id)' },
    ],
    indexes: [],
  };
  expect(withFreeNames(definition, 'play', new Set(['i'])).constraints.map(({ name }) => name)).toEqual(['play_i', 'play_i_2']);
});

describe('the way back', () => {
  test('of a dropped table is a move; of one that is there again, rows that it has not got', () => {
    expect(wayBack({ kind: 'table', table }, source, to, undefined).statements).toEqual([
      'ALTER TABLE "rescue_1"."play" SET SCHEMA "core";',
    ]);
    expect(wayBack({ kind: 'table', table }, source, { ...to, name: 'core_play' }, undefined).statements).toEqual([
      'ALTER TABLE "rescue_1"."core_play" SET SCHEMA "core";',
      'ALTER TABLE "core"."core_play" RENAME TO "play";',
    ]);
    expect(wayBack({ kind: 'table', table }, source, to, present(['id', 'integer'], ['score', 'integer'], ['twice', 'integer']))).toEqual({
      statements: [
        'INSERT INTO "core"."play" ("id", "score") OVERRIDING SYSTEM VALUE SELECT "id", "score" FROM "rescue_1"."play" ON CONFLICT DO NOTHING;',
      ],
      note: 'a table of that name is there again; it has no column device now',
    });
  });

  test('of a dropped column is the column, its values by the key, and its NOT NULL with a warning', () => {
    expect(wayBack(columns, source, to, present(['id', 'integer']))).toEqual({
      statements: [
        'ALTER TABLE "core"."play" ADD COLUMN "device" text;',
        'UPDATE "core"."play" AS t SET "device" = r."device" FROM "rescue_1"."play" AS r WHERE t."id" = r."id";',
        'ALTER TABLE "core"."play" ALTER COLUMN "device" SET NOT NULL;',
      ],
      note: 'device was NOT NULL: rows written since have no value',
    });
  });

  test('of an overwritten column changes only what differs; of one with another type is a column beside it', () => {
    expect(wayBack(columns, source, to, present(['id', 'integer'], ['device', 'text'])).statements).toEqual([
      'UPDATE "core"."play" AS t SET "device" = r."device" FROM "rescue_1"."play" AS r WHERE t."id" = r."id" AND t."device"::text IS DISTINCT FROM r."device"::text;',
    ]);
    expect(wayBack(columns, source, to, present(['id', 'integer'], ['device', 'integer']))).toMatchObject({
      statements: [
        'ALTER TABLE "core"."play" ADD COLUMN "device_rescued" text;',
        expect.stringContaining('SET "device_rescued" = r."device"'),
      ],
      note: 'device is of type integer now: the old values go into a column beside it',
    });
  });

  test('is not claimed where there is none: no key, no table, no key column any more', () => {
    for (const [from, now] of [
      [{ ...source, key: [] }, present(['id', 'integer'])],
      [source, undefined],
      [source, present(['number', 'integer'])],
    ] as const)
      expect(wayBack(columns, from, to, now)).toEqual({ statements: [], note: expect.any(String) });
  });
});
