import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { dbadmin } from './command.ts';
import { connect } from './project.ts';

const ADMIN = 'admin-needle-5031';
/** Words that appear nowhere else: whatever writes one of them down has written a password down. */
const FROM_ENV = 'needle-env-1187';
const FROM_FILE = 'needle-file-2290';
const BY_HAND = 'needle-hand-4416';

const FILE = `
version: 1
groups: { app_reader: {} }
services:
  svc_env: { password: { from: env, name: SVC_PASSWORD } }
  svc_file: { password: { from: file, path: secret } }
  svc_command: { password: { from: command, command: [cat, secret] } }
  svc_made: { password: { from: generate, path: made/svc_made } }
`;

/** Everything written down that somebody may read later. */
class Trail {
  readonly #texts: { readonly where: string; readonly text: string }[] = [];

  add(where: string, text: string): void {
    this.#texts.push({ where, text });
  }

  /** Where one of these was written down. */
  found(needles: readonly string[]): readonly string[] {
    return this.#texts.filter(({ text }) => needles.some((needle) => text.includes(needle))).map(({ where }) => where);
  }

  size(): number {
    return this.#texts.reduce((sum, { text }) => sum + text.length, 0);
  }
}

describe('no password and no verifier is written down', () => {
  let cluster: TestCluster;
  let sql: Sql;
  let directory: string;
  const trail = new Trail();
  const secrets = new Set([ADMIN, FROM_ENV, FROM_FILE]);

  // Without a password: it would be in argv by our own doing.
  const url = (user: string): string => `postgresql://${user}@${cluster.host}:${cluster.port}/postgres`;
  const run = async (...args: string[]): Promise<number | null> => {
    const result = await dbadmin(['roles', ...args, '--file', 'roles.yaml', '--url', url('postgres')], directory, {
      PGPASSWORD: ADMIN,
      SVC_PASSWORD: FROM_ENV,
    });
    trail.add(`stdout of roles ${args.join(' ')}`, result.stdout);
    trail.add(`stderr of roles ${args.join(' ')}`, result.stderr);
    await noteVerifiers();
    return result.status;
  };
  const noteVerifiers = async (): Promise<void> => {
    const rows = await sql<
      { verifier: string }[]
    >`select rolpassword as verifier from pg_authid where rolpassword is not null and rolname <> 'postgres'`;
    // Salt, StoredKey and ServerKey, each of which is no one's to read.
    for (const { verifier } of rows) for (const part of verifier.split(/[$:]/).slice(2)) secrets.add(part);
    const made = await readFile(path.join(directory, 'made', 'svc_made'), 'utf8').catch(() => '');
    if (made !== '') secrets.add(made.trim());
  };
  const watchWhile = async (work: () => Promise<void>): Promise<void> => {
    const stop = new AbortController();
    const watcher = connect(cluster.url());
    const watching = (async () => {
      while (!stop.signal.aborted) {
        const rows = await watcher<{ query: string }[]>`select query from pg_stat_activity`;
        trail.add('pg_stat_activity', rows.map((row) => row.query).join('\n'));
        for (const line of await commandLines()) trail.add('argv', line);
        await pause(10);
      }
    })();
    await work();
    stop.abort();
    await watching;
    await watcher.end();
  };

  beforeAll(async () => {
    cluster = await startTestCluster({
      major: 18,
      password: ADMIN,
      settings: {
        shared_preload_libraries: 'pg_stat_statements',
        'pg_stat_statements.track': 'all',
        logging_collector: 'on',
        log_directory: 'log',
        log_statement: 'all',
        log_min_duration_statement: 0,
        log_min_duration_sample: 0,
        log_statement_sample_rate: 1,
        log_transaction_sample_rate: 1,
        log_min_messages: 'debug1',
        log_min_error_statement: 'debug1',
        log_duration: 'on',
      },
    });
    sql = connect(cluster.url());
    await sql.unsafe('create extension pg_stat_statements');
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-secrets-'));
    await writeFile(path.join(directory, 'roles.yaml'), FILE);
    await writeFile(path.join(directory, 'secret'), `${FROM_FILE}\n`, { mode: 0o600 });
  });

  afterAll(async () => {
    await sql?.end({ timeout: 1 });
    await rm(directory, { recursive: true, force: true });
    await cluster?.stop();
  });

  it('by plan, apply, check, rotate and audit, in what they print and in what runs', async () => {
    await watchWhile(async () => {
      expect(await run('plan', '--sql', '--verbose', '--out', 'saved.plan')).toBe(2);
      expect(await run('apply', 'saved.plan', '--yes', '--verbose')).toBe(0);
      expect(await run('check', '--json')).toBe(0);
      expect(await run('rotate', 'svc_made', '--yes', '--verbose')).toBe(0);
      expect(await run('rotate', 'svc_file', '--yes', '--json')).toBe(0);
      secrets.add((await readFile(path.join(directory, 'secret'), 'utf8')).trim());
      expect(await run('audit', '--json')).toBe(2);
    });
    expect(secrets.size).toBeGreaterThan(12);
    expect(trail.size()).toBeGreaterThan(10_000);
    expect(trail.found([...secrets])).toEqual([]);
  });

  it('by what fails: a refused role, a login that is refused, a role that is gone', async () => {
    const limited = async (status: number, ...args: string[]): Promise<string> => {
      const result = await dbadmin(['roles', ...args, '--file', 'roles.yaml', '--verbose', '--url', url('limited')], directory, {
        PGPASSWORD: 'limited-pw',
        SVC_PASSWORD: BY_HAND,
      });
      expect(result.status).toBe(status);
      trail.add(`output of roles ${args.join(' ')} as limited`, `${result.stdout}${result.stderr}`);
      return result.stderr;
    };
    secrets.add(BY_HAND);
    await sql.unsafe(`create role limited login createrole password 'limited-pw'; grant svc_env, svc_file to limited with admin true`);
    // It may change the password and may not keep it out of the log.
    expect(await limited(1, 'rotate', 'svc_file', '--yes')).toContain('GRANT SET ON PARAMETER log_min_duration_sample');
    // What the refusal asks for is enough.
    await sql.unsafe(`grant set on parameter log_statement, log_min_duration_statement, log_min_duration_sample, log_transaction_sample_rate,
      pg_stat_statements.track_utility to limited`);
    await limited(0, 'rotate', 'svc_file', '--yes');
    secrets.add((await readFile(path.join(directory, 'secret'), 'utf8')).trim());
    await noteVerifiers();
    await sql.unsafe('revoke svc_env, svc_file from limited');
    await limited(1, 'rotate', 'svc_file', '--yes');
    await sql.unsafe(`alter role svc_made valid until '2020-01-01'`);
    expect(await run('rotate', 'svc_made', '--yes', '--verbose')).toBe(1);
    await sql.unsafe('grant select on pg_authid to limited');
    await limited(1, 'apply', '--yes');
    await noteVerifiers();
    expect(trail.found([...secrets])).toEqual([]);
  });

  it('by the server, whose log and pg_stat_statements hold every other statement', async () => {
    const [statements] = await sql<{ text: string }[]>`select string_agg(query, E'\\n') as text from pg_stat_statements`;
    const files = await sql<
      { text: string }[]
    >`select convert_from(pg_read_binary_file('log/' || name), 'UTF8') as text from pg_ls_logdir()`;
    const log = files.map(({ text }) => text).join('\n');
    expect(log).toContain('CREATE ROLE "svc_env"');
    expect(statements?.text).toContain('CREATE ROLE "svc_env"');
    trail.add('server log', log);
    trail.add('pg_stat_statements', statements?.text ?? '');
    expect(trail.found([...secrets])).toEqual([]);
  });

  it('by the file system: nothing but the password files holds one', async () => {
    const names = (await readdir(directory, { recursive: true })).sort();
    expect(names).toEqual(['made', 'made/svc_made', 'roles.yaml', 'saved.plan', 'secret']);
    for (const name of ['roles.yaml', 'saved.plan']) trail.add(name, await readFile(path.join(directory, name), 'utf8'));
    expect(trail.found([...secrets])).toEqual([]);
  });

  it('and the search would find them: a password set by hand is in all of these places', async () => {
    const loud = 'loud-needle-9001';
    await sql.unsafe(`alter role svc_env password '${loud}'`);
    const files = await sql<
      { text: string }[]
    >`select convert_from(pg_read_binary_file('log/' || name), 'UTF8') as text from pg_ls_logdir()`;
    const [statements] = await sql<{ text: string }[]>`select string_agg(query, E'\\n') as text from pg_stat_statements`;
    const other = new Trail();
    other.add('server log', files.map(({ text }) => text).join('\n'));
    other.add('pg_stat_statements', statements?.text ?? '');
    expect(other.found([loud])).toEqual(['server log', 'pg_stat_statements']);
  });
});

/** The command line of every process that may be read, as `ps` would show it. */
async function commandLines(): Promise<readonly string[]> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = processes.map(async (pid) => await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  return (await Promise.all(read)).filter((line) => line.includes('roles') || line.includes('cat'));
}
