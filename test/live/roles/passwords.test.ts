import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { connect, openProject, type Project } from './project.ts';

const PASSWORD = "Tr0ub4dor'&\\é-7731";
const ADMIN = 'admin-5512';

const FILE = `
version: 1
services:
  from_env: { password: { from: env, name: SVC_PASSWORD } }
  from_file: { password: { from: file, path: secret } }
  from_command: { password: { from: command, command: [cat, secret] } }
  generated: { password: { from: generate, path: made/generated } }
  by_cert: { auth: cert }
`;

describe('passwords', () => {
  let cluster: TestCluster;
  let project: Project;
  let sql: Sql;

  const login = async (user: string, password: string): Promise<string> => {
    const client = postgres({
      host: cluster.host,
      port: cluster.port,
      user,
      password,
      database: 'postgres',
      max: 1,
      onnotice: () => undefined,
    });
    try {
      const [row] = await client<{ user: string }[]>`select current_user::text as user`;
      return row?.user ?? '';
    } catch (error) {
      return error instanceof postgres.PostgresError ? error.code : String(error);
    } finally {
      await client.end({ timeout: 1 });
    }
  };
  const serverLog = async (): Promise<string> => {
    const rows = await sql<{ text: string }[]>`select pg_read_file('log/' || name) as text from pg_ls_logdir()`;
    return rows.map((row) => row.text).join('');
  };

  beforeAll(async () => {
    cluster = await startTestCluster({
      major: 18,
      password: ADMIN,
      settings: {
        logging_collector: 'on',
        log_directory: 'log',
        log_statement: 'all',
        log_min_duration_statement: 0,
        log_min_error_statement: 'debug1',
      },
    });
    project = await openProject(cluster, { SVC_PASSWORD: PASSWORD, PATH: process.env['PATH'] ?? '' });
    await writeFile(path.join(project.directory, 'secret'), `${PASSWORD}\n`, { mode: 0o600 });
    sql = connect(cluster.url());
    await sql.unsafe("create role by_cert login password 'old-one'");
    await project.apply(FILE);
  });

  afterAll(async () => {
    await project?.close();
    await sql?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it.each(['from_env', 'from_file', 'from_command'])('%s logs in with it and with no other', async (user) => {
    expect(await login(user, PASSWORD)).toBe(user);
    expect(await login(user, `${PASSWORD}x`)).toBe('28P01');
  });

  it('a generated password is in a file that only its owner reads, and works', async () => {
    const file = path.join(project.directory, 'made', 'generated');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const text = (await readFile(file, 'utf8')).trim();
    expect(text.length).toBeGreaterThanOrEqual(32);
    expect(await login('generated', text)).toBe('generated');
  });

  it('a role that logs in by certificate loses its stored password', async () => {
    expect(await sql`select rolpassword from pg_authid where rolname = 'by_cert'`).toEqual([{ rolpassword: null }]);
  });

  it('stores SCRAM verifiers and finds nothing left to do', async () => {
    const rows = await sql<
      { kind: string | null }[]
    >`select split_part(rolpassword, '$', 1) as kind from pg_authid where rolname like 'from%'`;
    expect(rows.map((row) => row.kind)).toEqual(['SCRAM-SHA-256', 'SCRAM-SHA-256', 'SCRAM-SHA-256']);
    expect(await project.lines(FILE)).toEqual([]);
  });

  it('finds a password changed by hand and sets it again', async () => {
    await sql.unsafe("alter role from_env password 'by-hand'");
    expect(await project.lines(FILE)).toEqual(['from_env ~ password: <changed> (environment variable SVC_PASSWORD)']);
    await project.apply(FILE);
    expect(await login('from_env', PASSWORD)).toBe('from_env');
  });

  it('neither the password nor its verifier is in the server log, which holds every other statement', async () => {
    const log = await serverLog();
    expect(log).toContain('CREATE ROLE "from_env"');
    expect(log).not.toContain('Tr0ub4dor');
    const rows = await sql<
      { verifier: string }[]
    >`select rolpassword as verifier from pg_authid where rolname in ('from_env', 'from_file', 'generated')`;
    expect(rows).toHaveLength(3);
    for (const { verifier } of rows) expect(log).not.toContain(verifier.split('$').at(-1));
  });

  it('nobody sees it in pg_stat_activity', async () => {
    await sql.unsafe("alter role from_env password 'by-hand'");
    const seen: string[] = [];
    const stop = new AbortController();
    const watcher = connect(cluster.url());
    const watch = (async () => {
      while (!stop.signal.aborted) {
        const rows = await watcher<{ query: string }[]>`select query from pg_stat_activity where application_name = 'dbadmin roles'`;
        seen.push(...rows.map((row) => row.query));
      }
    })();
    await project.apply(FILE);
    stop.abort();
    await watch;
    await watcher.end();
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter((query) => query.includes('Tr0ub4dor') || query.includes('SCRAM'))).toEqual([]);
  });

  it('a password file that others can read is refused', async () => {
    const file = path.join(project.directory, 'secret');
    await chmod(file, 0o644);
    await expect(project.lines(FILE)).rejects.toMatchObject({
      code: 'roles-invalid',
      detail: expect.stringMatching(
        /^roles\.yaml:\d+:\d+: the password file of role from_file can be read by others; .* has mode 644; chmod 600 /,
      ) as unknown,
    });
    await chmod(file, 0o600);
  });

  it('an environment variable that is not set is refused by name', async () => {
    const other = await openProject(cluster);
    onTestFinished(async () => await other.close());
    const failure = await other.lines(FILE).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DbadminError);
    expect(failure).toMatchObject({ detail: expect.stringContaining('environment variable SVC_PASSWORD is not set') as unknown });
  });
});
