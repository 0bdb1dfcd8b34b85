import { chown, mkdir } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import type { TestCluster } from '../postgres/cluster.ts';

const TABLES = 4;
const PLACES = 2;
const TEMPLATES = ['source_0', 'source_1'];
/** Moved as a whole from tablespace to tablespace. */
const WANDERER = 'wanderer';
/** Database numbers that are given out again and again. */
const FIRST_OID = 90_000;

/** Settings of a server that can do all of it. */
export const WORK_SETTINGS = { autovacuum: 'off', max_prepared_transactions: 5 };

export interface RandomWork {
  /** Some of everything that changes files in its own way. */
  run(steps: number): Promise<void>;
  /** Where a tablespace is now, for pg_basebackup --tablespace-mapping. */
  readonly tablespaces: readonly string[];
  /** All databases there are but template0 and the system's own. */
  readonly databases: readonly string[];
  /** What was done, for whoever wants to know what a seed came to. */
  readonly done: readonly string[];
}

/**
 * Random work on a cluster of its own, the same for the same numbers. Every kind of step comes once before any comes again, so that
 * a short run has most of them. `directory` is for tablespaces, unless the server is in a container.
 */
export async function startRandomWork(
  cluster: TestCluster,
  sql: postgres.Sql,
  random: () => number,
  directory: string,
): Promise<RandomWork> {
  for (let table = 0; table < TABLES; table += 1) {
    await sql.unsafe(`create table t${table} (id bigserial primary key, n int, filler text, big text)`);
    await sql.unsafe(`insert into t${table} (n, filler) select g, repeat(md5(g::text), 8) from generate_series(1, 3000) g`);
  }
  await sql.unsafe('create unlogged table fleeting as select g from generate_series(1, 500) g');
  await sql.unsafe('create table turning (id int primary key, t text)');
  await sql.unsafe('insert into turning select g, repeat(md5(g::text), 60) from generate_series(1, 500) g');
  await sql.unsafe('create table held (n int)');
  const work = new Work(cluster, sql, random, directory);
  await work.prepare();
  return work;
}

class Work implements RandomWork {
  readonly done: string[] = [];
  readonly #cluster: TestCluster;
  readonly #sql: postgres.Sql;
  readonly #random: () => number;
  readonly #directory: string;
  readonly #copies = new Set<string>();
  /** Location by name. */
  readonly #tablespaces = new Map<string, string>();
  readonly #prepared: string[] = [];
  #wandererIn = 'pg_default';
  #deck: string[] = [];
  #count = 0;

  constructor(cluster: TestCluster, sql: postgres.Sql, random: () => number, directory: string) {
    this.#cluster = cluster;
    this.#sql = sql;
    this.#random = random;
    this.#directory = directory;
  }

