import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientScript } from '../../../src/backup/wal/client-script.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import { Project } from '../status/project.ts';

const HAS_PERL = spawnSync('perl', ['-e', '1']).status === 0;
const HAS_PROMTOOL = spawnSync('promtool', ['--version']).status === 0;
const POLICIES = `version: 1
policies:
  shop: { cluster: main, repositories: [local], wal: { mode: stream, rpo: 200ms } }
jobs:
  once: { sql: "select 1", cron: "0 0 1 1 *" }
`;

let directory: string;
let cluster: TestCluster;
let project: Project;
let worker: ChildProcess;
let said = '';

beforeAll(async () => {
  directory = await makeDirectory();
  await mkdir(path.join(directory, 'repository'));
  await mkdir(path.join(directory, 'run'), { mode: 0o700 });
  cluster = await startEmbeddedCluster({ major: 17 });
  project = new Project(path.join(directory, 'project'));
  await project.write(cluster.url(), path.join(directory, 'repository'), POLICIES);
  await project.json('backup', 'init');
  worker = project.start(['worker', '--name', 'w1', '--listen', '127.0.0.1:0', '--wal-sockets', path.join(directory, 'run')]);
  worker.stderr?.on('data', (data: Buffer) => (said += data.toString()));
  await new Promise<void>((resolve, reject) => {
    worker.stderr?.on('data', () => {
      if (said.includes('receiving the WAL of main')) resolve();
    });
    worker.once('exit', () => reject(new Error(said)));
  });
});
afterAll(async () => {
  const ended = once(worker, 'exit');
  worker.kill('SIGTERM');
  await ended;
  await cluster.stop();
  await removeDirectory(directory);
});

async function ask(
  place: string,
  method = 'GET',
): Promise<{ readonly status: number; readonly text: string; readonly type: string | null }> {
  const address = /on (http:\/\/127\.0\.0\.1:\d+)/.exec(said)?.[1] ?? '';
  const answer = await fetch(`${address}${place}`, { method });
  return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') };
}

test('a worker tells at /healthz how it is, and what it receives', async () => {
  await expect
    .poll(async () => JSON.parse((await ask('/healthz')).text) as object, { timeout: 20_000 })
    .toMatchObject({
      status: 'ok',
      worker: 'w1',
      control: { kind: 'connected' },
      wal: [{ cluster: 'main', state: 'receiving', reason: null }],
    });
  expect(await ask('/healthz')).toMatchObject({ status: 200, type: 'application/json' });
  expect(await ask('/')).toMatchObject({ status: 404 });
  expect(await ask('/metrics', 'POST')).toMatchObject({ status: 405 });
});

test('its /metrics are those of the project and its own, as Prometheus wants them', async () => {
  await expect.poll(async () => (await ask('/metrics')).text, { timeout: 20_000 }).toContain('\ndbadmin_up{cluster="main"} 1\n');
  const { text, type } = await ask('/metrics');
  expect(type).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(text).toContain('\ndbadmin_worker_wal_receiving{cluster="main"} 1\n');
  expect(text).toMatch(/\ndbadmin_job_next_timestamp_seconds\{job_name="once",cluster=""\} \d+/);
  if (HAS_PROMTOOL)
    expect(spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
});

test.runIf(HAS_PERL)('its socket gives the WAL that it has received, and takes what archive_command brings', async () => {
  const socketPath = path.join(directory, 'run', 'main.sock');
  const mode = async (): Promise<number | undefined> => {
    const there = await stat(socketPath).catch(() => undefined);
    return there && there.mode & 0o777;
  };
  await expect.poll(mode, { timeout: 30_000 }).toBe(0o600);
  const client = path.join(directory, 'wal-client');
  // Whatever the socket does not answer fails.
  await writeFile(client, clientScript({ socketPath, clusterName: 'main', dbadmin: ['/bin/false'], options: [] }), { mode: 0o755 });
  const run = async (words: readonly string[]): Promise<number | null> => {
    const child = spawn(client, words, { cwd: directory, stdio: 'ignore' });
    const [status] = (await once(child, 'close')) as [number | null];
    return status;
  };
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  const [row] = await sql<{ name: string }[]>`select pg_walfile_name(pg_current_wal_insert_lsn()) as name, txid_current()`;
  await sql`select pg_switch_wal()`;
  await sql.end();
  const name = row?.name ?? '';
  const written = await readFile(path.join(cluster.dataDirectory ?? '', 'pg_wal', name));
  // Asked while the segment is still open, it gives what is stored of it, and zeros.
  const fetchedAll = async (): Promise<boolean> =>
    (await run(['get', name, 'fetched'])) === 0 && (await readFile(path.join(directory, 'fetched'))).equals(written);
  await expect.poll(fetchedAll, { timeout: 30_000 }).toBe(true);
  // It is there already, with this content and no other.
  await writeFile(path.join(directory, name), written);
  expect(await run(['push', name])).toBe(0);
  await writeFile(path.join(directory, name), Buffer.alloc(written.length, 1));
  expect(await run(['push', name])).toBe(1);
});
