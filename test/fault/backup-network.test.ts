import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandEnd, runCommand, writeConfig, type CommandEnd } from '../backup/command.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../backup/repository.ts';
import { CLI } from '../built-command.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startEmbeddedCluster } from '../postgres/embedded-cluster.ts';
import { makeNetworkNamespace } from '../schedule/network-namespace.ts';

/** `npm run test:network`: what is silent is believed for five minutes. */
const IS_WANTED = process.env['DBADMIN_TEST_NETWORK'] !== undefined;
const network = IS_WANTED ? makeNetworkNamespace() : { impossible: 'it takes minutes: npm run test:network' };
if (IS_WANTED && 'impossible' in network) process.stderr.write(`backup-network.test.ts: NOT RUN: ${network.impossible}\n`);

let directory: string;
let place: string;
let cluster: TestCluster;
let sql: postgres.Sql;

beforeAll(async () => {
  if ('impossible' in network) return;
  directory = await makeDirectory();
  place = path.join(directory, 'repository');
  await makeRepository(place);
  cluster = await startEmbeddedCluster({
    major: 17,
    settings: { listen_addresses: `127.0.0.1,${network.hostAddress}` },
    hba: [
      'local all all trust',
      'host all all 127.0.0.1/32 trust',
      'host replication all 127.0.0.1/32 trust',
      `host all all ${network.subnet} trust`,
      `host replication all ${network.subnet} trust`,
    ],
  });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
});
afterAll(async () => {
  if ('impossible' in network) return;
  await sql.end({ timeout: 1 });
  await cluster.stop();
  await removeDirectory(directory);
  network.remove();
});

const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

/** A backup from another machine at a rate at which it takes a while, and the server sends: how it ends. */
async function begin(maxRate: string): Promise<{ readonly ended: Promise<CommandEnd> }> {
  if ('impossible' in network) throw new Error(network.impossible);
  const config = path.join(directory, 'far.yaml');
  const far = new URL(cluster.url());
  far.hostname = network.hostAddress;
  far.searchParams.set('sslmode', 'disable');
  const text = `version: 1\nclusters:\n  main: { url: "${far.href}", repositories: [local] }\nrepositories:\n  local: { type: disk, path: "${place}" }\n`;
  await writeFile(config, text, { mode: 0o600 });
  const words = [CLI, 'backup', 'run', '--type', 'full', '--max-rate', maxRate, '--config', config];
  const ended = commandEnd(network.spawn(process.execPath, words, process.env));
  await expect
    .poll(async () => await sql`select from pg_stat_progress_basebackup where backup_streamed > 1000000`, { timeout: 60_000 })
    .toHaveLength(1);
  return { ended };
}

test.skipIf('impossible' in network)(
  'a network that is cut for a minute and a half in the middle of a backup: the backup is taken',
  async () => {
    if ('impossible' in network) return;
    const { ended } = await begin('1MB');
    network.cut();
    await pause(90_000);
    network.heal();
    const end = await ended;
    expect(end, end.stderr).toMatchObject({ status: 0 });
    const verified = await runCommand(['backup', 'verify', '--read-data', '--config', path.join(directory, 'far.yaml')]);
    expect(verified, verified.stderr).toMatchObject({ status: 0 });
  },
  600_000,
);

test.skipIf('impossible' in network)(
  'a server that is gone without a word in the middle of a backup: it ends after five minutes, and the next one may begin',
  async () => {
    if ('impossible' in network) return;
    const { ended } = await begin('512kB');
    const cutAt = performance.now();
    network.cut();
    try {
      const end = await ended;
      expect(end, end.stderr).toMatchObject({ status: 1, stderr: expect.stringMatching(/the connection to .* was lost/) as string });
      const seconds = (performance.now() - cutAt) / 1000;
      expect(seconds).toBeGreaterThan(290);
      expect(seconds).toBeLessThan(340);
      const near = await writeConfig(directory, cluster, place);
      const next = await runCommand(['backup', 'run', '--config', near]);
      expect(next, next.stderr).toMatchObject({ status: 0 });
    } finally {
      network.heal();
    }
  },
  600_000,
);
