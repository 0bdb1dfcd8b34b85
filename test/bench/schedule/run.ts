import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import postgres from 'postgres';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import { judge, machine, table, writeJson, type Figure } from '../backup/results.ts';

const USAGE = `node test/bench/schedule/run.ts [--minutes 4] [--clusters 200] [--jobs 5000] [--json FILE]

A worker with few jobs and one with many: memory, and what the queue asks of the database, at the beginning and at the end.`;
const FEW = { clusters: 2, jobs: 50 };
const CLI = path.resolve(import.meta.dirname, '..', '..', '..', 'bin', 'dbadmin.cjs');
const SAMPLE_MS = 5000;
/** The first minute makes tables, plans and caches. */
const WARM_UP_MS = 60_000;

interface Size {
  readonly clusters: number;
  readonly jobs: number;
}

interface Sample {
  readonly atMs: number;
  readonly rssMb: number;
  readonly runs: number;
  /** Of all statements of the worker so far. */
  readonly calls: number;
  readonly execMs: number;
  /** Of the statement that hands runs out. */
  readonly fetches: number;
  readonly fetchMs: number;
  /** Pages of 8 kB that it looked at: what it costs whatever else the machine does. */
  readonly fetchPages: number;
}

/** The benchmark of the worker. Exit 0 only when all targets are reached. */
async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  const option = (name: string, fallback: string): string =>
    argv.includes(`--${name}`) ? (argv[argv.indexOf(`--${name}`) + 1] ?? '') : fallback;
  const minutes = Number(option('minutes', '4'));
  const many: Size = { clusters: Number(option('clusters', '200')), jobs: Number(option('jobs', '5000')) };
  const json = option('json', '');
  console.log(`${machine()}\n${JSON.stringify({ minutes, few: FEW, many })}`);
  const few = await measure(FEW, minutes);
  const full = await measure(many, minutes);
  const figures: Figure[] = [
    figure('memory with many jobs, by that with few', 'MB', rss(full), rss(few), { kind: 'value-at-most', limit: 400 }),
    figure('memory of the last minute, by the first after warming up', 'MB', rss(lastMinute(full)), rss(firstMinute(full)), {
      kind: 'ratio-at-most',
      limit: 1.15,
    }),
    figure('time of a hand-out in the last minute, by the first', 'ms', [perFetch(lastMinute(full))], [perFetch(firstMinute(full))], {
      kind: 'ratio-at-most',
      limit: 2,
    }),
    figure(
      'pages a hand-out looks at in the last minute, by the first',
      'pages',
      [pagesPerFetch(lastMinute(full))],
      [pagesPerFetch(firstMinute(full))],
      {
        kind: 'ratio-at-most',
        limit: 2,
      },
    ),
    figure('time of a hand-out with many jobs; with few there is mostly nothing to hand out', 'ms', [perFetch(full)], [perFetch(few)], {
      kind: 'value-at-most',
      limit: 5,
    }),
  ];
  const results = figures.map(judge);
  const runs = full.at(-1)?.runs ?? 0;
  console.log(table(results));
  console.log(
    `${runs} runs of ${many.jobs} jobs; ${(perSecond(full) ?? 0).toFixed(1)} statements a second with many, ${(perSecond(few) ?? 0).toFixed(1)} with few`,
  );
  if (json !== '') await writeJson(json, results, { minutes, few: FEW, many });
  return results.every(({ reached }) => reached !== false) && runs > 0 ? 0 : 1;
}

function figure(
  name: string,
  unit: Figure['unit'],
  ours: readonly number[],
  peer: readonly number[],
  target: NonNullable<Figure['target']>,
): Figure {
  return { name, unit, ours, peer: { name: 'before', values: peer }, target };
}

const rss = (samples: readonly Sample[]): readonly number[] => samples.map(({ rssMb }) => rssMb);
const firstMinute = (samples: readonly Sample[]): readonly Sample[] =>
  samples.filter(({ atMs }) => atMs >= WARM_UP_MS && atMs <= 2 * WARM_UP_MS);
const lastMinute = (samples: readonly Sample[]): readonly Sample[] =>
  samples.filter(({ atMs }) => atMs >= (samples.at(-1)?.atMs ?? 0) - 60_000);

