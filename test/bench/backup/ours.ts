import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Peers } from './peers.ts';
import { run, start, type Ended, type Running } from './processes.ts';
import type { Server } from './server.ts';
import { treeBytes } from './tree.ts';

export interface OursOptions {
  readonly cli: string;
  readonly peers: Peers;
  readonly server: Server;
  readonly profileDirectory: string | undefined;
}

/** dbadmin as its users run it: the built command, a process for each. */
export class Ours {
  readonly #options: OursOptions;

  constructor(options: OursOptions) {
    this.#options = options;
  }

  async version(): Promise<string> {
    const { stdout } = await run([process.execPath, this.#options.cli, '--version'], this.#options.peers.signal);
    return `${stdout.trim()} on Node ${process.versions.node}`;
  }

  /** A new repository in place of whatever had the name. */
  async repository(name: string): Promise<OurRepository> {
    const { peers } = this.#options;
    const directory = peers.path(`ours-${name}`);
    const configFile = peers.path(`ours-${name}.yaml`);
    await rm(directory, { recursive: true, force: true });
    await mkdir(path.dirname(configFile), { recursive: true });
    await writeFile(
      configFile,
      `version: 1\nclusters:\n  main:\n    repositories: [bench]\nrepositories:\n  bench:\n    type: disk\n    path: ${JSON.stringify(directory)}\n`,
    );
    const repository = new OurRepository(this.#options, directory, configFile);
    await repository.command(['backup', 'init']);
    return repository;
  }
}

export interface Taken extends Ended {
  readonly label: string;
}

/** One repository of ours, with the configuration that names it. */
export class OurRepository {
  readonly directory: string;
  readonly #options: OursOptions;
  readonly #configFile: string;

  constructor(options: OursOptions, directory: string, configFile: string) {
    this.#options = options;
    this.directory = directory;
    this.#configFile = configFile;
  }

  /** Takes a backup; one that was asked to be incremental and is not is an error. */
  async backup(type: 'full' | 'incremental', level: number): Promise<Taken> {
    const ended = await this.command(['backup', 'run', '--type', type, '--level', `${level}`, '--json']);
    const { backups } = JSON.parse(ended.stdout) as { readonly backups: readonly { readonly kind?: string; readonly label?: string }[] };
    const { kind, label } = backups[0] ?? {};
    if (kind !== type || label === undefined) throw new Error(`dbadmin took a backup of kind ${kind} where ${type} was asked for`);
    return { ...ended, label };
  }

  /** Lays a backup, the newest unless named, down in `into`, ready to be started; starting is not part of it, as it is not of the peers'. */
  async restore(into: string, label?: string): Promise<Ended> {
    for (const directory of [into, `${into}.wal`]) await rm(directory, { recursive: true, force: true });
    const which = label === undefined ? [] : ['--backup', label];
    return await this.command(['restore', ...which, '--into', into, '--immediate', '--yes', '--json']);
  }

  async command(args: readonly string[]): Promise<Ended> {
    return await run(this.#commandLine(args), this.#options.peers.signal, { env: this.#environment });
  }

  /** Starts a command that goes on until it is stopped. */
  start(args: readonly string[], expect: readonly number[]): Running {
    return start(this.#commandLine(args), this.#options.peers.signal, { env: this.#environment, expect });
  }

  /** What backups take in it: all but the WAL, as it is counted of the peers. */
  async storedBytes(): Promise<number> {
    return await treeBytes(this.directory, (name) => name !== 'wal');
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  get #environment(): NodeJS.ProcessEnv {
    return { ...process.env, DATABASE_URL: this.#options.server.url, NO_COLOR: '1' };
  }

  #commandLine(args: readonly string[]): readonly string[] {
    const { cli, profileDirectory } = this.#options;
    const profile =
      profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${path.join(profileDirectory, args.slice(0, 2).join('-'))}`];
    return [process.execPath, ...profile, cli, ...args, '--config', this.#configFile];
  }
}
