import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import postgres from 'postgres';
import { expect } from 'vitest';
import { writeConfig } from '../backup/command.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../backup/repository.ts';
import { runCli, type CliResult } from '../e2e/run-cli.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startTestCluster } from '../postgres/fixture.ts';
import { serveConsole, type ServedConsole } from './serve.ts';

export const PASSWORD = 'a long enough password';

export const POLICIES = `version: 1
policies:
  app:
    cluster: main
    repositories: [local]
    base: { full: { cron: "0 2 * * 0" }, incremental: { cron: "0 2 * * 1-6" } }
    drill: { cron: "0 4 * * 0", target: random }
    limits: { drill_age: 8d }
`;

/** A configuration of the project in which everything is done as the role that the console reads as. */
export const AS_READER = 'as-reader.yaml';

export interface ProjectOptions {
  /** Files of the project by their path, beside dbadmin.yaml. */
  readonly files?: Readonly<Record<string, string>>;
  /** Run in the cluster first. */
  readonly sql?: string;
  /** Commands to run before the console starts, each as its words; all have to succeed. */
  readonly commands?: readonly (readonly string[])[];
  /** 17 unless stated. */
  readonly major?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/**
 * A project with a cluster `main` that the console reads as a role that may see what a monitor sees, a
 * repository `local`, the policies above, and a console with the users olga (operator) and vera (viewer).
 */
export class ConsoleProject {
  readonly directory: string;
  readonly cluster: TestCluster;
  served: ServedConsole;

  private constructor(directory: string, cluster: TestCluster, served: ServedConsole) {
    this.directory = directory;
    this.cluster = cluster;
    this.served = served;
  }

  static async start({ files = {}, sql = '', commands = [], major = 17 }: ProjectOptions = {}): Promise<ConsoleProject> {
    const directory = await makeDirectory();
    const cluster = await startTestCluster({ major, settings: major >= 17 ? { summarize_wal: 'on' } : {} });
    await makeRepository(path.join(directory, 'repository'));
    const config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    const client = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await client.unsafe(`create role looks login password 'looks'; grant pg_monitor to looks; ${sql}`);
    await client.end();
    const text = await readFile(config, 'utf8');
    await writeFile(config, text.replace('    repositories:', '    reading: { user: looks, password: looks }\n    repositories:'));
    const asReader = new URL(cluster.url());
    [asReader.username, asReader.password] = ['looks', 'looks'];
    await writeFile(path.join(directory, AS_READER), text.replace(cluster.url(), asReader.href), { mode: 0o600 });
    for (const [name, content] of Object.entries({ 'backups/policies.yaml': POLICIES, password: `${PASSWORD}\n`, ...files })) {
      await mkdir(path.join(directory, path.dirname(name)), { recursive: true });
      await writeFile(path.join(directory, name), content);
    }
    const users = (['olga operator', 'vera viewer'] as const).map((each) => each.split(' '));
    const adding = users.map(([name = '', role = '']) => ['console', 'user', 'add', name, '--role', role, '--password-file', 'password']);
    for (const words of [...commands, ...adding]) {
      const { status, stderr } = await runProjectCli(directory, words);
      expect({ words, status, stderr }).toMatchObject({ status: 0 });
    }
    return new ConsoleProject(directory, cluster, await serveConsole(directory, [], { DBADMIN_SCRATCH: directory }));
  }

  async stop(): Promise<void> {
    await this.served.stop();
    await this.cluster.stop();
    await removeDirectory(this.directory);
  }

  /** Runs the built command in the project, with the state directory that its console has. */
  async run(...words: readonly string[]): Promise<CliResult> {
    return await runProjectCli(this.directory, words);
  }

  /** A request as no browser would send it, with any headers; on a connection of its own, for a refused one may end it. */
  async send(method: string, at: string, headers: Readonly<Record<string, string>> = {}, body?: object): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      const outgoing = request(`${this.served.url}${at}`, { method, headers, agent: false }, (incoming) => {
        let text = '';
        incoming.setEncoding('utf8').on('data', (part: string) => (text += part));
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text }));
      });
      outgoing.on('error', reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** The headers that a page of this console sends with a change. */
  own(headers: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
    return { origin: this.served.url, 'content-type': 'application/json', ...headers };
  }

  /** Signs in without a browser. */
  async enter(name: string): Promise<Entered> {
    const { status, headers, body } = await this.send('POST', '/api/sign-in', this.own(), { name, password: PASSWORD });
    expect({ name, status }).toEqual({ name, status: 200 });
    const cookie = String(headers['set-cookie']);
    expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/);
    return new Entered(this, cookie.split(';')[0] ?? '', (JSON.parse(body) as { csrf: string }).csrf);
  }
}

/** Somebody signed in without a browser. */
export class Entered {
  readonly #project: ConsoleProject;
  readonly cookie: string;
  readonly csrf: string;

  constructor(project: ConsoleProject, cookie: string, csrf: string) {
    this.#project = project;
    this.cookie = cookie;
    this.csrf = csrf;
  }

  async get(at: string): Promise<{ readonly status: number; readonly document: unknown }> {
    const { status, body } = await this.#project.send('GET', at, { cookie: this.cookie });
    return { status, document: JSON.parse(body) as unknown };
  }

  async post(at: string, body: object): Promise<{ readonly status: number; readonly document: unknown }> {
    const headers = this.#project.own({ cookie: this.cookie, 'x-csrf-token': this.csrf });
    const answer = await this.#project.send('POST', at, headers, body);
    return { status: answer.status, document: JSON.parse(answer.body) as unknown };
  }
}

async function runProjectCli(directory: string, words: readonly string[]): Promise<CliResult> {
  const env = { DBADMIN_SCRATCH: directory, XDG_STATE_HOME: path.join(directory, '.local', 'state') };
  return await runCli(words, { cwd: directory, env });
}
