import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CLI, COMPILE_CACHE } from '../../built-command.ts';

export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A dbadmin project on disk, and its commands. */
export class Project {
  readonly directory: string;
  readonly env: Record<string, string> = {};

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Writes dbadmin.yaml for one cluster and one repository on disk, and the policies. */
  async write(url: string, repository: string, policies: string): Promise<void> {
    await mkdir(path.join(this.directory, 'backups'), { recursive: true });
    await writeFile(
      path.join(this.directory, 'dbadmin.yaml'),
      `version: 1\nclusters: { main: { url: "${url}", repositories: [local] } }\nrepositories: { local: { type: disk, path: "${repository}" } }\n`,
    );
    await writeFile(path.join(this.directory, 'backups', 'policies.yaml'), policies);
  }

  start(args: readonly string[]): ChildProcess {
    const { DATABASE_URL: _, ...env } = process.env;
    return spawn(process.execPath, [CLI, ...args], {
      cwd: this.directory,
      env: { ...env, ...COMPILE_CACHE, XDG_STATE_HOME: path.join(this.directory, 'state'), ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async run(...args: readonly string[]): Promise<Result> {
    const child = this.start(args);
    let [stdout, stderr] = ['', ''];
    child.stdout?.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, stdout, stderr };
  }

  /** What a command that has to succeed prints as JSON. */
  async json<Document>(...args: readonly string[]): Promise<Document> {
    const { status, stdout, stderr } = await this.run(...args, '--json');
    if (status !== 0) throw new Error(`dbadmin ${args.join(' ')} ended with ${status}: ${stderr}${stdout}`);
    return JSON.parse(stdout) as Document;
  }

  /** A receiver of WAL in a process of its own; resolves once it receives. */
  async receive(rpo: string): Promise<ChildProcess> {
    const child = this.start(['wal', 'receive', '--rpo', rpo]);
    let said = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr?.on('data', (data: Buffer) => {
        said += data.toString();
        if (said.includes('receiving from')) resolve();
      });
      child.once('exit', (status) => reject(new Error(`wal receive ended with ${status}: ${said}`)));
    });
    return child;
  }
}
