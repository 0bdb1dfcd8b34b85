import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { BlobIndex } from '../../src/repository/blob-index.ts';
import { listClusters } from '../../src/repository/identity.ts';
import { BlobReader } from '../../src/repository/blob-reader.ts';
import { listBackups, readManifest } from '../../src/repository/manifest.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { openDiskStore } from '../../src/storage/disk.ts';
import { commandEnd, runCommand, startCommand, writeConfig } from '../backup/command.ts';
import { makeDirectory, removeDirectory, restore } from '../backup/repository.ts';
import { startEmbeddedCluster } from '../postgres/embedded-cluster.ts';

/** The full measure is 30 kills over 1 GB: npm run test:kill. The sample keeps the run short. */
const KILLS = Number(process.env['DBADMIN_TEST_KILLS'] ?? '4');
const MEGABYTES = Number(process.env['DBADMIN_TEST_KILL_MB'] ?? '100');

/** Every listed backup is whole: its manifest reads to the end and each blob it names is there and right. */
async function expectSound(place: string): Promise<number> {
  const repository = await openRepository(await openDiskStore(place), { kind: 'none' });
  const systemIdentifier = (await listClusters(repository))[0]?.systemIdentifier ?? '';
  const backups = systemIdentifier === '' ? [] : await listBackups(repository, systemIdentifier);
  const index = await BlobIndex.load(repository, systemIdentifier);
  const blobs = new BlobReader(repository, systemIdentifier, index);
  for (const { label } of backups) {
    for await (const entry of readManifest(repository, systemIdentifier, label)) {
      if (entry.type !== 'file') continue;
      let read = 0;
      for await (const plain of blobs.readAll(Array.from(entry.extents, (extent) => extent[2]))) {
        // An extent of an incremental backup is a part of its blob.
        const [, length = 0, , from = 0] = entry.extents.at(read) ?? [];
        expect(plain.byteLength).toBeGreaterThanOrEqual(from + length);
        read += 1;
      }
      expect(read).toBe(entry.extents.length);
    }
  }
  await repository.store.close();
  return backups.length;
}

test(`backup run killed with SIGKILL at ${KILLS} moments over its length: the repository stays sound and the next run is good`, async () => {
  const directory = await makeDirectory();
  const place = path.join(directory, 'repository');
  const cluster = await startEmbeddedCluster({ major: 17, settings: { max_wal_size: '4GB' } });
  try {
    const sql = postgres(cluster.url(), { max: 1 });
    // Text that compresses little, so that packs are written all along.
    await sql.unsafe(
      `create table bulk as select g, encode(sha512(g::text::bytea), 'base64') || encode(sha512((-g)::text::bytea), 'base64') as t from generate_series(1, ${MEGABYTES * 4400}) g`,
    );
    const [size] = await sql<{ bytes: string }[]>`select pg_database_size(current_database())::text as bytes`;
    const config = await writeConfig(directory, cluster, place);
    expect((await runCommand(['backup', 'init', '--config', config])).status).toBe(0);
    const startedMs = Date.now();
    expect((await runCommand(['backup', 'run', '--config', config])).status).toBe(0);
    const lengthMs = Date.now() - startedMs;
    process.stderr.write(
      `backup run of ${Math.round(Number(size?.bytes ?? 0) / 1e6)} MB takes ${lengthMs} ms; killed at ${KILLS} moments over it\n`,
    );
    const phases = new Map<string, number>();
    for (let kill = 0; kill < KILLS; kill += 1) {
      // New content each time, so that each run has as much to store as the first.
      await sql.unsafe(
        `update bulk set t = encode(sha512((g * ${kill + 7})::text::bytea), 'base64') || t where g % ${Math.max(2, KILLS)} = ${kill % Math.max(2, KILLS)}`,
      );
      const before = await expectSound(place);
      const child = startCommand(['backup', 'run', '--verbose', '--config', config]);
      const ending = commandEnd(child);
      await new Promise((resolve) => setTimeout(resolve, ((kill + 0.5) / KILLS) * lengthMs));
      child.kill('SIGKILL');
      const end = await ending;
      const phase = [...end.stderr.matchAll(/-(?:full|incr): ([^(\n]*[^(\n ])/g)].at(-1)?.[1] ?? 'before the backup began';
      phases.set(phase, (phases.get(phase) ?? 0) + 1);
      const after = await expectSound(place);
      expect(after - before).toBe(end.signal === null || phase === 'complete' ? 1 : after - before);
      expect(after - before).toBeLessThanOrEqual(phase === 'writing the manifest' || phase === 'complete' || end.signal === null ? 1 : 0);
    }
    process.stderr.write(`phases hit: ${[...phases].map(([phase, count]) => `${phase} × ${count}`).join(', ')}\n`);
    const final = await runCommand(['backup', 'run', '--config', config]);
    expect(final.status, final.stderr).toBe(0);
    const [expected] = await sql<{ digest: string }[]>`select sum(hashtextextended(t, g))::text as digest from bulk`;
    await sql.end();
    const repository = await openRepository(await openDiskStore(place), { kind: 'none' });
    const clone = await restore({ repository, target: { kind: 'immediate' }, into: path.join(directory, 'clone') });
    const reader = postgres(clone.url, { max: 1 });
    const [found] = await reader<{ digest: string }[]>`select sum(hashtextextended(t, g))::text as digest from bulk`;
    expect(found?.digest).toBe(expected?.digest);
    await reader.end();
    await clone.stop();
  } finally {
    await cluster.stop();
    await removeDirectory(directory);
  }
}, 1_800_000);
