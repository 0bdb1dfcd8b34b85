import { execFile, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { isDbadminError } from '../../../src/base/errors.ts';
import { parseSqlFile } from '../../../src/migrate/files/migration.ts';
import { loadSqlParser } from '../../../src/migrate/sql/parser.ts';
import { findClientProgram } from '../../../src/postgres/programs.ts';
import { createEveryObject, RICH_DATABASE } from '../../backup/every-object.ts';
import { installPackages } from '../../npm-packages.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { createProject, type TestProject } from './project.ts';

const execute = promisify(execFile);
/** SQL is read the same whatever the server, so that one major stands for the others; each of them: DBADMIN_TEST_FOREIGN=14,15,16,17,18. */
const MAJORS = (process.env['DBADMIN_TEST_FOREIGN'] ?? '15').split(',').map(Number);
/** Share of 30 MB of statements and 100 MB of data; the one statement has its 10 MB always. All of it: DBADMIN_TEST_LARGE_SQL=1. */
const LARGE = Number(process.env['DBADMIN_TEST_LARGE_SQL'] ?? '0.1');
const parser = await loadSqlParser();
const npm = await installPackages('graphile-worker', 'pg-boss');

interface Programs {
  readonly psql: string;
  readonly pgDump: string;
}

async function findPrograms(major: number): Promise<Programs | undefined> {
  try {
    const wanted = { atLeastMajor: major };
    const [psql, dump] = [await findClientProgram('psql', wanted, process.env), await findClientProgram('pg_dump', wanted, process.env)];
    return { psql: psql.path, pgDump: dump.path };
  } catch (error) {
    if (!isDbadminError(error, 'program-missing')) throw error;
    console.warn(`NOT TESTED: no psql and pg_dump of PostgreSQL ${major} or newer on this machine`);
    return undefined;
  }
}

/** Two empty databases: one for psql, one for us. For one test. */
class Pair {
  readonly ours: TestProject;
  readonly #cluster: TestCluster;
  readonly #programs: Programs;
  readonly #name: string;

  private constructor(cluster: TestCluster, programs: Programs, name: string, ours: TestProject) {
    this.#cluster = cluster;
    this.#programs = programs;
    this.#name = name;
    this.ours = ours;
  }

  static async open(cluster: TestCluster, programs: Programs, name: string): Promise<Pair> {
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    for (const each of [`${name}_psql`, `${name}_ours`]) {
      await sql.unsafe(`drop database if exists ${each}`);
      await sql.unsafe(`create database ${each} template template0`);
    }
    await sql.end();
    const project = await createProject(cluster.url(`${name}_ours`));
    onTestFinished(async () => await project.delete());
    return new Pair(cluster, programs, name, project);
  }

  /** Applies `text` both ways, ours as `ours` writes it, and compares what pg_dump says of the two databases. */
  async applyBoth(text: string, ours: (text: string) => string = (same) => same): Promise<void> {
    const file = path.join(this.ours.directory, 'foreign.sql');
    await writeFile(file, text);
    await this.psql('-f', file);
    await this.ours.write('migrations/1_foreign.sql', ours(text));
    await this.ours.up();
    await this.expectEqual();
  }

  async psql(...args: readonly string[]): Promise<void> {
    await execute(this.#programs.psql, ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', this.#cluster.url(`${this.#name}_psql`), ...args], {
      maxBuffer: 1 << 26,
    });
  }

  async expectEqual(): Promise<void> {
    const theirs = await dumpOf(this.#programs, this.#cluster.url(`${this.#name}_psql`));
    expect(await dumpOf(this.#programs, this.#cluster.url(`${this.#name}_ours`))).toBe(theirs);
    expect(theirs.length).toBeGreaterThan(500);
  }
}

async function dumpOf({ pgDump }: Programs, url: string): Promise<string> {
  const { stdout } = await execute(pgDump, ['-N', 'dbadmin', '-d', url], { maxBuffer: 1 << 28 });
  return stdout.replaceAll(/^-- Dumped .*$|^\\(?:un)?restrict .*$/gm, '');
}

const found = new Map<number, Programs>();
for (const major of MAJORS) {
  const programs = await findPrograms(major);
  if (programs !== undefined) found.set(major, programs);
}

if (found.size === 0) test('SQL of others is compared with psql', ({ skip }) => skip('no client programs on this machine'));

for (const [major, programs] of found) {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startTestCluster({ major, settings: { wal_level: 'logical', max_prepared_transactions: 5, fsync: 'off' } });
  });
  afterAll(async () => await cluster.stop());
  const open = async (name: string): Promise<Pair> => await Pair.open(cluster, programs, name);

  test(`PostgreSQL ${major}: what pg_dump wrote of every kind of object, COPY blocks included, is applied as psql applies it`, async () => {
    await createEveryObject(cluster);
    const dump = async (...args: readonly string[]): Promise<string> => {
      const { stdout } = await execute(programs.pgDump, [...args, '-d', cluster.url(RICH_DATABASE)], { maxBuffer: 1 << 28 });
      // A newer pg_dump sets what an older server does not know; psql stops there, too.
      return major < 17 ? stdout.replace(/^SET transaction_timeout = 0;\n/m, '') : stdout;
    };
    // Around large objects pg_dump writes a transaction, which cannot stand inside of the file's.
    const whole = await dump();
    const line = whole.split('\n').indexOf('BEGIN;') + 1;
    expect(() => parseSqlFile({ path: 'dump.sql', location: '', text: whole, sha256: '' }, parser)).toThrow(
      `dump.sql:${line}:1: BEGIN is not for a migration to say`,
    );
    const text = await dump('--no-blobs');
    expect(text).toMatch(/^COPY .* FROM stdin;$/m);
    await (await open('dump')).applyBoth(text);
  });

  test.skipIf(npm === undefined)(
    `PostgreSQL ${major}: the migrations of graphile-worker are refused at their placeholder, and run without`,
    async () => {
      const directory = path.join(npm?.directory ?? '', 'node_modules/graphile-worker/sql');
      const pair = await open('worker');
      await pair.psql('-c', 'create schema worker');
      await pair.ours.write('migrations/0_schema.sql', 'create schema worker;');
      const names = (await readdir(directory)).filter((each) => each.endsWith('.sql')).sort();
      expect(names.length).toBeGreaterThan(15);
      for (const name of names) {
        const text = await readFile(path.join(directory, name), 'utf8');
        const line = text.split('\n').findIndex((each) => each.includes(':GRAPHILE_WORKER_SCHEMA')) + 1;
        const unchanged = { path: name, location: name, text, sha256: '' };
        if (line > 0) expect(() => parseSqlFile(unchanged, parser)).toThrow(new RegExp(`^${name}:\\d+:\\d+: syntax error at or near ":"`));
        const replaced = text.replaceAll(':GRAPHILE_WORKER_SCHEMA', 'worker');
        const file = `migrations/${name.replace('.sql', '_worker.sql')}`;
        await pair.ours.write(file, replaced);
        await pair.psql('-1', '-f', path.join(pair.ours.directory, file));
      }
      await pair.ours.up();
      await pair.expectEqual();
    },
  );

  test.skipIf(npm === undefined)(
    `PostgreSQL ${major}: the schema of pg-boss runs once its own BEGIN and COMMIT are taken out, which a refusal names`,
    async () => {
      const load = createRequire(path.join(npm?.directory ?? '', 'index.js'));
      const loaded = (await import(load.resolve('pg-boss'))) as Record<string, unknown> & { readonly default?: unknown };
      const text = plansOf(loaded);
      const begin = /^\s*BEGIN;/m.exec(text);
      expect(begin).not.toBeNull();
      const line = text.slice(0, text.indexOf('BEGIN;')).split('\n').length;
      expect(() => parseSqlFile({ path: 'boss.sql', location: '', text, sha256: '' }, parser)).toThrow(
        new RegExp(`^boss\\.sql:${line}:\\d+: BEGIN is not for a migration to say`),
      );
      await (await open('boss')).applyBoth(text.replace(/^\s*BEGIN;/m, '').replace(/^\s*COMMIT;/m, ''));
    },
  );

  test(`PostgreSQL ${major}: byte order mark, CRLF, nested dollar quotes, BEGIN ATOMIC and strings in parts mean what they mean to psql`, async () => {
    // psql keeps the carriage returns inside of function bodies; here a file is the same whoever's editor saved it.
    await (await open('forms')).applyBoth(FORMS, (text) => `\ufeff${text.replaceAll('\n', '\r\n')}`);
  });

  test(`PostgreSQL ${major}: the scripts of contrib extensions are refused at psql's line and at MODULE_PATHNAME, and all of them can be read`, async () => {
    const directory = await extensionDirectory(programs);
    const names = (await readdir(directory)).filter((each) => each.endsWith('.sql'));
    expect(names.length).toBeGreaterThan(30);
    for (const name of names) {
      const text = await readFile(path.join(directory, name), 'utf8');
      const parse = (body: string): unknown => parseSqlFile({ path: name, location: name, text: body, sha256: '' }, parser);
      const line = text.split('\n').findIndex((each) => each.startsWith('\\')) + 1;
      if (line > 0) expect(() => parse(text)).toThrow(new RegExp(`^${escaped(name)}:${line}:1: "\\\\echo .*" is for psql, not SQL`, 's'));
      const rest = text.replaceAll(/^\\.*$/gm, '').replaceAll(/@ext\w+(?::\w+)?@/g, 'public');
      if (/^\s*[a-z]/im.test(rest.replaceAll(/\/\*.*?\*\/|--.*$/gms, ''))) expect(() => parse(rest)).not.toThrow();
    }
    const pair = await open('contrib');
    await pair.ours.write('migrations/1_c.sql', "select 1;\ncreate function f(int) returns int\nas 'MODULE_PATHNAME' language c;\n");
    expect((await pair.ours.failure()).message).toMatch(/^migrations\/1_c\.sql:2:1: could not access file "MODULE_PATHNAME"/);
  });

  test(
    `PostgreSQL ${major}: many megabytes of statements, one statement of 10 MB and a long COPY pass in bounded time and memory`,
    { timeout: 120_000 + LARGE * 600_000 },
    async () => {
      const pair = await open('large');
      const file = path.join(pair.ours.directory, 'migrations/1_large.sql');
      await pair.ours.write('migrations/1_large.sql', '');
      await writeLarge(file);
      const started = performance.now();
      const peakBytes = await upInChild(pair.ours);
      const seconds = (performance.now() - started) / 1000;
      const sizeBytes = (await stat(file)).size;
      console.log(`${Math.round(sizeBytes / 1e6)} MB of SQL: ${seconds.toFixed(1)} s, ${Math.round(peakBytes / 1e6)} MB of memory`);
      // A text with letters beyond Latin-1 takes two bytes for each, and stays until it is in the history.
      expect(peakBytes).toBeLessThan(400e6 + 9 * sizeBytes);
      expect(seconds).toBeLessThan(20 + sizeBytes / 1e6);
      await pair.psql('-1', '-f', file);
      const count =
        'select (select count(*) from a), (select sum(length(t)) from a), (select count(*) from c), (select sum(hashtext(t)::bigint) from c)';
      const sum = async (url: string): Promise<string> => {
        const sql = postgres(url, { max: 1 });
        const rows = await sql.unsafe(count);
        await sql.end();
        return JSON.stringify(rows);
      };
      expect(await sum(cluster.url('large_ours'))).toBe(await sum(cluster.url('large_psql')));
    },
  );
}

const FORMS = `/* é /* nested */ ; */ create schema odd;
create table odd."a;b" (id int primary key, "t""x" text default 'it''s; \\');
insert into odd."a;b" values (1, E'a\\'b;'), (2, 'first'
  ' second'), (4, U&'\\00e9;'), (5, $$;$$), (6, $o$ $$;$i$ $$ $o$);
create function odd.nested() returns text language plpgsql as $outer$
begin
  execute $inner$ do $deep$ begin perform 1; end $deep$ $inner$; -- $outer
  return $$a;b$$;
end $outer$;
create function odd.atomic(case_ int) returns int begin atomic
  select case when case_ > 0 then (select case when true then 1 end) else 2 end;
  select 3;
end;
create procedure odd.do_it() begin atomic insert into odd."a;b" values (7, 'é😀'); end;
create rule r as on delete to odd."a;b" do also (insert into odd."a;b" values (8, ';'); update odd."a;b" set "t""x" = ';');
copy odd."a;b" from stdin;
20	tab\\there
21	\\N
22	'; $$ /* --
\\.
copy odd."a;b" (id, "t""x") from stdin with (format csv);
30,"quoted, text"
\\.
comment on table odd."a;b" is $c$it's$c$;
`;

function plansOf(loaded: Readonly<Record<string, unknown>>): string {
  for (const holder of [loaded, loaded['PgBoss'], loaded['default']]) {
    const plans = (holder as { readonly getConstructionPlans?: (schema: string) => string } | undefined)?.getConstructionPlans;
    if (plans !== undefined) return plans.call(holder, 'boss');
  }
  throw new Error('pg-boss has no getConstructionPlans');
}

async function extensionDirectory({ psql }: Programs): Promise<string> {
  const { stdout } = await execute('pg_config', ['--sharedir']).catch(() => ({ stdout: '' }));
  const candidates = [stdout.trim(), path.join(path.dirname(psql), '../share')].filter((each) => each !== '');
  for (const candidate of [...candidates, '/usr/share/postgresql/15', '/usr/share/postgresql/17']) {
    const directory = path.join(candidate, 'extension');
    if ((await readdir(directory).catch(() => [])).some((each) => each.startsWith('hstore--'))) return directory;
  }
  throw new Error('no contrib extensions on this machine: install postgresql-contrib');
}

function escaped(text: string): string {
  return text.replaceAll(/[.+]/g, String.raw`\$&`);
}

async function writeLarge(file: string): Promise<void> {
  const stream = createWriteStream(file);
  const write = async (text: string): Promise<void> => {
    if (!stream.write(text)) await new Promise((resolve) => stream.once('drain', resolve));
  };
  await write('create table a (id int, t text);\ncreate table c (id int, t text);\n');
  const filler = 'x;y$$z/*'.repeat(70);
  for (let id = 0; id < 50_000 * LARGE; id += 1) await write(`insert into a values (${id}, '${filler}');\n`);
  await write(`insert into a values (-1, '${'é;'.repeat(3_400_000)}');\n`);
  await write('copy c from stdin;\n');
  for (let id = 0; id < 1_000_000 * LARGE; id += 1) await write(`${id}\t${filler.slice(0, 90)}\n`);
  await write('\\.\n');
  stream.end();
  await finished(stream);
}

/** A run in a process of its own, whose memory is only this; gives the most that it had. */
async function upInChild(project: TestProject): Promise<number> {
  const { connection } = project.options();
  const { directory } = project;
  await writeFile(
    path.join(directory, 'dbadmin.yaml'),
    `version: 1\nclusters:\n  main: { url: "postgresql://${connection.user}@${connection.hosts[0]?.host}:${connection.hosts[0]?.port}/${connection.database}" }\npaths: { migrations: migrations, routines: routines }\n`,
  );
  const cli = new URL('../../../src/cli.ts', import.meta.url).href;
  const main = `const { main } = await import(${JSON.stringify(cli)}); await main(['migrate', 'up', '--no-restore-point']); console.log('peak', process.resourceUsage().maxRSS * 1024);`;
  const { DATABASE_URL: _, ...env } = process.env;
  const child = spawn(process.execPath, ['--input-type=module', '-e', main], { cwd: directory, env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  expect(output).toContain('1 file and 0 routines applied');
  return Number(/^peak (\d+)$/m.exec(output)?.[1]);
}
