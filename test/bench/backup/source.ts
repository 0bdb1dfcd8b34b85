import { setTimeout as sleep } from 'node:timers/promises';
import { contentOf, makeCluster, noteContent } from './cluster.ts';
import type { Peers } from './peers.ts';
import { Server } from './server.ts';

/** Bytes of a pgbench database per unit of scale, with its indexes. */
const BYTES_PER_SCALE = 15.35e6;
const CLIENTS = 4;

/** The measured cluster: one or more pgbench databases, and nobody else in it. */
export class Source {
  readonly server: Server;
  readonly #peers: Peers;
  #databases: readonly string[];

  private constructor(peers: Peers, server: Server, databases: readonly string[]) {
    this.#peers = peers;
    this.server = server;
    this.#databases = databases;
  }

  /** Starts it, with `sizeBytes` of pgbench in the database `bench`, loaded by this run or kept by one before. */
  static async open(peers: Peers, sizeBytes: number): Promise<Source> {
    const dataDirectory = peers.path('source');
    const scale = scaleOf(sizeBytes);
    const isKept = (await contentOf(dataDirectory)) === `pgbench ${scale}`;
    if (!isKept) await makeCluster(peers, 'source');
    const server = await Server.start(peers, 'source', dataDirectory);
    const source = new Source(peers, server, ['bench']);
    try {
      await server.query(`alter system set archive_command = '/bin/true'`);
      await server.query('select pg_reload_conf()');
      for (const database of isKept ? await source.#others() : []) await server.query(`drop database ${database}`);
      if (!isKept) await source.#load('bench', scale);
      await noteContent(dataDirectory, `pgbench ${scale}`);
      return source;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Adds a database of `sizeBytes`, so that the cluster becomes larger without becoming another. */
  async grow(sizeBytes: number): Promise<void> {
    const database = `bench${this.#databases.length + 1}`;
    await this.#load(database, scaleOf(sizeBytes));
    this.#databases = [...this.#databases, database];
    await this.settle();
  }

  /** `transactions` of pgbench's usual kind by each of four clients; afterwards the cluster is at rest. */
  async work(transactions: number): Promise<void> {
    const { connectArguments } = this.server;
    await this.#peers.run('pgbench', [...connectArguments, '-n', '-c', `${CLIENTS}`, '-j', '2', '-t', `${transactions}`, 'bench']);
    await this.settle();
  }

  /** A checkpoint made, its WAL archived and summarized: what comes next does not pay for what was before. */
  async settle(): Promise<void> {
    const { server } = this;
    const [segment = ''] = await server.query('checkpoint; select pg_walfile_name(pg_switch_wal())');
    await server.query('checkpoint');
    const [lsn = ''] = await server.query('select redo_lsn from pg_control_checkpoint()');
    await this.#until(`select summarized_lsn >= '${lsn}' from pg_get_wal_summarizer_state()`);
    await this.#until(`select last_archived_wal >= '${segment}' from pg_stat_archiver`);
  }

  /** Waits until nothing written before is left to be archived. */
  async settleArchive(): Promise<void> {
    const [segment = ''] = await this.server.query('select pg_walfile_name(pg_switch_wal())');
    const [current = ''] = await this.server.query('select pg_walfile_name(pg_current_wal_lsn())');
    // A switch in a segment that holds nothing yet does nothing: then the one before was the last.
    await this.#until(`select last_archived_wal >= '${segment}' or '${segment}' = '${current}' from pg_stat_archiver`);
  }

  async sizeBytes(): Promise<number> {
    const [size = '0'] = await this.server.query('select sum(pg_database_size(oid)) from pg_database');
    return Number(size);
  }

  async archiveTo(command: string): Promise<void> {
    await this.server.query(`alter system set archive_command = '${command.replaceAll("'", "''")}'`);
    await this.server.query('select pg_reload_conf()');
  }

  async #load(database: string, scale: number): Promise<void> {
    await this.server.query(`create database ${database}`);
    await this.#peers.run('pgbench', [...this.server.connectArguments, '-q', '-i', '-s', `${scale}`, database]);
    await this.settle();
  }

  async #others(): Promise<readonly string[]> {
    return await this.server.query(`select datname from pg_database where datname like 'bench_'`);
  }

  async #until(question: string): Promise<void> {
    const limit = Date.now() + 600_000;
    for (;;) {
      this.#peers.signal.throwIfAborted();
      const [answer] = await this.server.query(question);
      if (answer === 't') return;
      if (Date.now() > limit) throw new Error(`still not so after ten minutes: ${question}`);
      await sleep(100);
    }
  }
}

function scaleOf(sizeBytes: number): number {
  return Math.max(1, Math.round(sizeBytes / BYTES_PER_SCALE));
}
