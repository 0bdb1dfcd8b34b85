import { access, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { run, start, type Ended, type Running } from './processes.ts';

const BUILD = path.join(import.meta.dirname, 'build-peers.sh');
const PROGRAMS = '/usr/lib/postgresql/18/bin';

/** The root directory in which PostgreSQL and pgBackRest live, and with them everything that is measured. */
export class Peers {
  readonly root: string;
  readonly signal: AbortSignal;

  constructor(root: string, signal: AbortSignal) {
    this.root = root;
    this.signal = signal;
  }

  /** Builds the root unless a run before this one kept it. */
  static async open(root: string, signal: AbortSignal): Promise<Peers> {
    const isBuilt = await access(path.join(root, 'peers-are-built')).then(
      () => true,
      () => false,
    );
    if (!isBuilt) {
      await rm(root, { recursive: true, force: true });
      await run([BUILD, root], signal);
    }
    return new Peers(root, signal);
  }

  /** A path that names the same place inside and outside. */
  path(...names: readonly string[]): string {
    return path.join(this.root, 'bench', ...names);
  }

  /** Runs a program as the user postgres; PostgreSQL's own need no directory. */
  async run(program: string, args: readonly string[], options: { readonly expect?: readonly number[] } = {}): Promise<Ended> {
    return await run(this.#command(program, args), this.signal, { ...options, env: ENVIRONMENT });
  }

  start(program: string, args: readonly string[], signal: AbortSignal): Running {
    return start(this.#command(program, args), signal, { env: ENVIRONMENT });
  }

  /** A new empty directory that belongs to the user postgres. */
  async directory(...names: readonly string[]): Promise<string> {
    const directory = this.path(...names);
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    await this.own(directory);
    await run(['chmod', '700', directory], this.signal);
    return directory;
  }

  /** Removes a directory and what was noted beside it. */
  async remove(name: string): Promise<void> {
    for (const place of [this.path(name), this.path(`${name}.content`)]) await rm(place, { recursive: true, force: true });
  }

  /** Gives a tree to the user postgres. */
  async own(directory: string): Promise<void> {
    await run(['chroot', this.root, 'chown', '-R', 'postgres:postgres', directory], this.signal);
  }

  async versions(): Promise<readonly string[]> {
    const versions = [await this.run('postgres', ['--version']), await this.run('pgbackrest', ['version'])];
    return versions.map(({ stdout }) => stdout.trim());
  }

  #command(program: string, args: readonly string[]): readonly string[] {
    return [
      'chroot',
      '--userspec=postgres:postgres',
      this.root,
      program === 'pgbackrest' ? '/usr/bin/pgbackrest' : `${PROGRAMS}/${program}`,
      ...args,
    ];
  }
}

const ENVIRONMENT = { PATH: `${PROGRAMS}:/usr/sbin:/usr/bin:/sbin:/bin`, LC_ALL: 'C.UTF-8', HOME: '/tmp' };
