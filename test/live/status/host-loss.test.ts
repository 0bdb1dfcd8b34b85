import { once } from 'node:events';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stopCluster } from '../../../src/postgres/server.ts';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import { Project } from './project.ts';

let directory: string;
let project: Project;
let cluster: TestCluster;
/** What the drill measured that status goes by. */
let measuredMs: number;

const RPO = '1s';
const POLICIES = `version: 1
policies:
  shop: { cluster: main, repositories: [local], wal: { mode: stream, rpo: ${RPO} }, base: { full: { cron: "0 2 * * *" } }, limits: { backup_age: 1h } }
`;

beforeAll(async () => {
  directory = await makeDirectory();
  project = new Project(path.join(directory, 'project'));
  cluster = await startEmbeddedCluster({ major: 17 });
  await project.write(cluster.url(), path.join(directory, 'repository'), POLICIES);
  await project.run('backup', 'init');
  const sql = connect(cluster.url());
  await sql`create table step (n int primary key)`;
  await sql`insert into step values (0)`;
  await sql.end();
  await project.json('backup', 'run');
  measuredMs = await drillMs();
});
afterAll(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

const connect = (url = cluster.url()): postgres.Sql =>
  postgres(url, { max: 1, onnotice: () => undefined, connect_timeout: 5, backoff: false });
const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

/** A drill proves nothing without assertions, and measures all the same. */
async function drillMs(): Promise<number> {
  const { stdout } = await project.run('backup', 'drill', '--skip-amcheck', '--json');
  return (JSON.parse(stdout) as { report: { times: { rtoMs: number } } }).report.times.rtoMs;
}

interface Status {
  readonly clusters: readonly {
    readonly loss: { readonly kind: string; readonly lossMs: number; readonly because: string };
    readonly restore: { readonly restoreMs: number };
  }[];
}

/** Commits one row after the other until the server is gone, or a single one; when each was acknowledged, by number. */
async function write(isBusy: boolean): Promise<ReadonlyMap<number, number>> {
  const acknowledged = new Map<number, number>();
  const sql = connect(cluster.url());
  try {
    const [row] = await sql<{ last: number }[]>`select max(n) as last from step`;
    for (let n = (row?.last ?? 0) + 1; ; n += 1) {
      await sql`insert into step values (${n})`;
      acknowledged.set(n, Date.now());
      if (!isBusy) return acknowledged;
      await pause(5);
    }
  } catch {
    return acknowledged;
  } finally {
    await sql.end({ timeout: 1 }).catch(() => undefined);
  }
}

test.each([
  ['an idle', false],
  ['a busy', true],
])('%s cluster whose host vanishes loses no more and is back no later than status said just before', async (how, isBusy) => {
  const receiver = await project.receive(RPO);
  const writing = write(isBusy);
  await pause(2500);
  const said = (await project.json<Status>('status', '--brief')).clusters[0];
  // Nothing gets away: whoever receives dies with the host.
  receiver.kill('SIGKILL');
  const vanishedMs = Date.now();
  await Promise.all([cluster.crash(), once(receiver, 'exit')]);
  const acknowledged = await writing;

  const into = path.join(directory, `restored-${how.slice(-4)}`);
  // The sources take longer to load than the bundle that people install.
  const loadingMs = Date.now();
  await project.run('restore', '--help');
  const startedMs = Date.now();
  const loadMs = startedMs - loadingMs;
  const { restored: laid } = await project.json<{ restored: { port: number } }>(
    'restore',
    '--to-latest',
    '--into',
    into,
    '--start',
    '--yes',
  );
  const restored = connect(`postgresql://postgres@127.0.0.1:${laid.port}/postgres`);
  const kept = new Set((await restored<{ n: number }[]>`select n from step`).map(({ n }) => n));
  await restored`insert into step values (-1)`;
  const tookMs = Date.now() - startedMs - loadMs;
  await restored.end();
  await stopCluster(await embeddedPrograms(17), into, 'immediate');
  await cluster.restart();

  const lost = [...acknowledged].filter(([n]) => !kept.has(n));
  const lossMs = lost.length === 0 ? 0 : vanishedMs - Math.min(...lost.map(([, at]) => at));
  process.stderr.write(
    `${how} cluster: said to lose ≤ ${said?.loss.lossMs} ms and to be back in ${said?.restore.restoreMs} ms; lost ${lost.length} of ${acknowledged.size} commits (${lossMs} ms), back in ${tookMs} ms\n`,
  );
  expect(said?.loss).toMatchObject({ kind: 'span', because: 'open-wal' });
  expect(acknowledged.size).toBeGreaterThan(isBusy ? 50 : 0);
  expect(lossMs).toBeLessThanOrEqual(said?.loss.lossMs ?? 0);
  if (tookMs > (said?.restore.restoreMs ?? 0)) {
    // Has the machine become slower since the drill? Then by as much as it slows down a drill, and no more.
    const slower = (await drillMs()) / measuredMs;
    process.stderr.write(`a drill takes ${slower.toFixed(1)} times as long now\n`);
    expect(tookMs).toBeLessThanOrEqual((said?.restore.restoreMs ?? 0) * Math.max(1, slower));
  }
  // Both figures are worth something.
  expect(said?.loss.lossMs).toBeLessThan(10_000);
});
