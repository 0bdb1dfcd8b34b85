import { mkdir, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import { judge, machine, table, writeJson, type Result } from '../backup/results.ts';
import { CORE_LOAD } from './core-load.ts';
import { parseOptions, USAGE, type BenchOptions } from './options.ts';
import { RAW_LOAD } from './raw-load.ts';
import { RECOMMEND } from './recommend.ts';
import { REFRESH } from './refresh.ts';
import { REPORT } from './report.ts';
import { openBench, type FigureGroup } from './world.ts';

/** A group is a file: what it measures stands in it, and here only its place. */
const GROUPS: readonly FigureGroup[] = [RAW_LOAD, CORE_LOAD, REFRESH, REPORT, RECOMMEND];

/** As a server of this size would be set, and no more: the rest is as initdb leaves it. */
const SETTINGS = { shared_buffers: '1GB', max_wal_size: '8GB', checkpoint_timeout: '30min', maintenance_work_mem: '256MB' };

/** The benchmark of the warehouse. Exit 0 only when all targets are reached. */
async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(USAGE);
    return 0;
  }
  const unknown = options.only.find((name) => GROUPS.every((group) => group.name !== name));
  if (unknown !== undefined) throw new Error(`there is no group ${unknown}; there are ${GROUPS.map(({ name }) => name).join(', ')}`);
  const interrupted = new AbortController();
  // Each time: the second would end this process at once, and leave what it started.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => interrupted.abort(Object.assign(new Error(name), { status: 128 + constants.signals[name] })));
  await rm(options.workDirectory, { recursive: true, force: true });
  await mkdir(options.workDirectory, { recursive: true });
  const cluster = await startEmbeddedCluster({ major: options.major, settings: SETTINGS });
  const bench = openBench(cluster, options, interrupted.signal);
  try {
    return await measure(options, bench);
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    return (interrupted.signal.reason as { readonly status: number }).status;
  } finally {
    await bench.close();
    await cluster.stop();
    await rm(options.workDirectory, { recursive: true, force: true });
  }
}

async function measure(options: BenchOptions, bench: ReturnType<typeof openBench>): Promise<number> {
  const settings = { server: `PostgreSQL ${options.major}`, ...SETTINGS, plays: options.plays, rows: options.rows, runs: options.runs };
  console.log(`${machine()}\n${JSON.stringify(settings, undefined, 2)}`);
  const results: Result[] = [];
  for (const { name, measure: figures } of GROUPS) {
    if (options.only.length > 0 && !options.only.includes(name)) continue;
    bench.signal.throwIfAborted();
    results.push(...(await figures(bench)).map(judge));
    // After each group, so that a run cut short has told what it knows.
    if (options.jsonFile !== undefined) await writeJson(options.jsonFile, results, settings);
  }
  console.log(table(results));
  return results.some(({ reached }) => reached === false) ? 1 : 0;
}

process.exitCode = await main();
