import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { installPackages } from '../../npm-packages.ts';
import { runCommand, type CommandResult } from './command.ts';
import { createProject, type TestProject } from './project.ts';

const execute = promisify(execFile);
const database = await createTestDatabase();
const shadow = await createTestDatabase();
const { sql } = database;
const npm = await installPackages('dbmate', 'graphile-migrate');
const sqitch = await execute('sqitch', ['--version']).then(
  () => true,
  () => {
    console.warn('NOT TESTED: sqitch itself is not installed; its registry is made by hand');
    return false;
  },
);
afterAll(async () => {
  await database.drop();
  await shadow.drop();
});

let project: TestProject;
let configured = '';
beforeEach(async () => {
  project = await createProject(database.url);
  configured = path.join(project.directory, 'dbadmin.yaml');
  const paths = 'paths: { migrations: sql/migrations, routines: sql/routines, tests: sql/tests }';
  await writeFile(configured, `version: 1\nclusters:\n  main: { url: "${database.url}" }\n${paths}\n`);
});
afterEach(async () => {
  await project.delete();
  for (const schema of ['dbadmin', 'sqitch', 'graphile_migrate', 'public']) await sql.unsafe(`drop schema if exists ${schema} cascade`);
  await sql.unsafe('create schema public');
});

const dbadmin = async (...args: readonly string[]): Promise<CommandResult> =>
  await runCommand(project.directory, [...args, '--config', configured]);
const files = async (): Promise<readonly string[]> => (await readdir(path.join(project.directory, 'sql/migrations'))).sort();
const read = async (file: string): Promise<string> => await readFile(path.join(project.directory, 'sql/migrations', file), 'utf8');
const history = async (): Promise<readonly unknown[]> =>
  (await sql`select kind, version, name from dbadmin.migration_history order by seq`).map(({ kind, version, name }) => [
    kind,
    version,
    name,
  ]);

/** What every import must bear: a second import adds nothing, `status` is clean, a new file goes on, and a change of an imported one is found. */
async function goesOn(imported: string, next: string): Promise<void> {
  const before = await history();
  const again = await dbadmin('migrate', 'import', '--yes');
  expect([again.status, again.stdout.split(':')[0]]).toEqual([0, 'nothing to import']);
  expect(await history()).toEqual(before);
  const directories = { project: project.directory, migrations: path.join(project.directory, 'sql/migrations'), routines: '/nonexistent' };
  await project.write(`sql/migrations/${next}`, 'create table goes_on (id int);\n');
  expect((await project.up({ directories })).versioned.map(({ file }) => file)).toEqual([next]);
  const status = await dbadmin('migrate', 'status', '--exit-code', '--json');
  expect([status.status, (JSON.parse(status.stdout) as { counts: unknown }).counts]).toEqual([
    0,
    { applied: expect.any(Number) as number, pending: 0, changed: 0, missing: 0, routines: 0 },
  ]);
  await project.write(`sql/migrations/${imported}`, `select 'changed';\n${await read(imported)}`);
  const changed = await project.failure({ directories });
  expect([changed.code, changed.message]).toEqual(['migration-changed', expect.stringContaining(imported)]);
}

test("import: node-pg-migrate's own history, its .js recorded by name, its pending file applied by up", async () => {
  await project.write(
    'migrations/1700000000000_play.sql',
    '-- Up Migration\ncreate table play (id int);\n\n-- Down Migration\ndrop table play;\n',
  );
  await project.write('migrations/1700000000001_code.js', "exports.up = (pgm) => pgm.sql('create table code ()');\n");
  await project.write('package.json', '{ "type": "commonjs" }');
  const cli = path.resolve('node_modules/.bin/node-pg-migrate');
  await execute(process.execPath, [cli, 'up', '-m', 'migrations'], {
    cwd: project.directory,
    env: { ...process.env, DATABASE_URL: database.url },
  });
  await project.write('migrations/1700000000002_more.sql', 'alter table play add title text;\n');
  const dry = await dbadmin('migrate', 'import', '--dry-run');
  expect([dry.status, await sql`select from pg_namespace where nspname = 'dbadmin'`]).toEqual([0, []]);
  const done = await dbadmin('migrate', 'import', '--yes');
  expect(done.stderr).toContain('migrations/1700000000001_code.js is recorded without its text: it is a program');
  expect(await history()).toEqual([
    ['versioned', '1700000000000', '1700000000000_play.sql'],
    ['baseline', '1700000000001', '1700000000001_code.sql'],
  ]);
  expect(await read('1700000000000_play.sql')).toBe('create table play (id int);\n\n-- dbadmin: down\ndrop table play;\n');
  const up = await dbadmin('migrate', 'up');
  expect([up.status, up.stdout]).toEqual([0, expect.stringContaining('1700000000002_more.sql')]);
  expect(await sql`select from pgmigrations`).toHaveLength(2);
  await goesOn('1700000000000_play.sql', '20990101T000000_next.sql');
});

