import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { systemClock } from '../../src/base/clock.ts';
import { fetchSegment } from '../../src/backup/wal/get-run.ts';
import { listClusters, type ClusterIdentity } from '../../src/repository/identity.ts';
import { parseLsn } from '../../src/postgres/lsn.ts';
import { listBackups } from '../../src/repository/manifest.ts';
import { openRepository, type Repository } from '../../src/repository/repository.ts';
import { readCoverage, reachFrom } from '../../src/repository/wal-coverage.ts';
import { openDiskStore } from '../../src/storage/disk.ts';
import { makeRepository } from '../backup/repository.ts';
import { verifyEverything } from '../backup/verify-report.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import type { FaultKind } from './broken-store.ts';
import type { ChildAnswer, ChildTask } from './sweep-child.ts';
import { runSwept, type Swept, type SweptPlace } from './sweep-operations.ts';

const CHILD = path.join(import.meta.dirname, 'sweep-child.ts');
/** No operation of the sweep takes as long: it hangs. */
const HANG_MS = 120_000;

/** What a run with a fault came to: `undefined` where the process was killed. */
export type Outcome = ChildAnswer['outcome'] | undefined;

export async function openPlain(directory: string): Promise<Repository> {
  return await openRepository(await openDiskStore(directory), { kind: 'none' });
}

export async function clusterOf(repository: Repository): Promise<ClusterIdentity> {
  const [cluster] = await listClusters(repository);
  if (cluster === undefined) throw new Error('the repository holds no cluster');
  return cluster;
}

export async function labelsOf(repository: Repository): Promise<readonly string[]> {
  const [cluster] = await listClusters(repository);
  return cluster === undefined ? [] : (await listBackups(repository, cluster.systemIdentifier)).map(({ label }) => label);
}

/** Up to where each backup can be recovered, by its label: where the WAL since its start breaks off. */
export async function reachesOf(repository: Repository): Promise<ReadonlyMap<string, bigint>> {
  const [cluster] = await listClusters(repository);
  if (cluster === undefined) return new Map();
  const { systemIdentifier, walSegmentBytes } = cluster;
  const coverage = await readCoverage(repository, systemIdentifier, walSegmentBytes);
  const backups = await listBackups(repository, systemIdentifier);
  return new Map(backups.map(({ label, startLsn }) => [label, reachFrom(coverage.timelines.get(1), parseLsn(startLsn)) ?? 0n] as const));
}

/** The same of the newest. */
export async function reachOf(repository: Repository): Promise<bigint> {
  return [...(await reachesOf(repository)).values()].at(-1) ?? 0n;
}

/** Up to when it is known that all WAL is there. */
export async function knownUntil(repository: Repository): Promise<Date | undefined> {
  const { systemIdentifier, walSegmentBytes } = await clusterOf(repository);
  return (await readCoverage(repository, systemIdentifier, walSegmentBytes)).timelines.get(1)?.horizon?.at;
}

/** What a verification that reads everything finds. */
export async function faultsOf(repository: Repository): Promise<readonly unknown[]> {
  const { faults } = await verifyEverything(repository, await clusterOf(repository), systemClock);
  return faults;
}

/** A cluster, repositories as the operations find them, and where each of them is done. */
export class Scene {
  readonly cluster: TestCluster;
  readonly sql: postgres.Sql;
  /** Where operations are done: as its template says, each time. */
  readonly work: string;
  readonly place: Omit<SweptPlace, 'open' | 'parameters'>;
  readonly #directory: string;
  readonly #wanted: string[] = [];
  #round = 0;
  #waiting: ChildProcess | undefined;