function perFetch(samples: readonly Sample[]): number {
  const [first, last] = [samples[0], samples.at(-1)];
  return first === undefined || last === undefined
    ? Number.NaN
    : (last.fetchMs - first.fetchMs) / Math.max(1, last.fetches - first.fetches);
}

function pagesPerFetch(samples: readonly Sample[]): number {
  const [first, last] = [samples[0], samples.at(-1)];
  return first === undefined || last === undefined
    ? Number.NaN
    : (last.fetchPages - first.fetchPages) / Math.max(1, last.fetches - first.fetches);
}

function perSecond(samples: readonly Sample[]): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  return first === undefined || last === undefined ? undefined : ((last.calls - first.calls) * 1000) / (last.atMs - first.atMs);
}

/** A worker of its own on a server of its own, looked at every few seconds. */
async function measure(size: Size, minutes: number): Promise<readonly Sample[]> {
  const cluster = await startEmbeddedCluster({
    major: 17,
    settings: { shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.max': 5000, max_connections: 200 },
  });
  const directory = mkdtempSync(path.join(os.tmpdir(), 'dbadmin-bench-'));
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql`create extension pg_stat_statements`;
  writeProject(directory, cluster.url(), size);
  const child = spawn(process.execPath, [CLI, 'worker', '--name', 'bench', '--listen', 'off', '--no-alerts', '--jobs', '8', '--quiet'], {
    cwd: directory,
    env: { ...process.env, TZ: 'UTC', XDG_STATE_HOME: directory },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  try {
    const samples: Sample[] = [];
    const began = performance.now();
    while (performance.now() - began < minutes * 60_000) {
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
      if (child.exitCode !== null) throw new Error('the worker ended');
      samples.push({ atMs: performance.now() - began, rssMb: rssOf(child.pid ?? 0), ...(await asked(sql)) });
    }
    return samples;
  } finally {
    child.kill('SIGTERM');
    await ended;
    await sql.end({ timeout: 1 });
    await cluster.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Each job every half hour, another minute for each: as many in a minute as thirty minutes have of them. */
function writeProject(directory: string, url: string, { clusters, jobs }: Size): void {
  const names = Array.from({ length: clusters }, (_, index) => `c${index}`);
  const lines = Array.from(
    { length: jobs },
    (_, index) =>
      `  j${index}: { sql: select ${index}, cluster: c${index % clusters}, cron: "${index % 30},${(index % 30) + 30} * * * *", timezone: UTC }`,
  );
  mkdirSync(path.join(directory, 'backups'));
  writeFileSync(
    path.join(directory, 'dbadmin.yaml'),
    `version: 1\nclusters:\n${names.map((name) => `  ${name}: { url: ${JSON.stringify(url)} }`).join('\n')}\ncontrol: { url: ${JSON.stringify(url)} }\n`,
    { mode: 0o600 },
  );
  writeFileSync(path.join(directory, 'backups', 'policies.yaml'), `version: 1\njobs:\n${lines.join('\n')}\n`);
}

function rssOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 'NaN') / 1024;
}

async function asked(sql: postgres.Sql): Promise<Omit<Sample, 'atMs' | 'rssMb'>> {
  const [all] =
    await sql`select coalesce(sum(calls), 0)::float8 as calls, coalesce(sum(total_exec_time), 0) as ms from pg_stat_statements where query like '%dbadmin_jobs.%'`;
  const [fetches] = await sql`
    select coalesce(sum(calls), 0)::float8 as calls, coalesce(sum(total_exec_time), 0) as ms,
        coalesce(sum(shared_blks_hit + shared_blks_read), 0)::float8 as pages from pg_stat_statements
      where query like '%dbadmin_jobs.job_common%' and query like '%SKIP LOCKED%'`;
  const [runs] = await sql`select count(*)::int as done from dbadmin_jobs.run where state = 'succeeded'`.catch(() => []);
  return {
    runs: Number(runs?.['done'] ?? 0),
    calls: Number(all?.['calls']),
    execMs: Number(all?.['ms']),
    fetches: Number(fetches?.['calls']),
    fetchMs: Number(fetches?.['ms']),
    fetchPages: Number(fetches?.['pages']),
  };
}

process.exitCode = await main(process.argv.slice(2));
