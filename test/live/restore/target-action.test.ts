import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseControlFile } from '../../../src/postgres/control-file.ts';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { serverPid, stopCluster, type ServerPrograms } from '../../../src/postgres/server.ts';
import { writeConfig, type CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { waitUntilStored } from '../../backup/stored.ts';
import { freePort } from '../../postgres/address.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const MAJOR = 17;
const run = promisify(execFile);

let directory: string;
let cluster: TestCluster;
let programs: ServerPrograms;
let config: string;
let target: string;

beforeAll(async () => {
  directory = await makeDirectory();
  programs = await embeddedPrograms(MAJOR);
  cluster = await startTestCluster({ major: MAJOR, provider: 'embedded' });
  const place = path.join(directory, 'repository');
  const repository = await makeRepository(place);
  const receiver = startReceiver(cluster, repository);
  await backUp(cluster, repository);
  const sql = postgres(cluster.url(), { max: 1 });
  await sql`create table before_it as select 1 as n`;
  const [at] = await sql<{ lsn: string }[]>`select pg_current_wal_insert_lsn()::text as lsn`;
  await sql`create table after_it as select 1 as n`;
  const [end] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
  await sql.end();
  target = at?.lsn ?? '';
  await waitUntilStored(repository, parseLsn(end?.lsn ?? ''));
  await receiver.stop();
  await repository.store.close();
  config = await writeConfig(directory, cluster, place);
});

afterAll(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

const restore = async (...words: readonly string[]): Promise<CommandEnd> =>
  await runInProcess(['restore', '--start', '--yes', '--config', config, ...words], { XDG_STATE_HOME: directory });

/** What is there of the two tables, and whether it takes writes. */
async function look(port: number): Promise<object> {
  const sql = postgres(`postgresql://postgres@127.0.0.1:${port}/postgres`, { max: 1, onnotice: () => undefined });
  try {
    const [row] = await sql<{ recovers: boolean; before: boolean; after: boolean }[]>`
      select pg_is_in_recovery() as recovers, to_regclass('before_it') is not null as before, to_regclass('after_it') is not null as after`;
    return row ?? {};
  } finally {
    await sql.end();
  }
}

const stateOf = async (into: string): Promise<string> => parseControlFile(await readFile(path.join(into, 'global', 'pg_control'))).state;

/** The line of sh after `words` in what was printed. */
const lineAfter = (printed: string, words: string): string => new RegExp(`${words}: (.+?)(?:   \\(|$)`, 'm').exec(printed)?.[1] ?? '';

describe('restore --start --action', () => {
  test('shutdown: the cluster is down at its target, and what is printed opens it there', async () => {
    const into = path.join(directory, 'down');
    const port = await freePort();
    const end = await restore('--into', into, '--to-lsn', target, '--action', 'shutdown', '--port', String(port));
    expect(end.status, end.stderr).toBe(0);
    expect(end.stdout).toContain('recovered  to the target and shut down');
    expect(end.stdout).not.toMatch(/^(open|paused) /m);
    expect(await serverPid(into)).toBeUndefined();
    expect(await stateOf(into)).toBe('shut-down-in-recovery');
    expect(existsSync(path.join(into, 'recovery.signal'))).toBe(true);
    const line = lineAfter(end.stdout, 'open it');
    try {
      await run('sh', ['-c', `${line} >${directory}/started 2>&1`]);
      await expect.poll(async () => await look(port), { timeout: 30_000 }).toEqual({ recovers: false, before: true, after: false });
      expect(existsSync(path.join(into, 'recovery.signal'))).toBe(false);
      // It is a cluster like any other from here on.
      await stopCluster(programs, into, 'fast');
      expect(await stateOf(into)).toBe('shut-down');
    } finally {
      await stopCluster(programs, into, 'immediate').catch(() => undefined);
    }
  });

  test('shutdown with --json: the state is said', async () => {
    const into = path.join(directory, 'down-json');
    const end = await restore('--into', into, '--to-lsn', target, '--action', 'shutdown', '--json');
    expect(end.status, end.stderr).toBe(0);
    expect(JSON.parse(end.stdout)).toMatchObject({ restored: { state: 'shut-down', dataDirectory: into } });
  });

  test('pause: it is open for reading at its target, and what is printed opens it for writing', async () => {
    const into = path.join(directory, 'paused');
    const port = await freePort();
    const end = await restore('--into', into, '--to-lsn', target, '--action', 'pause', '--port', String(port));
    try {
      expect(end.status, end.stderr).toBe(0);
      expect(end.stdout).toContain(`paused     postgresql://127.0.0.1:${port}`);
      expect(await look(port)).toEqual({ recovers: true, before: true, after: false });
      expect(await stateOf(into)).toBe('in-archive-recovery');
      const statement = lineAfter(end.stdout, 'open it');
      const sql = postgres(`postgresql://postgres@127.0.0.1:${port}/postgres`, { max: 1 });
      await sql.unsafe(statement);
      await sql.end();
      await expect.poll(async () => await look(port), { timeout: 30_000 }).toEqual({ recovers: false, before: true, after: false });
    } finally {
      await stopCluster(programs, into, 'immediate').catch(() => undefined);
    }
  });

  test.each(['pause', 'shutdown'])('%s with --to-latest is refused: PostgreSQL opens what has replayed all there is', async (action) => {
    const into = path.join(directory, `latest-${action}`);
    const end = await restore('--into', into, '--to-latest', '--action', action);
    if (existsSync(into)) await stopCluster(programs, into, 'immediate').catch(() => undefined);
    expect(end).toMatchObject({ status: 64, stderr: expect.stringContaining(`--action ${action}`) });
    expect(existsSync(into)).toBe(false);
  });
});
