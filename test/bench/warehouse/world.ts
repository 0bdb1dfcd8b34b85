import { createConnection } from 'node:net';
import path from 'node:path';
import postgres from 'postgres';
import { isLoadable } from '../../../src/spotify/load/formats.ts';
import { findSources } from '../../../src/spotify/load/inspect.ts';
import { finishLoad, loadSource, type LoadResult } from '../../../src/spotify/load/run.ts';

import { writeGenerated, type GenerateOptions } from '../../../src/spotify/generate/run.ts';
import { migrateWarehouse, PROJECT } from '../../live/spotify/warehouse.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import type { Figure } from '../backup/results.ts';
import type { BenchOptions } from './options.ts';

/** A warehouse of many plays, refreshed and measured. */
export interface World {
  readonly sql: postgres.Sql;
  readonly url: string;
  /** What was loaded, file by file. */
  readonly loads: readonly LoadResult[];
  /** Seconds that the first refresh of the marts took. */
  readonly firstRefresh: number;
}

/** What a group of figures is measured with. */
export interface Bench {
  readonly options: BenchOptions;
  readonly signal: AbortSignal;
  /** An empty warehouse; who asks for it drops it. */
  emptyWarehouse(): Promise<{ readonly sql: postgres.Sql; readonly drop: () => Promise<void> }>;
  /** Generated files; gives their directory. */
  files(name: string, options: GenerateOptions): Promise<string>;
  /** Made when it is first asked for, and the same for all groups. */
  world(): Promise<World>;
}

/** Rows of the table that belong together, in the order in which they are measured. */
export interface FigureGroup {
  readonly name: string;
  readonly measure: (bench: Bench) => Promise<readonly Figure[]>;
}

const LISTENERS = 20;

export function openBench(cluster: TestCluster, options: BenchOptions, signal: AbortSignal): Bench & { close(): Promise<void> } {
  const admin = connect(cluster.url());
  let template: Promise<void> | undefined;
  let world: Promise<World> | undefined;
  let databases = 0;
  const open: postgres.Sql[] = [];
  const create = async (): Promise<{ readonly sql: postgres.Sql; readonly url: string; readonly name: string }> => {
    template ??= (async () => {
      await admin.unsafe('create database template_warehouse');
      await migrateWarehouse(cluster.url('template_warehouse'));
    })();
    await template;
    const name = `warehouse_${(databases += 1)}`;
    await admin.unsafe(`create database ${name} template template_warehouse`);
    const sql = connect(cluster.url(name));
    open.push(sql);
    return { sql, url: cluster.url(name), name };
  };
  const bench: Bench = {
    options,
    signal,
    emptyWarehouse: async () => {
      const { sql, name } = await create();
      return {
        sql,
        drop: async () => {
          await sql.end();
          await admin.unsafe(`drop database ${name}`);
        },
      };
    },
    files: async (name, generate) => {
      const directory = path.join(options.workDirectory, name);
      await writeGenerated(directory, generate);
      return directory;
    },
    world: async () => {
      world ??= create().then(async ({ sql, url }) => await fill(bench, sql, url));
      return await world;
    },
  };
  return {
    ...bench,
    close: async () => {
      for (const sql of open) await sql.end();
      await admin.end();
    },
  };
}

async function fill(bench: Bench, sql: postgres.Sql, url: string): Promise<World> {
  const { plays } = bench.options;
  console.error(`  making a warehouse of ${plays.toLocaleString('en')} plays`);
  const directory = await bench.files('world', { listeners: LISTENERS, plays, seed: 1 });
  // The catalogue first: histories find their tracks in it.
  const loads = [...(await loadFiles(bench, sql, path.join(directory, 'songs.csv'))), ...(await loadFiles(bench, sql, directory))];
  const startedMs = performance.now();
  const { marts } = await finishLoad(sql, { marts: true });
  if (marts.status !== 'refreshed') throw new Error(`the marts were not refreshed: ${JSON.stringify(marts)}`);
  const firstRefresh = (performance.now() - startedMs) / 1000;
  await sql.unsafe('vacuum analyze');
  return { sql, url, loads: loads.filter(({ status }) => status === 'received'), firstRefresh };
}

/** Loads what is below `target`, as the command does before it links and refreshes. */
export async function loadFiles(bench: Bench, sql: postgres.Sql, target: string, listener?: string): Promise<readonly LoadResult[]> {
  const results: LoadResult[] = [];
  for (const source of await findSources(target, { stdin: process.stdin, cwd: PROJECT, encoding: undefined })) {
    if (!isLoadable(source.recognised)) continue;
    results.push(await loadSource(sql, source, { listener, signal: bench.signal, onProgress: () => undefined }));
  }
  return results;
}

/** Times as `openClient` opens it for a load: nothing is prepared by name, and nothing is kept back. */
function connect(url: string): postgres.Sql {
  const { hostname: host, port } = new URL(url);
  return postgres(url, {
    max: 1,
    prepare: false,
    fetch_types: false,
    onnotice: () => undefined,
    ...({ socket: () => createConnection({ host, port: Number(port), noDelay: true }) } as object),
  });
}

export async function repeat<T>(times: number, work: (turn: number) => Promise<T>): Promise<readonly T[]> {
  const done: T[] = [];
  for (let turn = 0; turn < times; turn += 1) done.push(await work(turn));
  return done;
}

/** Seconds that `work` takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}
