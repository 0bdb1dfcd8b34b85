import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockLevel, lockModeOf } from '../../../src/migrate/effects/lock-modes.ts';
import { readForLint } from '../../../src/migrate/lint/read.ts';
import { lintLive } from '../../../src/migrate/lint/run.ts';
import type { Finding } from '../../../src/migrate/lint/finding.ts';
import { loadSqlParser } from '../../../src/migrate/sql/parser.ts';
import { openSession, type Session } from '../../../src/migrate/session/session.ts';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { EXAMPLE_SCHEMA, EXAMPLES } from '../../unit/migrate/lint/examples.ts';
import { runCommand } from './command.ts';
import { createProject, parametersOf } from './project.ts';

const database = await createTestDatabase();
const parser = await loadSqlParser();
let session: Session;
beforeAll(async () => {
  session = await openSession(parametersOf(database.url), { applicationName: 'lint-test' });
  await session.query(EXAMPLE_SCHEMA);
});
afterAll(async () => {
  await session.close();
  await database.drop();
});

/** What lint says with this database to ask. */
async function findingsOf(text: string): Promise<readonly Finding[]> {
  const { linted } = readForLint({ path: 'a.sql', location: '', text, sha256: '' }, parser);
  if (linted === undefined) throw new Error(`not SQL: ${text}`);
  return await lintLive(session, 17, [linted]);
}

/** The strongest lock on each relation that was there before, held by a transaction that ran `text`. */
async function locksOf(text: string): Promise<ReadonlyMap<string, string>> {
  const named = await session.query<{ oid: string; name: string }>(
    `select c.oid::text as oid, n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'core'`,
  );
  const names = new Map(named.map(({ oid, name }) => [oid, name]));
  await session.query('begin');
  try {
    await session.query(text);
    const held = await session.query<{ oid: string; mode: string }>(
      `select relation::text as oid, mode from pg_locks where pid = pg_backend_pid() and locktype = 'relation'`,
    );
    const strongest = new Map<string, string>();
    for (const { oid, mode } of held) {
      const name = names.get(oid);
      const lock = lockModeOf(mode);
      if (name === undefined || lock === undefined) continue;
      const before = lockModeOf(`${strongest.get(name) ?? ''}Lock`);
      if (before === undefined || lockLevel(lock) > lockLevel(before)) strongest.set(name, lock);
    }
    return strongest;
  } finally {
    await session.query('rollback');
  }
}

const runnable = Object.entries(EXAMPLES).flatMap(([rule, { dangerous }]) =>
  dangerous.filter((sql) => !sql.startsWith('--')).map((sql) => [rule, sql] as const),
);

const claimed = new Set<string>();

test.each(runnable)('lint: the lock that %s claims is the one in pg_locks: %s', async (rule, sql) => {
  const claims = (await findingsOf(sql)).filter((each) => each.rule === rule && each.lock !== undefined);
  if (claims.length > 0) claimed.add(rule);
  // Without a lock there is nothing to compare; the unit tests have what is found.
  if (claims.length === 0) return;
  const held = await locksOf(sql);
  for (const { relation = '', lock } of claims) expect([relation, held.get(relation)]).toEqual([relation, lock]);
});

test('lint: each rule about locks claimed one above', () => {
  const lockless = ['cic-multi', 'enum-add-use'];
  expect(Object.keys(EXAMPLES).filter((rule) => !claimed.has(rule))).toEqual(lockless);
});

test('lint: drop-table-with-fk claims the lock that DROP TABLE takes on the table its foreign key points to', async () => {
  const sql = 'drop table core.leaf';
  const claim = (await findingsOf(sql)).find(({ rule }) => rule === 'drop-table-with-fk');
  expect(claim).toMatchObject({ relation: 'core.other', lock: 'AccessExclusive' });
  expect((await locksOf(sql)).get('core.other')).toBe('AccessExclusive');
});

