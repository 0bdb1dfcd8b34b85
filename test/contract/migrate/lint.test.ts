import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { lintFiles } from '../../../src/migrate/lint/lint.ts';
import { readForLint } from '../../../src/migrate/lint/read.ts';
import { RULES } from '../../../src/migrate/lint/rules/table.ts';
import { loadSqlParser } from '../../../src/migrate/sql/parser.ts';
import { WRAPPERS } from '../../unit/migrate/lint/examples.ts';
import { lintText } from '../../unit/migrate/lint/lint-text.ts';

/** A list that lies beside the repository where it was measured. */
const MEASURED = new URL('../../../../shared/reference/experiments/dangerous-ddl.sql', import.meta.url);
const IDS = RULES.map(({ id }) => id);

test.skipIf(!existsSync(MEASURED))('lint: finds every line of the measured list of dangerous statements, wherever it stands', () => {
  const names = /(?<!\.)\b(users|orders|mv|part2|part|t1|t2|child|c|v|f2)\b/g;
  const lines = readFileSync(MEASURED, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  expect(lines.length).toBeGreaterThan(25);
  for (const line of lines) {
    const sql = line.replace(/;\s*$/, '');
    const forms: readonly string[] = [
      sql,
      sql.replaceAll(names, '"$1"'),
      sql.replaceAll(names, 'app.$1').replace('app.c from', 'app.c FROM'),
      ...WRAPPERS.map(([, wrap]) => wrap(sql)),
    ];
    for (const form of forms) expect([form, lintText(form).some(({ rule }) => IDS.includes(rule))]).toEqual([form, true]);
  }
});
if (!existsSync(MEASURED)) process.stderr.write('skipped: the measured list of dangerous statements lies outside this repository\n');

test('lint: ten thousand files take a second of processor time on an idle machine; three are allowed here', async () => {
  const parser = await loadSqlParser();
  const kinds: readonly ((n: number) => string)[] = [
    (n) => `create table core.m_${n} (id bigint primary key, v text);`,
    (n) => `alter table core.play add column x_${n} uuid default gen_random_uuid();`,
    (n) => `create index i_${n} on core.play (x);`,
    (n) => `update core.play set x = ${n} where id = ${n};`,
    (n) =>
      `create or replace function core.f_${n}() returns int language plpgsql as $$ begin update core.play set x = 1; return 1; end $$;`,
  ];
  const texts = Array.from({ length: 10_000 }, (_, n) => kinds[n % kinds.length]?.(n) ?? '');
  const before = process.cpuUsage();
  const linted = texts.flatMap((text, n) => readForLint({ path: `${n}_a.sql`, location: '', text, sha256: '' }, parser).linted ?? []);
  const found = lintFiles(linted, { parser, catalog: undefined });
  const { user, system } = process.cpuUsage(before);
  expect(found).toHaveLength(6000);
  expect((user + system) / 1_000_000).toBeLessThan(3);
});
