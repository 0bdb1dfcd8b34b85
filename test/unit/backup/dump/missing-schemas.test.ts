import { expect, test } from 'vitest';
import { schemasOf } from '../../../../src/backup/dump/missing-schemas-run.ts';

test('schemasOf: those that are used and not made, each once, whatever their names', () => {
  const header = (name: string, type: string, schema: string): string =>
    `--\n-- Name: ${name}; Type: ${type}; Schema: ${schema}; Owner: me\n--\n\nSELECT 1;\n`;
  const definitions = [
    header('made', 'SCHEMA', '-'),
    header('play', 'TABLE', 'core'),
    header('day', 'MATERIALIZED VIEW', 'core'),
    header('one', 'TABLE', 'made'),
    header('near', 'TABLE', 'public'),
    header('odd', 'TABLE', 'of "one; Owner'),
    header('lost', 'TABLE', 'm\uFFFDller'),
  ].join('\n');
  expect(schemasOf(definitions)).toEqual(['core', 'of "one; Owner']);
});
