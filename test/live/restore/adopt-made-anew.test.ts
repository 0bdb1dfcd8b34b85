import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { writeConfig } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

test('a repository that was made anew after its loss, and is not filled yet, keeps nobody from adopting by the others', async () => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ major: 17, provider: 'embedded' });
  const at = (name: string): string => path.join(directory, name);
  const adopt = async (...words: readonly string[]): ReturnType<typeof runInProcess> =>
    await runInProcess(['backup', 'adopt', '--yes', '--config', config, ...words], { XDG_STATE_HOME: directory });
  const config = await writeConfig(directory, cluster, at('anew'));
  try {
    const text = (await readFile(config, 'utf8')).replace('[local]', '[local, kept]');
    await writeFile(config, `${text}  kept: { type: disk, path: ${JSON.stringify(at('kept'))} }\n`);
    const [anew, kept] = [await makeRepository(at('anew')), await makeRepository(at('kept'))];
    await expect(adopt()).resolves.toMatchObject({ status: 1, stderr: expect.stringContaining('repository local knows nothing of this') });
    await backUp(cluster, kept);

    const first = await adopt();
    expect(first.status, first.stderr).toBe(3);
    expect(first.stdout).toMatch(/by-hand {2}nothing is done in local: it knows nothing of this cluster[^]*dbadmin repository sync/);
    expect(first.stdout).toMatch(/to-do +make slot dbadmin[^]*adopted; /);

    await backUp(cluster, anew);
    await expect(adopt()).resolves.toMatchObject({ status: 0 });
  } finally {
    await cluster.stop();
    await removeDirectory(directory);
  }
});
