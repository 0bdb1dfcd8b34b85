import { once } from 'node:events';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../backup/command.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../backup/repository.ts';
import { CLI } from '../built-command.ts';
import { startWebhook, type WebhookServer } from '../live/status/receivers.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startEmbeddedCluster } from '../postgres/embedded-cluster.ts';
import { makeNetworkNamespace } from '../schedule/network-namespace.ts';

/** `npm run test:network` stays cut until alerts are raised, which must last a minute, and waits until they are over. */
const ALERTS = process.env['DBADMIN_TEST_NETWORK'] === 'alerts';
const SCHEMA = 'dbadmin_jobs';
const network = makeNetworkNamespace();
if ('impossible' in network) process.stderr.write(`network.test.ts: NOT RUN, no network can be cut here: ${network.impossible}\n`);

const POLICIES = (webhook: string): string => `version: 1
notify: [{ webhook: "${webhook}" }]
policies:
  app: { cluster: main, repositories: [local], wal: { mode: stream, rpo: 500ms } }
jobs:
  slow: { cron: "0 0 1 1 *", timezone: UTC, sql: "select pg_sleep(seconds) from slowness; insert into effect select current_setting('dbadmin.due')::timestamptz" }
`;

let directory: string;
let cluster: TestCluster;
let hook: WebhookServer;
let sql: postgres.Sql;

beforeAll(async () => {
  if ('impossible' in network) return;
  directory = await makeDirectory();
  cluster = await startEmbeddedCluster({
    major: 17,
    settings: { listen_addresses: `127.0.0.1,${network.hostAddress}`, wal_sender_timeout: '10s', max_wal_senders: 10 },
    hba: [
      'local all all trust',
      'host all all 127.0.0.1/32 trust',
      'host replication all 127.0.0.1/32 trust',
      `host all all ${network.subnet} trust`,
      `host replication all ${network.subnet} trust`,
    ],
  });
  hook = await startWebhook(0, network.hostAddress);
  await makeRepository(path.join(directory, 'repository'));
  await mkdir(path.join(directory, 'backups'));
  await writeFile(path.join(directory, 'backups', 'policies.yaml'), POLICIES(hook.url));
  const far = new URL(cluster.url());
  far.hostname = network.hostAddress;
  far.searchParams.set('sslmode', 'disable');
  for (const [name, url] of [
    ['near', cluster.url()],
    ['far', far.href],
  ] as const) {
    const text = `version: 1\nclusters:\n  main: { url: "${url}", repositories: [local] }\nrepositories:\n  local: { type: disk, path: "${path.join(directory, 'repository')}" }\ncontrol: { heartbeat: 10s }\n`;
    await writeFile(path.join(directory, `${name}.yaml`), text, { mode: 0o600 });
  }
  sql = postgres(cluster.url(), { max: 2, onnotice: () => undefined });
  await sql`create table effect (due timestamptz, at timestamptz default clock_timestamp())`;
  await sql`create table slowness as select 120 as seconds`;
});
afterAll(async () => {
  if ('impossible' in network) return;
  await sql.end({ timeout: 1 });
  await hook.close();
  await cluster.stop();
  await removeDirectory(directory);
  network.remove();
});

interface Running {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly stop: () => Promise<void>;
}

function start(name: 'near' | 'far'): Running {
  const words = [CLI, 'worker', '--config', path.join(directory, `${name}.yaml`), '--name', name, '--listen', 'off', '--grace', '2s'];
  const env = { ...process.env, XDG_STATE_HOME: path.join(directory, name), TZ: 'UTC' };
  const child =
    name === 'far' && !('impossible' in network)
      ? network.spawn(process.execPath, words, env)
      : spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => (said += data.toString()));
  const ended = once(child, 'close');
  return {
    child,
    said: () => said,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

async function until(what: string, isSo: () => boolean | Promise<boolean>, mostMs = 60_000): Promise<number> {
  const began = performance.now();
  while (!(await isSo())) {
    if (performance.now() - began > mostMs) throw new Error(`it did not come to that: ${what}`);
    await pause(100);
  }
  return Math.round((performance.now() - began) / 100) / 10;
}

async function askFor(config: 'near' | 'far'): Promise<void> {
  const asked = await runCommand(['schedule', 'run', 'slow', '--worker', '--config', path.join(directory, `${config}.yaml`)]);
  expect(asked).toMatchObject({ status: 0 });
}

async function runs(state: string, worker?: string): Promise<number> {
  const rows =
    await sql`select from ${sql(SCHEMA)}.run where state = ${state} and (${worker ?? null}::text is null or worker = ${worker ?? null})`;
  return rows.length;
}

test.skipIf('impossible' in network)(
  'a worker cut off from control database and cluster in the middle of a job: another does it once, WAL goes on, and it comes back by itself',
  async () => {
    if ('impossible' in network) return;
    const far = start('far');
    const workers = [far];
    const took: Record<string, number> = {};
    try {
      await until('far works', () => far.said().includes('receiving the WAL of main'));
      await until('far tells', () => far.said().includes('what is wrong is told from here'));
      await askFor('near');
      await until('far runs it', async () => (await runs('running', 'far')) === 1);
      const near = start('near');
      workers.push(near);
      await until('near stands by', () => /standing by/.test(near.said()) && near.said().includes('what is wrong is told by far'));

      network.cut();
      await sql`update slowness set seconds = 1`;
      took['taken over'] = await until('near did it', async () => (await runs('succeeded', 'near')) === 1);
      took['WAL taken over'] = await until('near receives', () => near.said().includes('receiving the WAL of main'), 180_000);
      expect(far.said()).toMatch(/slow is stopped: the control database has not answered/);
      expect(far.said()).toMatch(/the control database is away/);
      if (ALERTS) await until('far has seen it for a minute', () => /was not told of server-away/.test(far.said()), 240_000);
      expect(hook.received).toEqual([]);

      network.heal();
      took['back'] = await until('far is back', () => far.said().includes('the control database is back'));
      if (ALERTS) {
        await until('it is told, and over', () => hook.received.length === 2, 600_000);
        await pause(70_000);
        expect(hook.received.map(({ message }) => `${message.event} ${message.kind}`)).toEqual(['raised server-away', 'over server-away']);
      }
      // What is asked for now can only be done by the one that was cut off.
      await near.stop();
      await askFor('near');
      took['done by far again'] = await until('far does one', async () => (await runs('succeeded', 'far')) === 1);
      await until('far receives again', async () => {
        const [row] = await sql`select active from pg_replication_slots where slot_name = 'dbadmin'`;
        return row?.['active'] === true;
      });
    } catch (error) {
      throw new Error(workers.map(({ said }) => said()).join('\n---\n'), { cause: error });
    } finally {
      await Promise.all(workers.map(async ({ stop }) => await stop()));
    }
    const effects = await sql`select due, count(*)::int from effect group by due`;
    expect(effects.map(({ count }) => Number(count))).toEqual([1, 1]);
    expect(await runs('succeeded')).toBe(2);
    const attempts = await sql`select outcome from ${sql(SCHEMA)}.run_attempt order by started_at`;
    expect(attempts.map(({ outcome }) => String(outcome)).slice(1)).toEqual(['succeeded', 'succeeded']);
    process.stdout.write(`network cut: ${JSON.stringify(took)} s\n`);
  },
  1_200_000,
);
