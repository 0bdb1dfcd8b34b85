import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { buildIfStale } from '../../built-command.ts';
import { runCommand } from '../../backup/command.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { CLUSTER, fill } from '../../backup/small-source.ts';

test('repository sync --dry-run refuses what the copy would refuse: WAL segments of another size; and leaves nothing in the destination', async () => {
  const directory = await makeDirectory();
  try {
    buildIfStale();
    const places = ['source', 'empty', 'other'].map((name) => path.join(directory, name));
    const [source, empty, other] = await Promise.all(places.map(async (place) => await makeRepository(place)));
    if (source === undefined || empty === undefined || other === undefined) throw new Error('three repositories');
    await ensureClusterIdentity(source, CLUSTER);
    await fill(source);
    await ensureClusterIdentity(other, { ...CLUSTER, walSegmentBytes: 4 * CLUSTER.walSegmentBytes });
    const config = path.join(directory, 'dbadmin.yaml');
    const repositories = places.map((place) => `  ${path.basename(place)}: { type: disk, path: ${JSON.stringify(place)} }\n`).join('');
    await writeFile(
      config,
      `version: 1\nclusters:\n  main: { url: 'postgres://nobody@127.0.0.1:1/x', repositories: [source] }\nrepositories:\n${repositories}`,
    );
    const dryRun = async (to: string): Promise<object> =>
      await runCommand(['repository', 'sync', '--from', 'source', '--to', to, '--all', '--dry-run', '--config', config]);
    expect(await dryRun('empty')).toMatchObject({ status: 0, stdout: expect.stringContaining('3 backups would be copied') as string });
    expect(await dryRun('other')).toMatchObject({ status: 1, stderr: expect.stringContaining('segments of 1 MiB') as string });
    for await (const { key } of empty.store.list('')) expect(key).toBe('dbadmin-repository');
  } finally {
    await removeDirectory(directory);
  }
});
