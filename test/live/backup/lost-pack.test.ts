import { cp, mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packPrefix } from '../../../src/repository/layout.ts';
import { writeConfig, type CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import type { TestCluster } from '../../postgres/cluster.ts';

const POLICIES = `version: 1
policies:
  main: { cluster: main, repositories: [local], base: { full: { cron: "0 2 * * *" } }, retention: { keep: { last: 4 } } }
`;

let cluster: TestCluster;
let directory: string;
let packs: string;
let config: string;

/** A repository with a backup whose content is gone, and of which nothing else is wrong. */
beforeAll(async () => {
  directory = await makeDirectory();
  const place = path.join(directory, 'repository');
  cluster = await startEmbeddedCluster({ major: 17 });
  config = await writeConfig(directory, cluster, place);
  await mkdir(path.join(directory, 'backups'));
  await writeFile(path.join(directory, 'backups', 'policies.yaml'), POLICIES);
  const sql = postgres(cluster.url(), { max: 1 });
  await sql`create table thing as select g, repeat(md5(g::text), 20) as t from generate_series(1, 5000) g`;
  expect(await dbadmin('backup', 'init')).toMatchObject({ status: 0 });
  expect(await dbadmin('backup', 'run')).toMatchObject({ status: 0 });
  await sql`update thing set t = md5(t)`;
  const [system] = await sql<{ id: string }[]>`select system_identifier::text as id from pg_control_system()`;
  await sql.end();
  packs = path.join(place, packPrefix(system?.id ?? ''));
  await rename(packs, path.join(directory, 'lost'));
});
afterAll(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

const dbadmin = async (...args: readonly string[]): Promise<CommandEnd> => await runInProcess([...args, '--config', config], process.env);

test('a backup after which no content can be freed ends with 4 and says why, and so does backup expire, with 3', async () => {
  const run = await dbadmin('backup', 'run', '--type', 'full', '--json');
  expect(`${run.status} ${run.stderr}`).toMatch(
    /^4 [^]*warning: the backup is taken, but the room of older ones was not freed in local: backups in .* need content that no pack has\n {2}detail: [^]*\n {2}hint: /,
  );
  expect(JSON.parse(run.stdout)).toMatchObject({ backups: [{ repository: 'local', expired: { error: { code: 'repository-damaged' } } }] });
  const expire = await dbadmin('backup', 'expire', '--apply');
  expect(`${expire.status} ${expire.stderr}`).toMatch(/^3 [^]*content was not collected: backups in .* need content that no pack has/);
  expect(await dbadmin('backup', 'expire')).toMatchObject({ status: 0 });
});

test('once the content is back both end with 0', async () => {
  await cp(path.join(directory, 'lost'), packs, { recursive: true });
  const run = await dbadmin('backup', 'run', '--type', 'full');
  expect(run.status, run.stderr).toBe(0);
  const expire = await dbadmin('backup', 'expire', '--apply');
  expect(expire.status, expire.stderr).toBe(0);
});