test.skipIf(npm === undefined)("import: dbmate's own history, sections and transaction:false", async () => {
  await project.write(
    'db/migrations/20240101000000_play.sql',
    '-- migrate:up\ncreate table play (id int);\n\n-- migrate:down\ndrop table play;\n',
  );
  await project.write(
    'db/migrations/20240102000000_index.sql',
    '-- migrate:up transaction:false\ncreate index concurrently play_id on play (id);\n\n-- migrate:down\n',
  );
  const url = `${database.url}?sslmode=disable`;
  await execute(npm?.command('dbmate') ?? '', ['--no-dump-schema', '--url', url, 'migrate'], { cwd: project.directory });
  const done = await dbadmin('migrate', 'import', '--yes', '--json');
  expect(done.stderr).toBe('');
  expect((JSON.parse(done.stdout) as { from: string }).from).toBe('dbmate');
  expect(await read('20240101000000_play.sql')).toBe('create table play (id int);\n\n-- dbadmin: down\ndrop table play;\n');
  expect(await read('20240102000000_index.sql')).toBe('-- dbadmin: no-transaction\ncreate index concurrently play_id on play (id);\n');
  await goesOn('20240101000000_play.sql', '20260101T000000_next.sql');
});

test.skipIf(npm === undefined)("import: graphile-migrate's own chain, and a file that breaks it is refused", async () => {
  const settings = {
    connectionString: database.url,
    shadowConnectionString: shadow.url,
    rootConnectionString: new URL('/postgres', database.url).href,
  };
  await project.write(
    '.gmrc',
    JSON.stringify({ ...settings, pgSettings: {}, placeholders: {}, afterReset: [], afterAllMigrations: [], afterCurrent: [] }),
  );
  const run = async (...args: readonly string[]): Promise<unknown> =>
    await execute(process.execPath, [npm?.command('graphile-migrate') ?? '', ...args], { cwd: project.directory });
  await mkdir(path.join(project.directory, 'migrations/committed'), { recursive: true });
  await project.write('migrations/current.sql', 'create table play (id int);\n');
  await run('commit', '-m', 'Add plays');
  await project.write('migrations/current.sql', '--! no-transaction\ncreate index concurrently play_id on play (id);\n');
  await run('commit');
  await run('migrate');
  await project.write('migrations/current.sql', 'select 1;\n');
  const [first = ''] = (await readdir(path.join(project.directory, 'migrations/committed'))).sort();
  const text = await readFile(path.join(project.directory, 'migrations/committed', first), 'utf8');
  await project.write(`migrations/committed/${first}`, text.replace('id int', 'id bigint'));
  const refused = await dbadmin('migrate', 'import', '--yes');
  expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining(`${first} is not what graphile-migrate applied`)]);
  await project.write(`migrations/committed/${first}`, text);
  const done = await dbadmin('migrate', 'import', '--yes');
  expect(done.stderr).toBe('warning: current.sql is not committed and not imported: make a migration of it with dbadmin migrate new\n');
  expect(await files()).toEqual(['000001_add-plays.sql', '000002_migration.sql']);
  expect(await read('000001_add-plays.sql')).toBe('create table play (id int);\n');
  await goesOn('000001_add-plays.sql', '20260101T000000_next.sql');
});

