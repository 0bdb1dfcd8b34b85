import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import { stopCluster } from '../../../src/postgres/server.ts';
import { runCommand, writeConfig, type CommandEnd } from '../../backup/command.ts';
import { flipBody } from '../../backup/damage.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { freePort } from '../../postgres/address.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const ROWS = [{ rows: 1000 }];

describe('a repository in which single objects are damaged or planted', () => {
  let directory: string;
  let cluster: TestCluster;
  let config: string;
  let lineage: string;
  let labels: readonly string[];
  const dbadmin = async (...args: string[]): Promise<CommandEnd> => await runCommand([...args, '--config', config]);
  const place = (...parts: string[]): string => path.join(directory, 'repository', ...parts);
  const damageManifest = async (n: number, of: (bytes: Buffer) => Buffer): Promise<string> => {
    const file = place(lineage, 'backups', labels[n] ?? '');
    await writeFile(file, of(await readFile(file)));
    return `${lineage}/backups/${labels[n]}`;
  };

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: 17, provider: 'embedded', settings: { summarize_wal: 'on' } });
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    const repository = await makeRepository(path.join(directory, 'repository'));
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe('create table play as select g as id from generate_series(1, 1000) g');
    const taken: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      const { label, systemIdentifier } = await backUp(cluster, repository);
      taken.push(label);
      lineage = systemIdentifier;
    }
    labels = taken;
    await sql.end();
    await repository.store.close();
  });
  afterAll(async () => {
    await cluster?.stop();
    await removeDirectory(directory);
  });

  async function restores(name: string, ...args: string[]): Promise<CommandEnd> {
    const into = path.join(directory, name);
    const port = await freePort();
    const end = await dbadmin('restore', '--to-latest', '--into', into, '--start', '--port', String(port), '--yes', ...args);
    if (end.status !== 0) return end;
    const sql = postgres({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max: 1 });
    expect(await sql`select count(*)::int as rows from play`).toEqual(ROWS);
    await sql.end();
    await stopCluster(await embeddedPrograms(17), into, 'immediate');
    return end;
  }

  test('a planted manifest, cluster and drill keep nothing from being restored, listed and backed up, and are named', async () => {
    const planted = [`${lineage}/backups/zzz`, 'clusters/7000000000000000000', `${lineage}/leases/backup/000000900000`];
    for (const key of planted) await writeFile(place(...key.split('/')), 'garbage that somebody put there');
    const restored = await restores('past-garbage');
    expect(restored, restored.stderr).toMatchObject({ status: 0 });
    for (const key of planted.slice(0, 2)) expect(restored.stderr).toContain(`${key} in local cannot be read and is passed over`);
    expect(restored.stderr.split('zzz')).toHaveLength(2);
    const list = await dbadmin('backup', 'list', '--json');
    expect(JSON.parse(list.stdout)).toMatchObject({ backups: labels.map((label) => ({ label })), damaged: [{ key: planted[0] }] });
    const check = await dbadmin('backup', 'check');
    expect(check.stdout).toContain(`${planted[0]} is damaged`);
    const expire = await dbadmin('backup', 'expire', '--keep', 'last=1', '--apply', '--yes');
    expect(expire.status).toBe(1);
    expect(expire.stderr).toContain('nothing was removed');
    expect(await readdir(place(lineage, 'backups'))).toEqual(expect.arrayContaining([...labels]));
    expect(await dbadmin('repository', 'unlock', '--yes')).toMatchObject({ status: 0, stdout: expect.stringContaining('broken: backup') });
    const run = await dbadmin('backup', 'run', '--repository', 'local');
    expect(run, run.stderr).toMatchObject({ status: 0, stderr: expect.stringContaining(`${planted[0]} in local cannot be read`) });
  });

  test('the newest backup whose manifest is damaged at its end: an older one stands in, but not where it is asked for', async () => {
    const { backups } = JSON.parse((await dbadmin('backup', 'list', '--json')).stdout) as { backups: readonly { label: string }[] };
    labels = backups.map(({ label }) => label);
    const key = await damageManifest(labels.length - 1, flipBody);
    const restored = await restores('from-older');
    expect(restored, restored.stderr).toMatchObject({ status: 0, stdout: expect.stringContaining(labels.at(-2) ?? '') });
    expect(restored.stderr).toContain(`${key} in local cannot be read and is passed over`);
    const asked = await restores('asked-for', '--backup', labels.at(-1) ?? '');
    expect(asked).toMatchObject({ status: 1, stderr: expect.stringContaining(`${key} is damaged`) });
    // It is no parent either: what is taken next is built on the one before.
    const run = await dbadmin('backup', 'run', '--type', 'incremental');
    expect(run, run.stderr).toMatchObject({ status: 0, stderr: expect.stringContaining('nothing is built upon it') });
    const next = await restores('from-next');
    expect(next, next.stderr).toMatchObject({ status: 0 });
  });

  test('an entry of the ledger that cannot be read stops a restore until that is decided, and is shown', async () => {
    await dbadmin('backup', 'ledger', 'add', 'role-dropped', 'svc_old');
    await writeFile(place(lineage, 'ledger', 'planted'), 'garbage');
    expect(await restores('with-ledger')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('--without-ledger-entry planted'),
    });
    const listed = await dbadmin('backup', 'ledger', 'list', '--json');
    expect(JSON.parse(listed.stdout)).toMatchObject({
      entries: [{ kind: 'role-dropped' }],
      damaged: [{ key: `${lineage}/ledger/planted` }],
    });
    const restored = await restores('without-entry', '--without-ledger-entry', 'planted');
    expect(restored, restored.stderr).toMatchObject({ status: 0, stdout: expect.stringContaining('UNKNOWN') });
  });
});
