import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readIncluded } from '../../../src/backup/restore/included-configuration-inspect.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';

let directory: string;
let cluster: TestCluster;

beforeAll(async () => {
  directory = await makeDirectory();
  cluster = await startEmbeddedCluster({ major: 16 });
});
afterAll(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

test('a clone starts in its own directory where a plain file of an included directory names the original’s', async () => {
  const { dataDirectory = '' } = cluster;
  await mkdir(path.join(dataDirectory, 'conf.d'), { mode: 0o755 });
  await writeFile(path.join(dataDirectory, 'conf.d', 'site.conf'), `data_directory = '${dataDirectory}'\nbytea_output = escape\n`, {
    mode: 0o644,
  });
  await appendFile(path.join(dataDirectory, 'postgresql.conf'), "include_dir = 'conf.d'\n");
  const repository = await makeRepository(path.join(directory, 'repository'));
  const { label } = await backUp(cluster, repository, { kind: 'full' });
  const into = path.join(directory, 'clone');
  const clone = await restore({ repository, target: { kind: 'immediate' }, backup: label, into });
  try {
    const sql = postgres(clone.url, { max: 1 });
    const found = await sql`select current_setting('data_directory') as directory, current_setting('bytea_output') as output`;
    await sql.end();
    expect([...found]).toEqual([{ directory: into, output: 'escape' }]);
  } finally {
    await clone.stop();
  }
});

test('what is included is found as the server finds it: by the place of the file that says it, and no more than is there', async () => {
  const files: Readonly<Record<string, string>> = {
    'conf.d/a.conf': "include 'b.inc'\ninclude_if_exists '../absent.conf'\n",
    'conf.d/b.inc': "include 'a.conf'\n",
    'conf.d/.hidden.conf': '',
    'conf.d/deep/c.conf': '',
    'conf.d/read.me': '',
    'other.conf': '',
  };
  const entries = Object.keys(files).map((each) => ({ path: each }));
  const main = new Map([['postgresql.conf', "include_dir 'conf.d/'\ninclude '/etc/pg.conf'\ninclude '../outside.conf'\n"]]);
  const found = await readIncluded(main, entries, async (each) => await Promise.resolve(files[each]));
  expect([...found.keys()]).toEqual(['conf.d/a.conf', 'conf.d/b.inc']);
});
