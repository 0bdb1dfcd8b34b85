import { mkdir, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import path from 'node:path';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { run, type Ended } from '../backup/processes.ts';
import { judge, machine, table, writeJson, type Figure, type Result } from '../backup/results.ts';
import { parseOptions, USAGE, type BenchOptions } from './options.ts';
import { connect, GROUPS, makeTables, namedFile, rolesFile, SCHEMAS, written } from './tables.ts';

/** Of a plan, by how many tables at most. */
const PLAN_SECONDS: readonly { readonly tables: number; readonly seconds: number }[] = [
  { tables: 50_000, seconds: 2 },
  { tables: 100_000, seconds: 4 },
];
const PLAN_MEGABYTES = 300;
const EXIT_DRIFT = 2;

/** The benchmark of roles: plans and applies on many tables. Exit 0 only when all targets are reached. */
async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(USAGE);
    return 0;
  }
  const interrupted = new AbortController();
  // Each time: the second would end this process at once, and leave what it started.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => interrupted.abort(Object.assign(new Error(name), { status: 128 + constants.signals[name] })));
  await rm(options.workDirectory, { recursive: true, force: true });
  await mkdir(options.workDirectory, { recursive: true });
  // Nothing writes but the commands that are measured, so that what they write can be told.
  const settings = { autovacuum: 'off', wal_level: 'minimal', max_wal_senders: '0', checkpoint_timeout: '1d' };
  const cluster = await startEmbeddedCluster({ major: options.major, settings });
  try {
    return await measure(options, cluster, interrupted.signal);
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    return (interrupted.signal.reason as { readonly status: number }).status;
  } finally {
    await cluster.stop();
    await rm(options.workDirectory, { recursive: true, force: true });
  }
}

async function measure(options: BenchOptions, cluster: TestCluster, signal: AbortSignal): Promise<number> {
  const settings = {
    server: `PostgreSQL ${options.major}, lock table as initdb configures it`,
    runs: options.runs,
    sizes: options.sizes,
    schemas: SCHEMAS,
    grantees: GROUPS,
  };
  console.log(`${machine()}\n${JSON.stringify(settings, undefined, 2)}`);
  const results: Result[] = [];
  const add = async (figures: readonly Figure[]): Promise<void> => {
    results.push(...figures.map(judge));
    // After each part, so that a run cut short has told what it knows.
    if (options.jsonFile !== undefined) await writeJson(options.jsonFile, results, settings);
  };
  for (const size of options.sizes) await add(await ofSize(options, cluster, size, signal));
  await add(await ofNames(options, cluster, signal));
  console.log(table(results));
  return results.some(({ reached }) => reached === false) ? 1 : 0;
}

/** Plans that find nothing, little and everything to do, and an apply of each. */
async function ofSize(options: BenchOptions, cluster: TestCluster, size: number, signal: AbortSignal): Promise<readonly Figure[]> {
  const admin = connect(cluster.url());
  await admin.unsafe('create database bench');
  const sql = connect(cluster.url('bench'));
  try {
    console.error(`  making ${size} tables`);
    await makeTables(sql, size);
    await sql.unsafe('analyze');
    await admin.unsafe('checkpoint');
    const file = await write(options, `roles-${size}.yaml`, rolesFile());
    const dbadmin = commandOn(options, cluster, file, signal);
    const everything = await repeat(options.runs, async () => await dbadmin(['plan'], EXIT_DRIFT));
    const first = await dbadmin(['apply', '--yes'], 0);
    // As autovacuum would; it is off so that nobody else writes.
    await sql.unsafe('vacuum analyze pg_catalog.pg_class');
    const nothing = await repeat(options.runs, async () => await dbadmin(['plan'], 0));
    const before = await written(sql);
    const noOp = await repeat(options.runs, async () => await dbadmin(['apply', '--yes'], 0));
    const after = await written(sql);
    await sql.unsafe(
      `do $$ begin for i in 0..${Math.floor(size / SCHEMAS / 100)} loop execute format('revoke select on s0.t%s from g0', i * 97 % ${size / SCHEMAS}); end loop; end $$`,
    );
    const drift = await repeat(options.runs, async () => await dbadmin(['plan'], EXIT_DRIFT));
    const again = await regrant(sql);
    await dbadmin(['apply', '--yes'], 0);
    return figures(size, { everything, first, nothing, noOp, drift, again, before, after });
  } finally {
    await sql.end();
    await admin.unsafe('drop database bench');
    await admin.unsafe(`drop role owner, ${Array.from({ length: GROUPS }, (_, index) => `g${index}`).join(', ')}`);
    await admin.end();
  }
}

interface Measured {
  readonly everything: readonly Ended[];
  readonly first: Ended;
  readonly nothing: readonly Ended[];
  readonly noOp: readonly Ended[];
  readonly drift: readonly Ended[];
  readonly again: number;
  readonly before: Awaited<ReturnType<typeof written>>;
  readonly after: Awaited<ReturnType<typeof written>>;
}