test('import: Sqitch, its plan with deploy, revert and verify', async () => {
  await project.write('sqitch.conf', '[core]\n\tengine = pg\n');
  const plan = [
    '%syntax-version=1.0.0',
    '%project=music',
    '',
    'play 2024-01-01T00:00:00Z A <a@example.org> # first',
    'app/more [play] 2024-01-02T00:00:00Z A <a@example.org> # second',
    '',
  ];
  await project.write('sqitch.plan', plan.join('\n'));
  const script = (text: string, end = 'COMMIT'): string => `-- of music\n\nBEGIN;\n\n${text}\n\n${end};\n`;
  await project.write('deploy/play.sql', script('create table play (id int);'));
  await project.write('revert/play.sql', script('drop table play;'));
  await project.write('verify/play.sql', script('select id from play where false;', 'ROLLBACK'));
  await project.write('deploy/app/more.sql', script('alter table play add title text;'));
  await project.write('revert/app/more.sql', script('alter table play drop title;'));
  if (sqitch) {
    const { port, hostname, username, pathname } = new URL(database.url);
    const target = `db:pg://${username}@${hostname}:${port}${pathname}`;
    await execute('sqitch', ['deploy', target], {
      cwd: project.directory,
      env: { ...process.env, SQITCH_FULLNAME: 'Ann', SQITCH_EMAIL: 'ann@example.org', SQITCH_USER_CONFIG: '/nonexistent' },
    });
  } else {
    await sql.unsafe(
      'create schema sqitch; create table sqitch.changes (change_id text primary key, script_hash text unique, change text, project text, note text, committed_at timestamptz default clock_timestamp(), committer_name text, committer_email text, planned_at timestamptz, planner_name text, planner_email text)',
    );
    await sql`insert into sqitch.changes (change_id, change, project, committer_name, planned_at) values
      ('1', 'play', 'music', 'Ann', '2024-01-01T00:00:00Z'), ('2', 'app/more', 'music', 'Ann', '2024-01-02T00:00:00Z')`;
    await sql.unsafe('create table play (id int, title text)');
  }
  const done = await dbadmin('migrate', 'import', '--yes');
  expect([done.status, done.stderr]).toEqual([0, '']);
  expect(await files()).toEqual(['20240101T000000_play.sql', '20240102T000000_app_more.sql']);
  expect(await read('20240101T000000_play.sql')).toBe(
    '-- of music\n\ncreate table play (id int);\n\n-- dbadmin: down\n-- of music\n\ndrop table play;\n',
  );
  expect(await readFile(path.join(project.directory, 'sql/tests/verify_play.sql'), 'utf8')).toBe(
    '-- of music\n\nselect id from play where false;\n',
  );
  expect((await sql`select distinct applied_by from dbadmin.migration_history`).map(({ applied_by: by }) => by as string)).toEqual(['Ann']);
  await goesOn('20240101T000000_play.sql', '20260101T000000_next.sql');
});

/** Flyway cannot be had from npm or Debian; its table is made as its documentation and its sources have it. */
const FLYWAY_TABLE = `create table flyway_schema_history (installed_rank int primary key, version varchar(50), description varchar(200) not null,
  type varchar(20) not null, script varchar(1000) not null, checksum int, installed_by varchar(100) not null,
  installed_on timestamp not null default now(), execution_time int not null, success boolean not null)`;

test('import: Flyway, with dotted versions, undo scripts, checksums and what was undone', async () => {
  await sql.unsafe(FLYWAY_TABLE);
  await project.write('db/migration/V1__play.sql', 'create table play (id int);\r\n');
  await project.write('db/migration/U1__play.sql', 'drop table play;\n');
  await project.write('db/migration/V1_2__add title.sql', 'alter table play add title text;\n');
  await project.write('db/migration/V2.0__later.sql', 'create index concurrently play_id on play (id);\n');
  await project.write('db/migration/R__Some views.sql', 'create or replace view public.v as select 1;\n');
  await project.write('db/migration/R__changed.sql', 'create or replace view w as select 2;\n');
  await project.write('db/migration/R__once.sql', 'create view x as select 1;\n');
  await project.write('db/migration/R__filled.sql', 'create or replace view ${name} as select 1;\n');
  // crc32 of the lines without their ends, signed; computed with another program.
  await sql`insert into flyway_schema_history values
    (1, '1', 'play', 'SQL', 'V1__play.sql', ${await crcOf('create table play (id int);')}, 'fly', '2024-01-01 10:00:00', 7, true),
    (2, '1.2', 'add title', 'SQL', 'V1_2__add title.sql', 1, 'fly', now(), 7, true),
    (3, '2', 'later', 'SQL', 'V2.0__later.sql', 1, 'fly', now(), 7, true),
    (4, '2', 'later', 'UNDO_SQL', 'U2__later.sql', 1, 'fly', now(), 7, true),
    (5, null, 'Some views', 'SQL', 'R__Some views.sql', 1, 'fly', now(), 7, true),
    (6, null, 'changed', 'SQL', 'R__changed.sql', 1, 'fly', now(), 7, true),
    (7, null, 'Some views', 'SQL', 'R__Some views.sql', ${await crcOf('create or replace view public.v as select 1;')}, 'fly', now(), 7, true)`;
  await sql.unsafe('create table play (id int, title text); create view v as select 1; create view w as select 1');
  const refused = await dbadmin('migrate', 'import', '--yes');
  expect([refused.status, refused.stderr]).toEqual([
    1,
    expect.stringContaining('V1_2__add title.sql is not what Flyway applied: its checksum is'),
  ]);
  await sql`update flyway_schema_history set checksum = ${await crcOf('alter table play add title text;')} where installed_rank = 2`;
  await sql`update flyway_schema_history set success = false where installed_rank = 2`;
  expect((await dbadmin('migrate', 'import', '--yes')).stderr).toContain("Flyway's migration V1_2__add title.sql failed (row 2)");
  expect(await sql`select from pg_namespace where nspname = 'dbadmin'`).toHaveLength(0);
  await sql`update flyway_schema_history set success = true where installed_rank = 2`;
  const done = await dbadmin('migrate', 'import', '--yes');
  expect([done.status, done.stderr]).toEqual([
    0,
    'warning: db/migration/R__filled.sql is repeatable and not imported: db/migration/R__filled.sql:1:24: ${name} is replaced by Flyway, and by nobody here; put what it makes below sql/routines\n' +
      'warning: db/migration/R__once.sql is repeatable and not imported: db/migration/R__once.sql:1:1: CREATE VIEW cannot run a second time; put what it makes below sql/routines\n',
  ]);
  expect(done.stdout).toContain('db/migration/R__Some views.sql becomes the routine public/Some_views, as it is applied\n');
  expect(done.stdout).toContain('db/migration/R__changed.sql becomes the routine public/changed, which up applies\n');
  // What import leaves is a project that validates.
  expect((await dbadmin('migrate', 'validate')).status).toBe(0);
  expect(await readFile(path.join(project.directory, 'sql/migrations.lock'), 'utf8')).toContain('  0003_v2_later.sql\n');
  expect(await files()).toEqual(['0001_v1_play.sql', '0002_v1_2_add_title.sql', '0003_v2_later.sql']);
  expect(await read('0001_v1_play.sql')).toBe('create table play (id int);\n\n-- dbadmin: down\ndrop table play;\n');
  expect(await read('0003_v2_later.sql')).toBe('-- dbadmin: no-transaction\ncreate index concurrently play_id on play (id);\n');
  expect(await history()).toEqual([
    ['versioned', '0001', '0001_v1_play.sql'],
    ['versioned', '0002', '0002_v1_2_add_title.sql'],
    ['routine', null, 'public/Some_views'],
  ]);
  const up = await dbadmin('migrate', 'up');
  expect([up.status, up.stdout]).toEqual([0, expect.stringMatching(/0003_v2_later\.sql[\s\S]*routine public\/changed +new\n/)]);
  expect(up.stdout).not.toContain('Some_views');
  await goesOn('0001_v1_play.sql', '20260101T000000_next.sql');
});

