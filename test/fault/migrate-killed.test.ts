import { afterAll, expect, test } from 'vitest';
import { seededRandom } from '../backup/workload.ts';
import { createTestDatabase } from '../postgres/fixture.ts';
import { startCommand } from '../live/migrate/command.ts';
import { startCountingProxy, type Cut } from '../live/migrate/counting-proxy.ts';
import { createProject, type TestProject } from '../live/migrate/project.ts';

/** At how many of all places a run is killed; 0 for every one of them: npm run test:migrate-kills. */
const POINTS = Number(process.env['DBADMIN_TEST_MIGRATE_KILLS'] ?? '4');
const SEED = Number(process.env['DBADMIN_TEST_SEED'] ?? '20261121');

const database = await createTestDatabase();
const { sql } = database;
const server = new URL(database.url);
afterAll(async () => await database.drop());

const FILES = {
  'sql/migrations/1_in_one.sql':
    'create table a (id int primary key, note text);\ninsert into a values (1);\ninsert into a values (2);\ncopy a from stdin;\n3\tthree\n\\.\n',
  'sql/migrations/2_one_by_one.sql':
    "-- dbadmin: no-transaction\ncreate table b (id int);\ninsert into b values (1);\ncreate index concurrently b_id on b (id);\ninsert into b values (2);\nset work_mem = '8MB';\nvacuum b;\ninsert into b values (3);\n",
  'sql/migrations/3_in_one.sql': 'alter table a add more int default 7;\nupdate a set note = note || id;\ninsert into a values (4);\n',
  // What makes new things only is sent while the file before is being committed.
  'sql/migrations/4_new.sql': 'create table c (id int);\n',
  'sql/migrations/5_new.sql': 'create table d (id int primary key);\ncreate index d_id on d (id);\n',
  'sql/migrations/6_new.sql': 'create table e (id int);\n',
  'sql/routines/public/f.sql': 'create or replace function f() returns bigint language sql begin atomic select count(*) from a; end;\n',
  'sql/routines/public/g.sql': 'create or replace function g() returns bigint language sql begin atomic select f() + 1; end;\n',
};

async function makeProject(): Promise<TestProject> {
  await sql.unsafe('drop schema if exists dbadmin cascade; drop schema public cascade; create schema public');
  const project = await createProject(database.url);
  for (const [file, text] of Object.entries(FILES)) await project.write(file, text);
  return project;
}

/** All that must be the same however often a run was killed. */
async function outcome(): Promise<unknown> {
  const [row] = await sql.unsafe(`select to_json(found) as outcome from (select
    (select json_agg(a order by id) from a) as a, (select json_agg(id order by id) from b) as b, g()::int as routines,
    (select json_agg(relname order by relname) from pg_class where relname in ('c', 'd', 'd_id', 'e')) as made,
    (select json_agg(indexrelid::regclass::text || ' ' || indisvalid order by 1) from pg_index where indrelid = 'b'::regclass) as indexes,
    (select json_agg(kind || ' ' || name order by seq) from dbadmin.migration_history where statement_no is null) as files,
    (select json_agg(statement_no order by statement_no) from dbadmin.migration_history where statement_no is not null and finished_at is not null) as statements,
    (select count(*)::int from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())) as locks) found`);
  return row?.['outcome'];
}

/** Runs `dbadmin migrate` through a proxy in a process of its own, which is killed at one place. Says how often it asked the server. */
async function runAndKill(project: TestProject, at: number, side: Cut['side']): Promise<number> {
  let kill = (): void => undefined;
  const proxy = await startCountingProxy(server.hostname, Number(server.port), { at, side, kill: () => kill() });
  const through = `postgresql://postgres@127.0.0.1:${proxy.port}/${database.name}`;
  const { process, ended } = startCommand(project.directory, ['migrate', '--url', through, '--no-schema-file']);
  kill = () => void process.kill('SIGKILL');
  const { status, stderr } = await ended;
  expect(stderr).not.toContain('error');
  // How often the second session looks depends on the time: a run may be over before it comes to the last places.
  expect(status).toBe(at === 0 || proxy.asked() < at ? 0 : null);
  await proxy.close();
  return proxy.asked();
}

test(
  'killed with SIGKILL before, during or after anything it asks the server, a run leaves what the next one completes',
  async () => {
    const undisturbed = await makeProject();
    const places = await runAndKill(undisturbed, 0, 'before');
    const expected = await outcome();
    await undisturbed.delete();
    expect(expected).toMatchObject({
      b: [1, 2, 3],
      routines: 5,
      indexes: ['b_id true'],
      made: ['c', 'd', 'd_id', 'e'],
      statements: [1, 2, 3, 4, 5, 6, 7],
      locks: 0,
    });
    expect(places).toBeGreaterThan(50);

    const all = Array.from({ length: places }, (_, index) => index + 1).flatMap((at) =>
      (['before', 'during', 'after'] as const).map((side) => ({ at, side })),
    );
    const random = seededRandom(SEED);
    const chosen =
      POINTS === 0
        ? all
        : Array.from({ length: POINTS }, () => all[Math.floor(random() * all.length)] ?? { at: 1, side: 'before' as const });
    const began = Date.now();
    for (const [index, { at, side }] of chosen.entries()) {
      const project = await makeProject();
      await runAndKill(project, at, side);
      await project.up({
        directories: {
          ...project.options().directories,
          migrations: `${project.directory}/sql/migrations`,
          routines: `${project.directory}/sql/routines`,
        },
      });
      expect({ at, side, ...((await outcome()) as object) }, `seed ${SEED}`).toEqual({ at, side, ...(expected as object) });
      await project.delete();
      if (index % 20 === 19)
        process.stderr.write(`${index + 1} of ${chosen.length} places, ${Math.round((Date.now() - began) / 1000)} s\n`);
    }
  },
  POINTS === 0 ? 7_200_000 : 60_000 + POINTS * 20_000,
);