function figures(size: number, measured: Measured): readonly Figure[] {
  const tables = `${size.toLocaleString('en')} tables`;
  const limit = PLAN_SECONDS.find((each) => size <= each.tables)?.seconds;
  const quick: Pick<Figure, 'target'> = limit === undefined ? {} : { target: { kind: 'value-at-most', limit } };
  const small: Pick<Figure, 'target'> = { target: { kind: 'value-at-most', limit: PLAN_MEGABYTES } };
  const seconds = (ended: readonly Ended[]): readonly number[] => ended.map((each) => each.seconds);
  const megabytes = (ended: readonly Ended[]): readonly number[] => ended.map((each) => each.peakRssBytes / 1e6);
  const walBytes = measured.after.walBytes - measured.before.walBytes;
  const hasWritten = walBytes > 0 || measured.after.next !== measured.before.next;
  const failed = hasWritten ? { failed: `it wrote ${walBytes} bytes of log, transactions up to ${measured.after.next}` } : {};
  const again = { name: `granting it again to one of ${GROUPS}`, values: [measured.again] };
  return [
    { name: `plan, in sync, ${tables}`, unit: 's', ours: seconds(measured.nothing), ...quick },
    { name: `plan, in sync, ${tables}: memory`, unit: 'MB', ours: megabytes(measured.nothing), ...small },
    { name: `plan, 1 % of a schema drifted, ${tables}`, unit: 's', ours: seconds(measured.drift), ...quick },
    { name: `plan, everything to do, ${tables}`, unit: 's', ours: seconds(measured.everything), ...quick },
    { name: `plan, everything to do, ${tables}: memory`, unit: 'MB', ours: megabytes(measured.everything), ...small },
    { name: `first apply, ${tables}`, unit: 's', ours: [measured.first.seconds] },
    { name: `apply with nothing to do, ${tables}`, unit: 's', ours: seconds(measured.noOp), peer: again },
    {
      name: `log written by ${measured.noOp.length} such applies`,
      unit: 'MB',
      ours: [walBytes / 1e6],
      target: { kind: 'value-at-most', limit: 0 },
      ...failed,
    },
  ];
}

/** What a tool does that does not compare, for one of the groups: each table's row is written anew. */
async function regrant(sql: ReturnType<typeof connect>): Promise<number> {
  const startedMs = performance.now();
  for (let schema = 0; schema < SCHEMAS; schema += 1) await sql.unsafe(`grant select on all tables in schema s${schema} to g0`);
  return (performance.now() - startedMs) / 1000;
}

/** An apply that must name every table, with the lock table as it comes. */
async function ofNames(options: BenchOptions, cluster: TestCluster, signal: AbortSignal): Promise<readonly Figure[]> {
  const admin = connect(cluster.url());
  await admin.unsafe('create database named');
  const sql = connect(cluster.url('named'));
  try {
    await sql.unsafe('create schema many');
    for (let from = 0; from <= options.named; from += 1000) {
      const to = Math.min(options.named, from + 999);
      await sql.unsafe(`do $$ begin for i in ${from}..${to} loop execute format('create table many.t%s ()', i); end loop; end $$`);
    }
    const file = await write(options, 'named.yaml', namedFile('named'));
    const applied = await commandOn(options, cluster, file, signal)(['apply', '--yes'], 0);
    const [row] = await sql<{ tables: number }[]>`
      select count(*)::int as tables from pg_class where relnamespace = 'many'::regnamespace and has_table_privilege('reader', oid, 'select')`;
    const failed = row?.tables === options.named ? {} : { failed: `${row?.tables ?? 0} tables can be read` };
    const name = `apply that names ${options.named.toLocaleString('en')} tables, PostgreSQL ${options.major}`;
    return [{ name, unit: 's', ours: [applied.seconds], ...failed }];
  } finally {
    await sql.end();
    await admin.end();
  }
}

async function write(options: BenchOptions, name: string, text: string): Promise<string> {
  const file = path.join(options.workDirectory, name);
  await writeFile(file, text);
  return file;
}

function commandOn(
  options: BenchOptions,
  cluster: TestCluster,
  file: string,
  signal: AbortSignal,
): (args: readonly string[], status: number) => Promise<Ended> {
  return async (args, status) => {
    const command = [process.execPath, options.cli, 'roles', ...args, '--file', file, '--url', cluster.url()];
    const ended = await run(command, signal, { cwd: options.workDirectory, expect: [status] });
    console.error(`  roles ${args[0] ?? ''}: ${ended.seconds.toFixed(2)} s, ${(ended.peakRssBytes / 1e6).toFixed(0)} MB`);
    return ended;
  };
}

async function repeat<T>(times: number, work: () => Promise<T>): Promise<readonly T[]> {
  const done: T[] = [];
  for (let index = 0; index < times; index += 1) done.push(await work());
  return done;
}

process.exitCode = await main();
