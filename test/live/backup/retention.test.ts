import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { segmentName } from '../../../src/postgres/segment.ts';
import { listClusters } from '../../../src/repository/identity.ts';
import { walKey } from '../../../src/repository/layout.ts';
import { listBackups } from '../../../src/repository/manifest.ts';
import { openRepository } from '../../../src/repository/repository.ts';
import { openDiskStore } from '../../../src/storage/disk.ts';
import { commandEnd, startCommand, writeConfig, type CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, removeDirectory, restore } from '../../backup/repository.ts';
import { readAllBackups } from '../../backup/small-backups.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import type { TestCluster } from '../../postgres/cluster.ts';

let cluster: TestCluster;
let directory: string;
let place: string;
let config: string;

beforeAll(async () => {
  directory = await makeDirectory();
  place = path.join(directory, 'repository');
  cluster = await startEmbeddedCluster({ major: 17 });
  config = await writeConfig(directory, cluster, place);
  expect(await dbadmin(['backup', 'init', '--config', config])).toMatchObject({ status: 0 });
});

afterAll(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

const dbadmin = async (args: readonly string[]): Promise<CommandEnd> => await runInProcess(args, process.env);

async function labels(): Promise<readonly string[]> {
  const repository = await openRepository(await openDiskStore(place), { kind: 'none' });
  try {
    const [lineage] = await listClusters(repository);
    return await readAllBackups(repository, lineage?.systemIdentifier ?? '');
  } finally {
    await repository.store.close();
  }
}

test('of two backups begun at once one is taken, and the other says who holds the repository: exit 11', async () => {
  const ends = await Promise.all([
    commandEnd(startCommand(['backup', 'run', '--config', config])),
    commandEnd(startCommand(['backup', 'run', '--config', config])),
  ]);
  expect(new Set(ends.map(({ status }) => status))).toEqual(new Set([0, 11]));
  expect(ends.find(({ status }) => status === 11)?.stderr).toMatch(/is locked by backup run \(process \d+ on /);
  expect(await labels()).toHaveLength(1);
});

test('after each backup what the policy does not keep goes; what stays restores', async () => {
  const policies = path.join(directory, 'backups');
  await mkdir(policies);
  await writeFile(
    path.join(policies, 'policies.yaml'),
    'version: 1\npolicies:\n  main: { cluster: main, repositories: [local], base: { full: { cron: "0 2 * * *" } }, retention: { keep: { last: 2 }, minimum: 2 } }\n',
  );
  const sql = postgres(cluster.url(), { max: 1 });
  await sql`create table thing as select g, repeat(md5(g::text), 20) as t from generate_series(1, 20000) g`;
  const [first = ''] = await labels();
  const hold = await dbadmin(['backup', 'hold', first, '--reason', 'the first', '--config', config]);
  expect(hold).toMatchObject({ status: 0, stdout: expect.stringMatching(/ no end +the first /) });
  expect(hold.stdout).not.toContain('released');
  for (let round = 0; round < 3; round += 1) {
    await sql`update thing set t = md5(t) where g % 3 = ${round}`;
    const run = await dbadmin(['backup', 'run', '--type', 'full', '--config', config]);
    expect(run.status, run.stderr).toBe(0);
    if (round === 2) expect(run.stdout).toContain('removed    1 backup');
  }
  expect(await labels()).toHaveLength(3);
  const plan = await dbadmin(['backup', 'expire', '--config', config]);
  expect(plan).toMatchObject({ status: 0, stdout: expect.stringMatching(/held: the first[^]*one of the last 2/) });
  await dbadmin(['backup', 'hold', first, '--release', '--config', config]);
  // Twice, with next to no grace: content is marked, then freed.
  const words = ['backup', 'expire', '--apply', '--grace', '1ms', '--config', config];
  const [marking, freeing] = [await dbadmin(words), await dbadmin(words)];
  expect(marking.stdout, marking.stderr).toMatch(/removed {4}1 backup[^]*(marked|rewritten)/);
  expect(freeing.stdout, freeing.stderr).toContain('freed');
  expect(await labels()).toHaveLength(2);

  const [expected] = await sql`select count(*)::int as n, sum(hashtext(t))::text as digest from thing`;
  await sql.end();
  const repository = await openRepository(await openDiskStore(place), { kind: 'none' });
  const clone = await restore({ repository, target: { kind: 'immediate' }, into: path.join(directory, 'clone') });
  const reader = postgres(clone.url, { max: 1 });
  const [found] = await reader`select count(*)::int as n, sum(hashtext(t))::text as digest from thing`;
  expect(found).toEqual(expected);
  await reader.end();
  await clone.stop();
});

test('a second repository made later gets everything with sync, under a key of its own', async () => {
  const offsite = path.join(directory, 'offsite');
  const file = path.join(directory, 'two.yaml');
  const text = `version: 1\nclusters:\n  main:\n    url: ${JSON.stringify(cluster.url())}\n    repositories: [local, offsite]\nrepositories:\n  local: { type: disk, path: ${JSON.stringify(place)} }\n  offsite: { type: disk, path: ${JSON.stringify(offsite)}, encryption: { passphrase: "correct horse battery" } }\n`;
  await writeFile(file, text, { mode: 0o600 });
  expect(await dbadmin(['backup', 'init', '--repository', 'offsite', '--config', file])).toMatchObject({ status: 0 });
  const sync = ['repository', 'sync', '--from', 'local', '--to', 'offsite', '--config', file];
  const planned = JSON.parse((await dbadmin([...sync, '--dry-run', '--json'])).stdout) as {
    readonly backups: readonly { readonly label: string }[];
  };
  expect(planned).toMatchObject({ from: 'local', to: 'offsite', left: [], wal: null });
  expect(planned.backups).toHaveLength(2);
  expect((await dbadmin(['backup', 'list', '--repository', 'offsite', '--config', file])).stdout).not.toContain(planned.backups[0]?.label);
  const synced = await dbadmin(sync);
  expect(synced.status, synced.stderr).toBe(0);
  const { repositories } = JSON.parse((await dbadmin(['repository', 'list', '--json', '--config', file])).stdout) as {
    repositories: readonly object[];
  };
  expect(repositories).toMatchObject([
    {
      name: 'local',
      reachable: true,
      writable: true,
      encrypted: false,
      backups: 2,
      encryption: 'none',
      clusters: [{ name: 'main', backups: 2, leases: [], verified: null }],
    },
    { name: 'offsite', reachable: true, writable: true, encrypted: true, backups: 2 },
  ]);
  const verify = await dbadmin(['backup', 'verify', '--read-data', '--repository', 'offsite', '--config', file]);
  expect(verify.status, verify.stdout + verify.stderr).toBe(0);
});

test('of a repository that rots sync brings what is whole: exit 3, and the report says what is not there and what to do', async () => {
  const [rotting, third] = [path.join(directory, 'rotting'), path.join(directory, 'third')];
  await cp(place, rotting, { recursive: true });
  const repository = await openRepository(await openDiskStore(rotting), { kind: 'none' });
  const [lineage] = await listClusters(repository);
  const { systemIdentifier = '', walSegmentBytes = 0 } = lineage ?? {};
  const [first, second] = await listBackups(repository, systemIdentifier);
  await repository.store.close();
  const needed = segmentName(1, parseLsn(first?.startLsn ?? ''), walSegmentBytes);
  // Whole, or in parts: a backup goes no further than it has to.
  const timeline = path.dirname(path.join(rotting, walKey(systemIdentifier, needed)));
  const [stored = ''] = (await readdir(timeline)).filter((name) => name.startsWith(needed) && !name.endsWith('.backup')).sort();
  const damaged = path.join(timeline, stored);
  const bytes = await readFile(damaged);
  bytes[bytes.byteLength - 40] = (bytes.at(-40) ?? 0) ^ 1;
  await writeFile(damaged, bytes);

  const file = path.join(directory, 'three', 'dbadmin.yaml');
  const text = `version: 1\nclusters:\n  main:\n    url: ${JSON.stringify(cluster.url())}\n    repositories: [rotting, third]\nrepositories:\n  rotting: { type: disk, path: ${JSON.stringify(rotting)} }\n  third: { type: disk, path: ${JSON.stringify(third)} }\n`;
  await mkdir(path.join(directory, 'three', 'backups'), { recursive: true });
  await writeFile(
    path.join(directory, 'three', 'backups', 'policies.yaml'),
    'version: 1\npolicies:\n  main: { cluster: main, repositories: [rotting, third], base: { full: { cron: "0 2 * * *" } }, retention: { keep: { last: 2 } } }\n',
  );
  await writeFile(file, text, { mode: 0o600 });
  expect(await dbadmin(['backup', 'init', '--repository', 'third', '--config', file])).toMatchObject({ status: 0 });
  const sync = ['repository', 'sync', '--from', 'rotting', '--to', 'third', '--config', file];
  const synced = await dbadmin(sync);
  expect(synced.status, synced.stdout + synced.stderr).toBe(3);
  expect(synced.stdout).toContain(`not copied WAL segment ${needed}: ${path.relative(rotting, damaged)} is damaged (`);
  expect(synced.stdout).toContain(
    `not copied backup ${first?.label}: WAL segment ${needed}, without which it cannot be restored, was not copied.`,
  );
  expect(synced.stdout).toContain('dbadmin backup verify --read-data --repository rotting');
  expect(synced.stdout).toContain('dbadmin backup run --repository third');
  const list = await dbadmin(['backup', 'list', '--repository', 'third', '--config', file]);
  expect(list.stdout).toContain(second?.label);
  expect(list.stdout).not.toContain(`${first?.label} `);
  const verify = await dbadmin(['backup', 'verify', '--read-data', '--repository', 'third', '--config', file]);
  expect(verify.stdout, verify.stdout + verify.stderr).not.toContain('does not restore whole');

  // What one verification read, the next one says again, though it reads nothing else; until it is mended.
  const verifyOf = ['backup', 'verify', '--repository', 'rotting', '--config', file];
  const listOf = ['backup', 'list', '--repository', 'rotting', '--config', file];
  expect(await dbadmin(verifyOf)).toMatchObject({ status: 0 });
  for (const more of [['--read-data'], [], ['--sample', '0.001%']])
    expect(await dbadmin([...verifyOf, ...more])).toMatchObject({
      status: 3,
      stdout: expect.stringContaining(`${first?.label} does not restore whole`) as string,
    });
  expect((await dbadmin(listOf)).stdout).toMatch(new RegExp(`${first?.label} .* broken`));
  await cp(path.join(place, path.relative(rotting, damaged)), damaged);
  expect(await dbadmin(verifyOf)).toMatchObject({ status: 0 });
  expect((await dbadmin(listOf)).stdout).not.toContain('broken');
  await writeFile(damaged, bytes);

  // Once more, for programs; and the manifest of the other backup is damaged, too.
  await writeFile(path.join(rotting, systemIdentifier, 'backups', first?.label ?? ''), 'nothing of it is left');
  const again = await dbadmin([...sync, '--json']);
  expect(again.status, again.stderr).toBe(3);
  expect(again.stderr).toMatch(/what the retention of third would keep cannot be told, so all is copied: .* is damaged/);
  expect(JSON.parse(again.stdout)).toMatchObject({
    backups: [],
    failed: [{ kind: 'backup', name: first?.label }],
  });
  const planned = await dbadmin([...sync, '--dry-run']);
  expect(planned).toMatchObject({ status: 3, stdout: expect.stringContaining(`${first?.label}   cannot be copied: `) as string });
  const one = await dbadmin([...sync, '--backup', first?.label ?? '']);
  expect(one).toMatchObject({ status: 1, stderr: expect.stringContaining('is damaged') as string });
});

test('a lineage of which nothing says the cluster any more is named by its number, and the server tells which is its own', async () => {
  const nameless = path.join(directory, 'nameless');
  await cp(place, nameless, { recursive: true });
  const [systemIdentifier = ''] = await readdir(path.join(nameless, 'clusters'));
  await rm(path.join(nameless, 'clusters', systemIdentifier));
  const configOf = async (name: string, url: string): Promise<string> => {
    const file = path.join(directory, `${name}.yaml`);
    const text = `version: 1\nclusters:\n  main:\n    url: ${JSON.stringify(url)}\n    repositories: [local]\nrepositories:\n  local: { type: disk, path: ${JSON.stringify(nameless)} }\n`;
    await writeFile(file, text, { mode: 0o600 });
    return file;
  };
  const away = await configOf('away', 'postgres://127.0.0.1:1/postgres');
  const list = await dbadmin(['repository', 'list', '--config', away]);
  expect(list).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(
      new RegExp(`lineage ${systemIdentifier} is \\(\\d+ backups?, .*--system-identifier ${systemIdentifier} finds`),
    ) as string,
  });
  const { repositories } = JSON.parse((await dbadmin(['repository', 'list', '--json', '--config', away])).stdout) as {
    repositories: readonly object[];
  };
  expect(repositories).toMatchObject([{ clusters: [{ name: null, systemIdentifier, serverVersion: expect.any(Number) as number }] }]);
  const lost = await dbadmin(['backup', 'list', '--config', away]);
  expect(lost).toMatchObject({ status: 1, stderr: expect.stringContaining(`--system-identifier ${systemIdentifier}`) as string });
  expect(await dbadmin(['backup', 'list', '--system-identifier', systemIdentifier, '--config', away])).toMatchObject({ status: 0 });
  expect(await dbadmin(['backup', 'verify', '--config', await configOf('alive', cluster.url())])).toMatchObject({ status: 0 });
});
