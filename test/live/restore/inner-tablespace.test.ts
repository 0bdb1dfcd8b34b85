import { chown, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { applyRestore, type Restored } from '../../../src/backup/restore/apply.ts';
import { inspectRestore } from '../../../src/backup/restore/inspect.ts';
import { startRestored } from '../../../src/backup/restore/start-run.ts';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import { stopCluster } from '../../../src/postgres/server.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { freePort } from '../../postgres/address.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

test.for([
  ['in the data directory', (directory: string) => directory],
  ['in a data directory that is named by a link', (directory: string) => `${directory}.disk`],
] as const)('a tablespace that lies %s is gone over in its place', async ([, realOf]) => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ major: 17, provider: 'embedded' });
  const programs = await embeddedPrograms(17);
  const original = path.join(cluster.dataDirectory ?? '', 'disks', 'own');
  const into = path.join(directory, 'again');
  const real = realOf(into);
  const repository = await makeRepository(path.join(directory, 'repository'));
  const signal = new AbortController().signal;
  const layDown = async (delta: boolean): Promise<Restored> => {
    const preflight = await inspectRestore({
      repository,
      clusterName: 'main',
      systemIdentifier: undefined,
      target: { kind: 'immediate' },
      exclusive: false,
      backup: undefined,
      timeline: undefined,
      dataDirectory: into,
      tablespaces: new Map([[original, path.join(real, 'disks', 'own')]]),
      delta,
    });
    const clone = { port: await freePort(), clusterName: 'restored', action: 'promote' } as const;
    return await applyRestore({ ...clone, preflight, programs, owner: programs.runAs, signal, onProgress: () => undefined });
  };
  try {
    for (const each of [path.dirname(original), original, ...(real === into ? [] : [real])]) {
      await mkdir(each);
      if (programs.runAs !== undefined) await chown(each, programs.runAs.uid, programs.runAs.gid);
    }
    if (real !== into) await symlink(real, into);
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe(`create tablespace own location '${original}'`);
    await sql.unsafe('create table there tablespace own as select g as n from generate_series(1, 1000) g');
    await sql.end();
    await backUp(cluster, repository);
    const first = await layDown(false);
    expect(first.delta).toBeUndefined();
    await writeFile(path.join(into, 'disks', 'foreign'), '');
    const restored = await layDown(true);
    expect(restored.delta?.rewrittenBytes).toBe(0);
    await expect(stat(path.join(into, 'disks', 'foreign'))).rejects.toMatchObject({ code: 'ENOENT' });
    await startRestored({ restored, programs, action: 'promote', timeoutSeconds: 60, clock: systemClock, signal });
    const reader = postgres({ host: '127.0.0.1', port: restored.port, user: 'postgres', database: 'postgres', max: 1 });
    expect(await reader`select sum(n)::int as total, min(pg_relation_filepath('there')) ~ '^pg_tblspc/' as apart from there`).toEqual([
      { total: 500_500, apart: true },
    ]);
    await reader.end();
  } finally {
    await stopCluster(programs, into, 'immediate').catch(() => undefined);
    await cluster.stop();
    await removeDirectory(directory);
  }
});
