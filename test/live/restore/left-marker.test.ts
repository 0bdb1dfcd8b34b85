import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkServer } from '../../../src/backup/check/server-inspect.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

describe('the mark that a restore left in the cluster, killed just before its end', () => {
  let directory: string;
  let cluster: TestCluster;
  let repository: Repository;
  let marker: string;

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: 17, provider: 'embedded', settings: { summarize_wal: 'on' } });
    repository = await makeRepository(path.join(directory, 'repository'));
    marker = path.join(cluster.dataDirectory ?? '', 'dbadmin_restore.json');
    for (const name of [marker, `${marker}.tmp`]) await writeFile(name, '{}', { mode: 0o644 });
  });
  afterAll(async () => {
    await cluster?.stop();
    await removeDirectory(directory);
  });

  test.each(['full', 'incremental'] as const)('is in no %s backup, and none is kept from being restored by it', async (kind) => {
    expect((await backUp(cluster, repository, { kind })).kind).toBe(kind);
    const into = path.join(directory, kind);
    const restored = await restore({ repository, target: { kind: 'immediate' }, into });
    await restored.stop();
    expect([existsSync(path.join(into, 'dbadmin_restore.json')), existsSync(path.join(into, 'dbadmin_restore.json.tmp'))]).toEqual([
      false,
      false,
    ]);
  });

  test('whoever restores into the cluster is not told to finish anything over it', async () => {
    await writeFile(marker, JSON.stringify({ systemIdentifier: '1', backup: 'b', tablespaces: [], spoolDirectory: '/nowhere' }));
    const into = cluster.dataDirectory ?? '';
    const refusal = await restore({ repository, target: { kind: 'immediate' }, into }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'refused', message: `${into} is not empty`, hint: expect.not.stringContaining('Finish') });
    expect(refusal).toMatchObject({ detail: expect.not.stringContaining('interrupted') });
  });

  test('backup check names it, with what removes it', async () => {
    const found = async (): Promise<unknown> => {
      const { findings } = await checkServer({
        connection: cluster.parameters(),
        replication: cluster.parameters(),
        slot: 'dbadmin',
        dumpsOnly: false,
        clock: systemClock,
      });
      return findings.find(({ what }) => what === 'finished restore');
    };
    expect(await found()).toMatchObject({ state: 'note', fix: `rm ${marker}` });
    await rm(marker);
    expect(await found()).toBeUndefined();
  });
});
