import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Peers } from './peers.ts';
import type { Ended } from './processes.ts';
import type { Server } from './server.ts';
import type { Source } from './source.ts';
import { treeBytes } from './tree.ts';

const STANZA = 'main';

/** pgBackRest, as its manual sets it up: archive_command and a repository of its own. */
export class PgBackRest {
  readonly #peers: Peers;
  readonly #server: Server;

  constructor(peers: Peers, server: Server) {
    this.#peers = peers;
    this.#server = server;
  }

  /** What is written into its configuration, in words too. */
  static readonly settings = {
    'process-max': '2',
    'compress-type': 'zst',
    'repo1-bundle': 'y',
    'repo1-block': 'y',
    'repo1-retention-full': '1',
    'start-fast': 'y',
    // Removing old backups is not part of taking one; it is done between the runs.
    'expire-auto': 'n',
  } as const;

  /** A new repository, and the server archiving to it. */
  async open(source: Source): Promise<void> {
    const peers = this.#peers;
    const directory = async (name: string): Promise<string> => await peers.directory(`pgbackrest-${name}`);
    const places = {
      'repo1-path': await directory('repository'),
      'log-path': await directory('log'),
      'lock-path': await directory('lock'),
      'spool-path': await directory('spool'),
    };
    const lines = Object.entries({ ...places, ...PgBackRest.settings, 'log-level-console': 'warn', 'log-level-file': 'off' });
    const stanza = {
      'pg1-path': this.#server.dataDirectory,
      'pg1-socket-path': this.#server.socketDirectory,
      'pg1-port': '5432',
      'pg1-user': 'postgres',
    };
    const text = (entries: readonly (readonly [string, string])[]): string => entries.map(([key, value]) => `${key}=${value}\n`).join('');
    await writeFile(this.#configFile, `[global]\n${text(lines)}\n[${STANZA}]\n${text(Object.entries(stanza))}`);
    await this.#command('stanza-create');
    await source.archiveTo(`pgbackrest --config=${this.#configFile} --stanza=${STANZA} archive-push %p`);
    await source.settleArchive();
  }

  async backup(type: 'full' | 'incr', level: number): Promise<Ended> {
    return await this.#command('backup', `--type=${type}`, `--compress-level=${level}`);
  }

  async restore(into: string): Promise<Ended> {
    await this.#peers.directory(path.basename(into));
    return await this.#command('restore', `--pg1-path=${into}`, '--type=immediate', '--target-action=promote', '--archive-mode=off');
  }

  /** Keeps the newest full backup and what depends on it. */
  async expire(): Promise<void> {
    await this.#command('expire');
  }

  /** What the newest backup takes in the repository. */
  async storedBytes(): Promise<number> {
    const { stdout } = await this.#command('info', '--output=json');
    const [stanza] = JSON.parse(stdout) as readonly { readonly backup: readonly { readonly label: string }[] }[];
    const label = stanza?.backup.at(-1)?.label;
    if (label === undefined) throw new Error('pgBackRest lists no backup');
    return await treeBytes(this.#peers.path('pgbackrest-repository', 'backup', STANZA, label));
  }

  get #configFile(): string {
    return this.#peers.path('pgbackrest.conf');
  }

  async #command(name: string, ...options: readonly string[]): Promise<Ended> {
    return await this.#peers.run('pgbackrest', [`--config=${this.#configFile}`, `--stanza=${STANZA}`, ...options, name]);
  }
}