test('lint: VACUUM FULL waits for the lock it claims', async () => {
  const [claim] = await findingsOf('-- dbadmin: no-transaction\nvacuum full core.other');
  const other = await openSession(parametersOf(database.url), { applicationName: 'lint-vacuum' });
  await session.query('begin; select from core.other');
  const vacuum = other.query('vacuum full core.other');
  try {
    const waiting = `select mode from pg_locks where not granted and relation = 'core.other'::regclass`;
    await expect.poll(async () => await session.query(waiting)).toEqual([{ mode: `${claim?.lock ?? ''}Lock` }]);
  } finally {
    await session.query('rollback');
    await vacuum;
    await other.close();
  }
});

test('lint: the live table decides: a longer varchar is passed over, another type found', async () => {
  expect(await findingsOf('alter table core.play alter column email type varchar(512)')).toEqual([]);
  expect((await findingsOf('alter table core.play alter column email type varchar(5)')).map(({ rule }) => rule)).toEqual(['type-change']);
});

test('lint: an UPDATE that the planner expects to write many rows is found though it has a WHERE', async () => {
  await session.query('create table core.wide as select id, 0 as a from generate_series(1, 150000) id; analyze core.wide');
  try {
    const [found] = await findingsOf('select 1; update core.wide set a = 1 where id > 0');
    expect(found).toMatchObject({
      rule: 'whole-table-dml',
      severity: 'warning',
      statement: 2,
      message: 'UPDATE of about 150 k rows of core.wide',
    });
    expect(await findingsOf('update core.wide set a = 1 where id < 100')).toEqual([]);
    expect(await findingsOf('alter table core.wide add column z int; update core.wide set z = 1 where z is null')).toEqual([]);
  } finally {
    await session.query('drop table core.wide');
  }
});

test('migrate lint, up: pending files are looked at; up refuses an error until the file allows it', async () => {
  const project = await createProject(database.url);
  const config = path.join(project.directory, 'dbadmin.yaml');
  try {
    await writeFile(
      config,
      `version: 1\nclusters:\n  main: { url: "${database.url}" }\npaths: { migrations: migrations, routines: routines }\n`,
    );
    const dbadmin = async (...args: readonly string[]) => await runCommand(project.directory, [...args, '--config', config]);
    const drop = 'drop schema if exists gone cascade;\n';
    await project.write('migrations/1_a.sql', drop);
    await project.write('migrations/2_b.sql', 'drop view core.vw cascade;\n');
    const lint = await dbadmin('migrate', 'lint', '--json');
    expect(lint.status).toBe(2);
    expect(JSON.parse(lint.stdout)).toMatchObject({ failed: true, files: 2, statements: 2, counts: { error: 1, warning: 1, notice: 0 } });
    expect((await dbadmin('migrate', 'lint', '--rule', 'matview')).status).toBe(0);
    const sarif = await dbadmin('migrate', 'lint', '--offline', '--format', 'sarif', 'migrations/2_b.sql');
    expect([sarif.status, (JSON.parse(sarif.stdout) as { readonly version: string }).version]).toEqual([2, '2.1.0']);
    const refused = await dbadmin('migrate', 'up', '--no-schema-file', '--no-restore-point');
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('lint finds 1 error in what is pending; nothing was applied');
    expect(refused.stderr).toContain('-- dbadmin: allow drop-destructive -- reason');
    await project.write('migrations/1_a.sql', `-- dbadmin: allow drop-destructive -- empty since spring\n${drop}`);
    const done = await dbadmin('migrate', 'up', '--no-schema-file', '--no-restore-point');
    expect([done.status, done.stderr]).toEqual([0, expect.stringContaining('migrations/2_b.sql:1:1: DROP VIEW core.vw CASCADE')]);
    expect((await dbadmin('migrate', 'lint')).stdout).toMatch(/^nothing in 0 files/);
  } finally {
    await project.delete();
  }
});
