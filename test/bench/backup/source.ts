import { setTimeout as sleep } from 'node:timers/promises';
import { contentOf, makeCluster, noteContent } from './cluster.ts';
import type { Peers } from './peers.ts';
import { Server } from './server.ts';

/** Bytes of a pgbench database per unit of scale, with its indexes. */
const BYTES_PER_SCALE = 15.35e6;
const CLIENTS = 4;

/** A cluster with one pgbench database, and nobody else in it. */
export class Source {
  readonly server: Server;
  readonly #peers: Peers;

  private constructor(peers: Peers, server: Server) {
    this.#peers = peers;
    this.server = server;
  }

  /** Starts it, with `sizeBytes` of pgbench in the database `bench`, loaded by this run or kept by one before. */
  static async open(peers: Peers, name: string, sizeBytes: number): Promise<Source> {
    const dataDirectory = peers.path(name);
    const scale = Math.max(1, Math.round(sizeBytes / BYTES_PER_SCALE));
    const isKept = (await contentOf(dataDirectory)) === `pgbench ${scale}`;
    if (!isKept) await makeCluster(peers, name);
    const server = await Server.start(peers, name, dataDirectory);
    const source = new Source(peers, server);
    try {
      await source.archiveTo('/bin/true');
      if (!isKept) {
        await server.query('create database bench');
        await peers.run('pgbench', [...server.connectArguments, '-q', '-i', '-s', `${scale}`, 'bench']);
        await source.settle();
        await noteContent(dataDirectory, `pgbench ${scale}`);
      }
      return source;
    } catch (error) {
      await server.stop();
      throw error;
    }
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
