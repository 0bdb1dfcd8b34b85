import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import { stopCluster } from '../../../src/postgres/server.ts';
import { runCommand, writeConfig, type CommandEnd } from '../../backup/command.ts';
import { makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { waitUntilAllStored } from '../../backup/stored.ts';
import { freePort } from '../../postgres/address.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

async function packsIn(repository: string): Promise<readonly string[]> {
  const names = await readdir(repository, { recursive: true });
  return names.filter((name) => /\/packs\/[0-9a-f]{2}\/[0-9a-f]{32}$/.test(name));
}

test('a backup that a verification found broken is passed over for an older one, and not where it is asked for', async () => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ major: 17, provider: 'embedded' });
  try {
    const place = path.join(directory, 'repository');
    const repository = await makeRepository(place);
    const receiver = startReceiver(cluster, repository);
    const config = await writeConfig(directory, cluster, place);
    const dbadmin = async (...args: string[]): Promise<CommandEnd> => await runCommand([...args, '--config', config]);
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe('create table play as select g as id from generate_series(1, 1000) g');
    expect(await dbadmin('backup', 'run', '--type', 'full')).toMatchObject({ status: 0 });
    const before = new Set(await packsIn(place));
    await sql.unsafe('insert into play select g from generate_series(1001, 2000) g');
    expect(await dbadmin('backup', 'run', '--type', 'full')).toMatchObject({ status: 0 });
    await sql.unsafe('create table after_both ()');
    // A moment is told to the millisecond.
    await sleep(10);
    const moment = new Date().toISOString();
    await sql.unsafe('create table later ()');
    await waitUntilAllStored(repository, sql);
    await receiver.stop();
    await sql.end();
    const { backups } = JSON.parse((await dbadmin('backup', 'list', '--json')).stdout) as { backups: readonly { label: string }[] };
    const [older = '', newest = ''] = backups.map(({ label }) => label);

    const own = (await packsIn(place)).filter((name) => !before.has(name));
    expect(own.length).toBeGreaterThan(0);
    for (const name of own) {
      const bytes = await readFile(path.join(place, name));
      bytes.fill(0, 0, bytes.byteLength >> 1);
      await writeFile(path.join(place, name), bytes);
    }
    const verified = await dbadmin('backup', 'verify', '--read-data');
    expect(`${verified.status} ${verified.stdout}${verified.stderr}`).toMatch(new RegExp(`^[^0][^]*${newest}`));

    const into = path.join(directory, 'clone');
    const port = await freePort();
    const restored = await dbadmin('restore', '--to-latest', '--into', into, '--start', '--port', String(port), '--yes');
    expect(`${restored.status} ${restored.stdout}${restored.stderr}`).toMatch(new RegExp(`^0 [^]*backup {5}${older},`));
    expect(restored.stderr).toMatch(
      new RegExp(`${newest} is newer and is not taken: it does not restore whole, as verification \\S+ found`),
    );
    const reader = postgres({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max: 1 });
    expect(await reader`select count(*)::int as rows from play`).toEqual([{ rows: 2000 }]);
    await reader.end();
    await stopCluster(await embeddedPrograms(17), into, 'immediate');

    const plan = ['restore', '--to-latest', '--into', path.join(directory, 'plan'), '--dry-run', '--json'];
    const { preflight } = JSON.parse((await dbadmin(...plan)).stdout) as { preflight: object };
    expect(preflight).toMatchObject({ backup: older, brokenAside: [{ label: newest }] });

    const table = ['restore', '--table', 'public.play', '--to-latest', '--schema', 'back', '--dry-run'];
    const tables = await dbadmin(...table);
    expect(`${tables.status} ${tables.stdout}${tables.stderr}`).toMatch(
      new RegExp(`^0 [^]*backup {5}${older},[^]*${newest} is newer and is not taken`),
    );
    expect(await dbadmin(...table, '--backup', newest)).toMatchObject({ status: 1, stderr: expect.stringMatching(/damaged/) });
    const access = await dbadmin('roles', 'who-can', 'select', 'public.play', '--at', moment);
    expect(`${access.status} ${access.stdout}${access.stderr}`).toMatch(new RegExp(`^0 [^]*${newest} is newer and is not taken`));

    const asked = await dbadmin('restore', '--to-latest', '--backup', newest, '--into', path.join(directory, 'asked'), '--yes');
    expect(`${asked.status} ${asked.stderr}`).toMatch(/^1 [^]*damaged/);
  } finally {
    await cluster.stop();
    await removeDirectory(directory);
  }
});
