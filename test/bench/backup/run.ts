import { mkdir, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import path from 'node:path';
import { BaseBackups } from './base-backup.ts';
import { attempt, type Bench } from './bench.ts';
import { SOURCE_SETTINGS } from './cluster.ts';
import { fullRows } from './full.ts';
import { incrementalRows } from './incremental.ts';
import { memoryRows } from './memory.ts';
import { relationsRows } from './relations.ts';
import { chainRows } from './chain.ts';
import { parseOptions, USAGE, type BenchOptions, type Group } from './options.ts';
import { Ours } from './ours.ts';
import { Peers } from './peers.ts';
import { PgBackRest } from './pgbackrest.ts';
import { judge, machine, table, writeJson, type Figure, type Result } from './results.ts';
import { Source } from './source.ts';
import { inspectFilesystem } from './tree.ts';
import { walReceiveRows } from './wal-receive.ts';

/** Room for the source, a repository of each, a chain of pg_basebackup's, a restored copy, and the WAL of all that. */
const ROOM_FACTOR = 6;
const ROOM_BYTES = 6e9;

const GROUPS: Readonly<Record<Group, (bench: Bench) => Promise<readonly Figure[]>>> = {
  full: fullRows,
  incremental: incrementalRows,
  chain: chainRows,
  relations: relationsRows,
  memory: memoryRows,
  wal: walReceiveRows,
};

/** The benchmark of backups: builds its peers, measures, prints, cleans up. Gives the exit status: 0 only when all targets are reached. */
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
  await mkdir(options.workDirectory, { recursive: true });
  const filesystem = await inspectFilesystem(options.workDirectory, options.sizeBytes * ROOM_FACTOR + ROOM_BYTES);
  try {
    return await measure(options, filesystem, interrupted.signal);
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    return (interrupted.signal.reason as { readonly status: number }).status;
  } finally {
    if (!options.keep) await rm(options.workDirectory, { recursive: true, force: true });
  }
}

async function measure(options: BenchOptions, filesystem: string, signal: AbortSignal): Promise<number> {
  const say = (line: string): void => console.error(line);
  say('building the peers from Debian sid');
  const peers = await Peers.open(path.join(options.workDirectory, 'peers'), signal);
  say(`loading a pgbench database of ${options.sizeBytes / 1e9} GB`);
  const source = await Source.open(peers, 'source', options.sizeBytes);
  try {
    const { server } = source;
    const { cli, profileDirectory } = options;
    const ours = new Ours({ cli, peers, server, profileDirectory });
    const bench: Bench = {
      options,
      peers,
      source,
      ours,
      pgBackRest: new PgBackRest(peers, server),
      baseBackups: new BaseBackups(peers, server),
      say,
    };
    const settings = {
      versions: [await ours.version(), ...(await peers.versions())],
      filesystem: `${options.workDirectory} (${filesystem}): data directory, repositories and restored clusters`,
      server: SOURCE_SETTINGS,
      pgBackRest: PgBackRest.settings,
      pg_basebackup: BaseBackups.settings,
      runs: options.runs,
      sizeBytes: await source.sizeBytes(),
    };
    console.log(`${machine()}\n${JSON.stringify(settings, undefined, 2)}`);
    const results: Result[] = [];
    for (const group of options.groups) {
      const rows = await attempt(bench, group, async () => await GROUPS[group](bench));
      results.push(...rows.map(judge));
      // After each group, so that a run cut short has told what it knows.
      if (options.jsonFile !== undefined) await writeJson(options.jsonFile, results, settings);
    }
    console.log(table(results));
    return results.some(({ reached }) => reached === false) ? 1 : 0;
  } finally {
    await source.server.stop();
  }
}

process.exitCode = await main();