  get tablespaces(): readonly string[] {
    return [...this.#tablespaces.values()];
  }

  get databases(): readonly string[] {
    return ['postgres', ...TEMPLATES, WANDERER, ...this.#copies];
  }

  /** Databases whose tables have the same file names and other content. */
  async prepare(): Promise<void> {
    const [first = '', second = ''] = TEMPLATES;
    await this.#do(`create database ${first}`);
    await this.#in(first, 'create table rows (id int primary key, t text)');
    await this.#in(first, 'insert into rows select g, repeat(md5(g::text), 10) from generate_series(1, 2000) g');
    for (const name of [second, WANDERER]) await this.#do(`create database ${name} template ${first}`);
    await this.#in(second, "update rows set t = repeat(md5('other' || id), 10)", 'vacuum full rows');
    await this.#makeTablespace(1000);
  }

  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step += 1) {
      this.#count += 1;
      const kinds = this.#kinds();
      if (this.#deck.length === 0) this.#deck = this.#shuffled(Object.keys(kinds));
      const kind = this.#deck.pop() ?? '';
      this.done.push(kind);
      try {
        await kinds[kind]?.();
      } catch (error) {
        throw new Error(`${this.done.join(' ')}: ${error instanceof Error ? error.message : ''}`, { cause: error });
      }
    }
  }

  #kinds(): Readonly<Record<string, () => Promise<void>>> {
    const table = `t${this.#below(TABLES)}`;
    const n = this.#below(3000);
    return {
      update: async () => await this.#do(`update ${table} set n = n + 1 where id between ${n} and ${n + 200}`),
      delete: async () => await this.#do(`delete from ${table} where id between ${n} and ${n + 50}`),
      insert: async () =>
        await this.#do(
          `insert into ${table} (n, filler, big) select g, md5(g::text), repeat(md5(g::text), 300) from generate_series(1, 40) g`,
        ),
      vacuum: async () => await this.#do(`vacuum ${table}`),
      vacuumFull: async () => await this.#do(`vacuum full ${table}`),
      truncate: async () =>
        await this.#do(
          `truncate ${table}`,
          `insert into ${table} (n, filler) select g, repeat('x', 300) from generate_series(1, ${500 + n}) g`,
        ),
      cutBack: async () =>
        await this.#do(`delete from ${table} where id > (select coalesce(max(id), 0) / 2 from ${table})`, `vacuum ${table}`),
      index: async () => await this.#do(`drop index if exists i${table}`, `create index i${table} on ${table} (n, filler)`),
      recreate: async () =>
        await this.#do(
          `drop table if exists made_${n % 5}`,
          `create table made_${n % 5} as select g, md5(g::text) as t from generate_series(1, ${n + 1}) g`,
        ),
      cluster: async () => await this.#do(`cluster ${table} using ${table}_pkey`),
      largeObject: async () => await this.#do(`select lo_from_bytea(0, decode(repeat('ab', ${n + 1}), 'hex'))`),
      unlogged: async () => await this.#do(`insert into fleeting values (${n})`),
      turn: async () =>
        await this.#do(`alter table turning set ${n % 2 === 0 ? 'unlogged' : 'logged'}`, `update turning set t = t || '.' where id < ${n}`),
      temporary: async () =>
        await this.#do(
          'drop table if exists pg_temp.passing',
          `create temporary table passing (id int primary key, t text)`,
          `insert into passing select g, md5(g::text) from generate_series(1, ${n + 1}) g`,
        ),
      copyDatabase: async () => await this.#copyDatabase(n),
      dropDatabase: async () => await this.#dropDatabase(),
      changeCopy: async () => await this.#changeCopy(n),
      moveDatabase: async () => await this.#moveDatabase(n),
      moveDatabaseAndBack: async () => await this.#moveDatabaseAndBack(n),
      makeTablespace: async () => await this.#makeTablespace(n),
      dropTablespace: async () => await this.#dropTablespace(n),
      moveTable: async () =>
        await this.#do(
          `alter table ${table} set tablespace ${this.#anyTablespace()}`,
          `alter index ${table}_pkey set tablespace ${this.#anyTablespace()}`,
        ),
      prepareTransaction: async () => await this.#prepareTransaction(n),
      endTransaction: async () => await this.#endTransaction(),
    };
  }

  /** As files, with the pages' old positions, below a number that another database had before; from either template. */
  async #copyDatabase(n: number): Promise<void> {
    const at = n % 2;
    const name = `copy_${at}`;
    const { major } = this.#cluster;
    const strategy = major >= 15 ? ` strategy = ${n % 5 === 0 ? 'wal_log' : 'file_copy'} oid = ${FIRST_OID + at}` : '';
    const place = n % 3 === 0 ? ` tablespace = ${this.#anyTablespace()}` : '';
    await this.#do(
      `drop database if exists ${name}`,
      `create database ${name} template = ${TEMPLATES[this.#below(2)] ?? ''}${strategy}${place}`,
    );
    this.#copies.add(name);
  }

  async #dropDatabase(): Promise<void> {
    const [name] = this.#copies;
    if (name === undefined) return;
    await this.#do(`drop database ${name}`);
    this.#copies.delete(name);
  }

  async #changeCopy(n: number): Promise<void> {
    const name = [...this.#copies, ...TEMPLATES, WANDERER][n % (this.#copies.size + 3)] ?? WANDERER;
    await this.#in(name, `update rows set t = t || '.' where id between ${n % 2000} and ${(n % 2000) + 100}`);
  }

  async #moveDatabase(n: number): Promise<void> {
    const to = this.#anyTablespace();
    if (to === this.#wandererIn) return;
    await this.#do(`alter database ${WANDERER} set tablespace ${to}`);
    this.#wandererIn = to;
    await this.#in(WANDERER, `update rows set t = 'moved' where id between ${n % 2000} and ${(n % 2000) + 20}`);
  }

  /** The same names again, of files that are copies of copies. */
  async #moveDatabaseAndBack(n: number): Promise<void> {
    const home = this.#wandererIn;
    const away = ['pg_default', ...this.#tablespaces.keys()].find((name) => name !== home);
    if (away === undefined) return;
    await this.#do(`alter database ${WANDERER} set tablespace ${away}`);
    await this.#in(WANDERER, `update rows set t = t || '!' where id between ${n % 2000} and ${(n % 2000) + 20}`);
    await this.#do('checkpoint', `alter database ${WANDERER} set tablespace ${home}`);
  }

  async #makeTablespace(n: number): Promise<void> {
    const at = Array.from({ length: PLACES }, (_, each) => each).find((each) => !this.#tablespaces.has(`space_${each}`));
    if (at === undefined) return;
    const name = `space_${at}`;
    const location = await makePlace(this.#cluster, this.#directory, name);
    await this.#do(
      `create tablespace ${name} location '${location}'`,
      `create table in_${name} (id int primary key using index tablespace ${name}, t text) tablespace ${name}`,
      `insert into in_${name} select g, md5(g::text) from generate_series(1, ${n + 1}) g`,
    );
    this.#tablespaces.set(name, location);
  }

  /** What is in it goes elsewhere; half of the times another is made at once in the same directory. */
  async #dropTablespace(n: number): Promise<void> {
    const [name] = this.#tablespaces.keys();
    if (name === undefined) return;
    this.#tablespaces.delete(name);
    if (this.#wandererIn === name) {
      await this.#do(`alter database ${WANDERER} set tablespace pg_default`);
      this.#wandererIn = 'pg_default';
    }
    for (const copy of this.#copies) await this.#do(`alter database ${copy} set tablespace pg_default`);
    await this.#do(
      `drop table in_${name}`,
      `alter table all in tablespace ${name} set tablespace pg_default`,
      `alter index all in tablespace ${name} set tablespace pg_default`,
      `drop tablespace ${name}`,
    );
    if (n % 2 === 0) await this.#makeTablespace(n);
  }

  /** Left open until some later step: a backup may come between. */
  async #prepareTransaction(n: number): Promise<void> {
    if (this.#prepared.length === 3) return;
    const name = `waiting_${this.#count}`;
    await this.#do(
      `begin; insert into held select g from generate_series(1, ${n}) g; delete from held where n = ${n - 1}; ` +
        `create table ${name} as select g from generate_series(1, ${n}) g; prepare transaction '${name}'`,
    );
    this.#prepared.push(name);
  }

  async #endTransaction(): Promise<void> {
    const name = this.#prepared.shift();
    if (name !== undefined) await this.#do(`${this.#below(3) === 0 ? 'rollback' : 'commit'} prepared '${name}'`);
  }

  #anyTablespace(): string {
    const names = ['pg_default', ...this.#tablespaces.keys()];
    return names[this.#below(names.length)] ?? 'pg_default';
  }

  async #do(...statements: readonly string[]): Promise<void> {
    for (const each of statements) await this.#sql.unsafe(each).simple();
  }

  async #in(database: string, ...statements: readonly string[]): Promise<void> {
    const sql = postgres(this.#cluster.url(database), { max: 1, onnotice: () => undefined });
    try {
      for (const each of statements) await sql.unsafe(each);
    } finally {
      await sql.end();
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #shuffled(names: readonly string[]): string[] {
    const keyed = names.map((name) => ({ name, key: this.#random() }));
    return keyed.sort((a, b) => a.key - b.key).map(({ name }) => name);
  }
}

/** An empty directory for a tablespace, where the server is. */
export async function makePlace(cluster: TestCluster, directory: string, name: string): Promise<string> {
  if (cluster.dataDirectory === undefined) {
    const place = `/tmp/places/${name}`;
    const made = await cluster.exec('mkdir', ['-p', place]);
    if (made?.status !== 0) throw new Error(made?.stderr);
    return place;
  }
  const place = path.join(directory, name);
  await mkdir(place, { recursive: true });
  const owner = cluster.programs?.runAs;
  if (owner !== undefined) await chown(place, owner.uid, owner.gid);
  return place;
}
