import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Peers } from './peers.ts';
import { endGroup, type Running } from './processes.ts';

const PORT = 5432;
const START_LIMIT_MS = 300_000;

/** A PostgreSQL server of the peers' root, reached by its socket only. Stop it. */
export class Server {
  readonly socketDirectory: string;
  readonly dataDirectory: string;
  readonly #peers: Peers;
  readonly #running: Running;

  private constructor(peers: Peers, dataDirectory: string, socketDirectory: string, running: Running) {
    this.#peers = peers;
    this.dataDirectory = dataDirectory;
    this.socketDirectory = socketDirectory;
    this.#running = running;
  }

  /** Starts a server on `dataDirectory` and waits until it takes commands that write: recovery, if any, is over. */
  static async start(peers: Peers, name: string, dataDirectory: string, settings: Readonly<Record<string, string>> = {}): Promise<Server> {
    const socketDirectory = peers.path(`socket-${name}`);
    await mkdir(socketDirectory, { recursive: true });
    await peers.own(socketDirectory);
    const all = { ...settings, listen_addresses: '', port: String(PORT), unix_socket_directories: socketDirectory, ...MEMORY };
    // Not the benchmark's signal: the server is stopped when all that uses it has ended.
    const running = peers.start(
      'postgres',
      ['-D', dataDirectory, ...Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
      new AbortController().signal,
    );
    const server = new Server(peers, dataDirectory, socketDirectory, running);
    try {
      await server.#waitUntilOpen();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  get url(): string {
    return `postgresql://postgres@/postgres?host=${encodeURIComponent(this.socketDirectory)}&port=${PORT}`;
  }

  /** What programs of the peers need to connect. */
  get connectArguments(): readonly string[] {
    return ['-h', this.socketDirectory, '-p', String(PORT), '-U', 'postgres'];
  }

  /** The rows of a query, unaligned, a line each. */
  async query(sql: string, database = 'postgres'): Promise<readonly string[]> {
    const { stdout } = await this.#peers.run('psql', [
      ...this.connectArguments,
      '-XAtq',
      '-v',
      'ON_ERROR_STOP=1',
      '-d',
      database,
      '-c',
      sql,
    ]);
    return stdout.split('\n').filter((line) => line !== '');
  }

  async stop(): Promise<void> {
    const { child } = this.#running;
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) process.kill(child.pid, 'SIGINT');
    const limit = setTimeout(() => endGroup(child, 'SIGQUIT'), 60_000);
    await this.#running.ended.catch(() => undefined);
    clearTimeout(limit);
  }

  async #waitUntilOpen(): Promise<void> {
    const { child, ended } = this.#running;
    const limit = Date.now() + START_LIMIT_MS;
    for (;;) {
      this.#peers.signal.throwIfAborted();
      if (child.exitCode !== null || child.signalCode !== null) await ended;
      const [answer] = await this.query('select pg_is_in_recovery()').catch(() => []);
      if (answer === 'f') return;
      if (Date.now() > limit) throw new Error(`the server on ${this.dataDirectory} did not open within ${START_LIMIT_MS / 1000} s`);
      await sleep(100);
    }
  }
}

const MEMORY = { shared_buffers: '512MB', dynamic_shared_memory_type: 'sysv' };
