import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, statfsSync, writeSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Repository } from '../../src/repository/repository.ts';
import { drill } from '../backup/drill.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../backup/repository.ts';
import { waitUntilAllStored } from '../backup/stored.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startTestCluster } from '../postgres/fixture.ts';

let directory: string;
let scratch: string;
let cluster: TestCluster;
let repository: Repository;
let isSmallDisk = false;
beforeAll(async () => {
  directory = await makeDirectory();
  scratch = path.join(directory, 'scratch');
  await mkdir(scratch, { mode: 0o711 });
  isSmallDisk = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=250m,mode=711', 'tmpfs', scratch]).status === 0;
  if (!isSmallDisk) return;
  cluster = await startTestCluster({ major: 17 });
  repository = await makeRepository(path.join(directory, 'repository'));
  const receiver = startReceiver(cluster, repository);
  await backUp(cluster, repository);
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql.unsafe("create table play as select g as n, repeat('x', 500) as t from generate_series(1, 60000) g; select pg_switch_wal()");
  await waitUntilAllStored(repository, sql);
  await sql.end();
  await receiver.stop();
});
afterAll(async () => {
  await cluster?.stop();
  if (isSmallDisk) execFileSync('umount', [scratch]);
  await removeDirectory(directory);
});

/** Leaves so many bytes free. */
function fill(leftBytes: number): void {
  const { bavail, bsize } = statfsSync(scratch);
  const handle = openSync(path.join(scratch, 'fill'), 'w');
  try {
    for (let left = bavail * bsize - leftBytes; left > 0;) left -= writeSync(handle, Buffer.alloc(Math.min(left, 1024 * 1024)));
  } finally {
    closeSync(handle);
  }
}

test.for([0, 1, 20])('a disk with %i MiB left when recovery begins is no failure of the backup', async (mebibytes, context) => {
  if (!isSmallDisk) context.skip('a small tmpfs can only be mounted by root');
  const held = drill(repository, scratch, { onPhase: (phase) => (phase === 'recovering' ? fill(mebibytes * 1024 * 1024) : undefined) });
  await expect(held).rejects.toMatchObject({ code: 'refused', message: 'there is too little room or memory for the clone' });
  expect(await readdir(scratch)).toEqual(['fill']);
  await rm(path.join(scratch, 'fill'));
});
