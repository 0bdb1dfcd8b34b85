import { mkdir, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import postgres from 'postgres';
import { isDbadminError } from '../../../src/base/errors.ts';
import { findClientProgram } from '../../../src/postgres/programs.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { run } from '../backup/processes.ts';
import { judge, machine, table, writeJson, type Figure, type Result, type Target } from '../backup/results.ts';
import { makeContenders, type Contender } from './contenders.ts';
import { parseOptions, USAGE, type BenchOptions } from './options.ts';

const MAJOR = 17;
/** What initdb gives; clusters for tests are smaller and wait for no disk, which is most of what committing a migration takes. */
const AS_INITDB = { max_connections: 100, shared_buffers: '128MB', fsync: 'on' } as const;
const BASELINE = 'psql, one file';
/** Of a run with nothing to do, of status and of lint, every file read, by how many files at most. */
const READING_SECONDS: readonly { readonly files: number; readonly seconds: number }[] = [
  { files: 1000, seconds: 0.3 },
  { files: 10_000, seconds: 1 },
];
const APPLY_RATIO = 1.4;

/** The benchmark of migrations: everybody applies the same files in turn, then finds nothing to do. Exit 0 only when all targets are reached. */
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
  const cluster = await startEmbeddedCluster({ major: MAJOR, settings: AS_INITDB });
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
  const settings = { server: `PostgreSQL ${MAJOR}, as initdb configures it, fsync on`, runs: options.runs, sizes: options.sizes };
  console.log(`${machine()}\n${JSON.stringify(settings, undefined, 2)}`);
  const psql = await findPsql();
  const results: Result[] = [];
  for (const size of options.sizes) {
    const contenders = await makeContenders(options, size, psql);
    const times = await runAll(contenders, options, cluster, size, signal);
    results.push(...figures(times, size).map(judge));
    // After each size, so that a run cut short has told what it knows.
    if (options.jsonFile !== undefined) await writeJson(options.jsonFile, results, settings);
  }
  console.log(table(results));
  return results.some(({ reached }) => reached === false) ? 1 : 0;
}

interface Times {
  readonly apply: number[];
  readonly noOp: number[];
  readonly memory: number[];
  readonly reads: Map<string, number[]>;
}

async function runAll(
  contenders: readonly Contender[],
  { runs }: BenchOptions,
  cluster: TestCluster,
  size: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Times>> {
  const times = new Map<string, Times>(
    contenders.map(({ name }) => [name, { apply: [], noOp: [], memory: [], reads: new Map<string, number[]>() }]),
  );
  for (let round = 0; round < runs; round += 1) {
    for (const [at] of contenders.entries()) {
      const contender = contenders[(at + round) % contenders.length];
      const own = times.get(contender?.name ?? '');
      if (contender === undefined || own === undefined || (contender.once === true && round > 0)) continue;
      const name = `bench_${size}`;
      const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
      await sql.unsafe(`drop database if exists ${name}`);
      await sql.unsafe(`create database ${name}`);
      await sql.unsafe('checkpoint');
      await sql.end();
      const url = cluster.url(name);
      await contender.prepare?.(url);
      const { directory, env } = contender;
      const work = { cwd: directory, env: env?.(url) ?? process.env };
      const applied = await run(contender.command(url), signal, work);
      await expectTables(url, size);
      own.apply.push(applied.seconds);
      own.memory.push(applied.peakRssBytes / 1e6);
      const noOp = contender.applyOnly === true ? undefined : await run(contender.command(url), signal, work);
      if (noOp !== undefined) own.noOp.push(noOp.seconds);
      for (const [what, command] of contender.alsoReads ?? []) {
        const { seconds } = await run(command, signal, work);
        own.reads.set(what, [...(own.reads.get(what) ?? []), seconds]);
      }
      console.error(
        `  ${size} files, ${contender.name}: apply ${applied.seconds.toFixed(2)} s, no-op ${noOp?.seconds.toFixed(3) ?? '–'} s`,
      );
    }
  }
  return times;
}

/** A contender that skipped something is not fast. */
async function expectTables(url: string, size: number): Promise<void> {
  const sql = postgres(url, { max: 1 });
  const [row] = await sql<{ tables: number }[]>`select count(*)::int as tables from pg_class where relname ~ '^m_[0-9]+$'`;
  await sql.end();
  if (row?.tables !== size) throw new Error(`${row?.tables ?? 0} of ${size} tables were made`);
}

function figures(times: ReadonlyMap<string, Times>, size: number): readonly Figure[] {
  const own = times.get('dbadmin');
  if (own === undefined) return [];
  const limit = READING_SECONDS.find(({ files }) => size <= files)?.seconds;
  const noOpTarget: Pick<Figure, 'target'> = limit === undefined ? {} : { target: { kind: 'value-at-most', limit } };
  // Of status and lint no time is promised for fewer.
  const readsTarget = size < 10_000 ? {} : noOpTarget;
  const applyTarget: Target = { kind: 'ratio-at-most', limit: APPLY_RATIO };
  const files = `${size.toLocaleString('en')} files`;
  const rows: Figure[] = [];
  for (const [name, { apply, noOp }] of times) {
    if (name === 'dbadmin') continue;
    const target = name === BASELINE ? { target: applyTarget } : {};
    rows.push({ name: `apply ${files}`, unit: 's', ours: own.apply, peer: { name, values: apply }, ...target });
    if (noOp.length > 0) rows.push({ name: `no-op ${files}`, unit: 's', ours: own.noOp, peer: { name, values: noOp }, ...noOpTarget });
  }
  for (const [what, values] of own.reads) rows.push({ name: `${what} ${files}`, unit: 's', ours: values, ...readsTarget });
  rows.push({ name: `memory of apply, ${files}`, unit: 'MB', ours: own.memory });
  return rows.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

async function findPsql(): Promise<string | undefined> {
  try {
    return (await findClientProgram('psql', { atLeastMajor: 14 }, process.env)).path;
  } catch (error) {
    if (!isDbadminError(error, 'program-missing')) throw error;
    console.error('there is no psql on this machine: nothing to compare the target of apply with');
    return undefined;
  }
}

process.exitCode = await main();
