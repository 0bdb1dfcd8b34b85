import { expect, test } from 'vitest';
import { finishTableSql } from '../../../../src/backup/table/definition.ts';

test('an index is made on the table whatever that is called', () => {
  const definition = {
    schema: 'core',
    name: 'play',
    columns: [],
    constraints: [],
    indexes: [{ name: 'i', definition: 'CREATE INDEX i ON %table% USING btree (id)' }],
    comment: null,
  };
  for (const name of ['pay$$roll', "a$&b$'c", '%table%'])
    expect(finishTableSql(definition, 'back', name)).toEqual([`CREATE INDEX i ON "back"."${name}" USING btree (id)`]);
});
