import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { runCommand, writeConfig } from '../../backup/command.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

test('adopt does not take a backup with bad pages for the first backup: it ends with 3, and the step stays to do', async () => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ major: 17, provider: 'embedded', checksums: true });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    const [row] = await sql<{ file: string }[]>`create table sale as select generate_series(1, 1000) as n`.then(
      async () => await sql<{ file: string }[]>`select pg_relation_filepath('sale') as file`,
    );
    await sql`checkpoint`;
    const file = openSync(path.join(cluster.dataDirectory ?? '', row?.file ?? ''), 'r+');
    writeSync(file, Buffer.alloc(64, 0xaa), 0, 64, 8192 + 4096);
    closeSync(file);
    const repository = await makeRepository(path.join(directory, 'repository'));
    // What the repository knows it by counts as no backup either.
    await backUp(cluster, repository);
    const config = await writeConfig(directory, cluster, path.join(directory, 'repository'));

    const adopted = await runCommand(['backup', 'adopt', '--yes', '--json', '--config', config]);
    expect(`${adopted.status} ${adopted.stderr}`).toMatch(/^3 [^]*the server found damaged pages[^]*adopted but for its first backup/);
    const { steps } = JSON.parse(adopted.stdout) as { readonly steps: readonly { readonly step: string; readonly state: string }[] };
    expect(Object.fromEntries(steps.map(({ step, state }) => [step, state]))).toMatchObject({ slot: 'made', backup: 'to-do' });

    // The page is well again.
    for (const each of ['set zero_damaged_pages = on', 'vacuum (full) sale', 'checkpoint']) await sql.unsafe(each);
    const again = await runCommand(['backup', 'adopt', '--yes', '--config', config]);
    expect(`${again.status} ${again.stdout}${again.stderr}`).toMatch(/^0 [^]*done[^]*adopted; /);
  } finally {
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  }
});
