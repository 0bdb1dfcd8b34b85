import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Peers } from './peers.ts';
import type { Ended } from './processes.ts';
import type { Server } from './server.ts';

/** pg_basebackup and pg_combinebackup: a chain of backups, each incremental on the one before. */
export class BaseBackups {
  readonly #peers: Peers;
  readonly #server: Server;
  #chain: readonly string[] = [];

  constructor(peers: Peers, server: Server) {
    this.#peers = peers;
    this.#server = server;
  }

  static readonly settings = 'plain format, --checkpoint=fast, WAL streamed beside it, both as they come otherwise';

  /** The first of a new chain. */
  async full(): Promise<Ended> {
    await rm(this.#peers.path('base-backups'), { recursive: true, force: true });
    await this.#peers.directory('base-backups');
    this.#chain = [];
    return await this.#take([]);
  }

  async incremental(): Promise<Ended> {
    const previous = this.#chain.at(-1);
    if (previous === undefined) throw new Error('an incremental needs a full before it');
    return await this.#take([`--incremental=${path.join(previous, 'backup_manifest')}`]);
  }

  /** The whole chain made one data directory, which is pg_basebackup's restore. */
  async combine(into: string): Promise<Ended> {
    await this.#peers.directory(path.basename(into));
    return await this.#peers.run('pg_combinebackup', [...this.#chain, '-o', into]);
  }

  async remove(): Promise<void> {
    await rm(this.#peers.path('base-backups'), { recursive: true, force: true });
  }

  async #take(options: readonly string[]): Promise<Ended> {
    const directory = this.#peers.path('base-backups', `${this.#chain.length}`);
    const ended = await this.#peers.run('pg_basebackup', [
      ...this.#server.connectArguments,
      '-D',
      directory,
      '--checkpoint=fast',
      ...options,
    ]);
    this.#chain = [...this.#chain, directory];
    return ended;
  }
}