async function crcOf(text: string): Promise<number> {
  const { crc32 } = await import('node:zlib');
  return crc32(text) | 0;
}

test('import: golang-migrate; everything up to its version counts, a dirty one is refused with what to do', async () => {
  // Not to be had from npm or Debian: the table as its PostgreSQL driver makes it.
  await sql.unsafe(
    'create table schema_migrations (version bigint not null primary key, dirty boolean not null); insert into schema_migrations values (2, true)',
  );
  await project.write('db/migrations/000001_play.up.sql', 'BEGIN;\ncreate table play (id int);\nCOMMIT;\n');
  await project.write('db/migrations/000001_play.down.sql', 'drop table play;\n');
  await project.write('db/migrations/000002_meta.up.sql', 'create table meta ();\n\\i other.sql\n');
  await project.write('db/migrations/000003_more.up.sql', 'create table more ();\n');
  const refused = await dbadmin('migrate', 'import', '--yes');
  expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('golang-migrate stopped half way in version 2 (dirty)')]);
  expect(refused.stderr).toContain('migrate force 2');
  await sql`update schema_migrations set dirty = false`;
  const done = await dbadmin('migrate', 'import', '--yes');
  expect(done.stderr).toContain(
    'db/migrations/000002_meta.up.sql is recorded without its text: db/migrations/000002_meta.up.sql:2:1: "\\i other.sql" is for psql',
  );
  expect(await read('000001_play.sql')).toBe('create table play (id int);\n\n-- dbadmin: down\ndrop table play;\n');
  expect(await history()).toEqual([
    ['versioned', '000001', '000001_play.sql'],
    ['baseline', '000002', '000002_meta.sql'],
  ]);
  expect(await files()).toEqual(['000001_play.sql', '000003_more.sql']);
  await sql.unsafe('create table play (id int)');
  expect((await dbadmin('migrate', 'up')).status).toBe(0);
  await goesOn('000001_play.sql', '20260101T000000_next.sql');
});

test('import: no table, several tables and no files are told apart', async () => {
  const none = await dbadmin('migrate', 'import', '--dry-run');
  expect([none.status, none.stderr]).toEqual([64, expect.stringContaining('found no history table in this database')]);
  await sql.unsafe(
    'create table schema_migrations (version varchar(128) primary key); create table pgmigrations (id serial, name text, run_on timestamp)',
  );
  const several = await dbadmin('migrate', 'import', '--dry-run');
  expect(several.stderr).toContain('There is public.pgmigrations of node-pg-migrate, public.schema_migrations of dbmate.');
  const files = await dbadmin('migrate', 'import', '--from', 'dbmate', '--dry-run');
  expect([files.status, files.stderr]).toEqual([64, expect.stringContaining('found no files of dbmate')]);
});