  constructor(cluster: TestCluster, directory: string) {
    this.cluster = cluster;
    this.#directory = directory;
    this.work = path.join(directory, 'work');
    this.place = { directory: this.work, receiveMs: 700, pushed: '', wanted: this.#wanted };
    this.sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  }

  async repository(): Promise<Repository> {
    return await openPlain(path.join(this.work, 'repository'));
  }

  /** Something for every operation to do; a table that does not grow. */
  async change(switches = true): Promise<void> {
    this.#round += 1;
    await this.sql`delete from numbered where round < ${this.#round - 3}`;
    await this.sql`insert into numbered select ${this.#round}, repeat(md5(g::text), 4) from generate_series(1, 200) g`;
    await this.sql`update numbered set filler = md5(random()::text) where round = ${this.#round - 2}`;
    if (this.#round % 20 === 0) await this.sql`vacuum numbered`;
    if (switches) await this.sql`select pg_switch_wal()`;
  }

  /** The operation, with nothing going wrong. */
  async run(operation: Swept, changes: Pick<SweptPlace, 'from' | 'backup'> = {}): Promise<readonly string[]> {
    return await runSwept(operation, { ...this.place, ...changes, parameters: this.cluster.parameters(), open: openPlain });
  }

  /** Everything begins anew: an empty repository, and no slot. */
  async clear(): Promise<void> {
    await rm(this.work, { recursive: true, force: true });
    await this.sql`select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = 'dbadmin'`;
    await makeRepository(path.join(this.work, 'repository'));
  }

  async save(template: string): Promise<void> {
    await cp(this.work, path.join(this.#directory, template), { recursive: true, preserveTimestamps: true });
  }

  async lay(template: string): Promise<void> {
    await rm(this.work, { recursive: true, force: true });
    await cp(path.join(this.#directory, template), this.work, { recursive: true, preserveTimestamps: true });
  }

  /** Makes the templates: `plain`, which has two backups, WAL since, and an open segment; `many`, of whose backups two are to go. */
  async prepare(): Promise<void> {
    await this.clear();
    await this.sql`create table numbered (round int, filler text)`;
    await this.run('backup');
    await this.change();
    await this.receiveAll();
    await this.change();
    await this.run('backup');
    await this.change();
    const [whole = ''] = await this.sql<{ name: string }[]>`select pg_walfile_name(pg_current_wal_lsn()) as name`.then(namesOf);
    await this.change();
    await this.change(false);
    const [open = ''] = await this.sql<{ name: string }[]>`select pg_walfile_name(pg_current_wal_insert_lsn()) as name`.then(namesOf);
    await this.receiveAll();
    this.#wanted.push(whole, open, '00000002.history');
    await makeRepository(path.join(this.work, 'copy'));
    await this.save('plain');
    await rm(path.join(this.work, 'copy'), { recursive: true });
    await this.sql`select pg_switch_wal()`;
    const bytes = await this.#receiveUntil(
      async (repository) => await fetchSegment({ repository, clusterName: 'main', systemIdentifier: undefined }, open),
    );
    const pushed = path.join(this.#directory, open);
    await writeFile(pushed, bytes);
    Object.assign(this.place, { pushed });
    for (const operation of ['backup', 'expire', 'backup', 'backup'] as const) {
      await this.change();
      await this.run(operation);
    }
    // WAL that no backup has for its own, which an expiry that goes too far would take.
    await this.change();
    await this.change(false);
    await this.receiveAll();
    await this.save('many');
    await this.#expectWalBehind(['plain', 'many']);
  }

  /** Where nothing follows the newest backup, no loss of WAL would show. */
  async #expectWalBehind(templates: readonly string[]): Promise<void> {
    for (const template of templates) {
      const repository = await openPlain(path.join(this.#directory, template, 'repository'));
      const { systemIdentifier, walSegmentBytes } = await clusterOf(repository);
      const stop = parseLsn((await listBackups(repository, systemIdentifier)).at(-1)?.stopLsn ?? '0/0');
      if ((await reachOf(repository)) <= stop + BigInt(walSegmentBytes)) throw new Error(`${template} has no WAL behind its newest backup`);
    }
  }

  /** Receives until everything that the server has is stored. */
  async receiveAll(): Promise<void> {
    const [row] = await this.sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
    await this.#receiveUntil(async (repository) => ((await reachOf(repository)) >= parseLsn(row?.lsn ?? '0/0') ? true : undefined));
  }

  /** On a machine that is busy it takes its time. */
  async #receiveUntil<T>(found: (repository: Repository) => Promise<T | undefined>): Promise<T> {
    for (const deadline = Date.now() + 90_000; Date.now() < deadline;) {
      await this.run('receive');
      const value = await found(await this.repository());
      if (value !== undefined) return value;
    }
    throw new Error('what the server has was not received in time');
  }

  /** Makes `plain` for dumps: one backup, which they must leave alone. */
  async prepareForDumps(): Promise<void> {
    await this.clear();
    await this.sql`create table numbered (round int, filler text)`;
    await this.change();
    await this.run('backup');
    await this.save('plain');
  }

  /** Runs an operation in a process of its own, with one call going wrong. */
  async breakAt(
    operation: Swept,
    kind: FaultKind,
    at: number,
  ): Promise<{ readonly calls?: ChildAnswer['calls']; readonly outcome: Outcome }> {
    const { password, ...parameters } = this.cluster.parameters();
    const killing = path.join(this.#directory, 'killing');
    await rm(killing, { force: true });
    const task: ChildTask = { operation, place: this.place, parameters, password: password?.reveal() ?? null, kind, at, killing };
    const child = this.#waiting ?? fork(CHILD);
    // The next one loads its modules meanwhile.
    this.#waiting = fork(CHILD);
    const answered = once(child, 'message').then(([answer]) => answer as ChildAnswer);
    const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    const hangs = setTimeout(() => child.kill('SIGTERM'), HANG_MS);
    child.send(task);
    const [status, signal] = await ended;
    clearTimeout(hangs);
    if (signal === 'SIGKILL' && existsSync(killing)) return { outcome: undefined };
    if (status !== 0)
      throw new Error(`${operation}, ${kind} at ${at}: the process ended with ${signal ?? status}, which no failure may do`);
    return await answered;
  }

  async stop(): Promise<void> {
    this.#waiting?.kill('SIGKILL');
    await this.sql.end();
    await this.cluster.stop();
  }
}

function namesOf(rows: readonly { readonly name: string }[]): readonly string[] {
  return rows.map(({ name }) => name);
}
