import { expect, test } from 'vitest';
import { formatTableName, parseTableName } from '../../../../src/backup/find/table-name.ts';

test.each([
  ['core.play', 'core', 'play', 'core.play'],
  ['Core.Play', 'core', 'play', 'core.play'],
  ['CORE.Ö_Play', 'core', 'Ö_play', 'core."Ö_play"'],
  ['"My Schema"."a.b"', 'My Schema', 'a.b', '"My Schema"."a.b"'],
  ['core."say ""hi"""', 'core', 'say "hi"', 'core."say ""hi"""'],
])('%s is a table with its schema, folded as SQL does', (text, schema, table, shown) => {
  expect(parseTableName(text)).toEqual({ schema, table });
  expect(formatTableName({ schema, table })).toBe(shown);
});

test.each(['play', 'a.b.c', '', '"core.play', 'core. play'])('%j is none, and is refused with the form', (text) => {
  expect(() => parseTableName(text)).toThrow(expect.objectContaining({ code: 'usage' }));
});
