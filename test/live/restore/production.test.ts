import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand, writeConfig } from '../../backup/command.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { waitUntilStored } from '../../backup/stored.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

describe('a production is lost, restored in its place, and adopted', () => {
  let directory: string;
  let cluster: TestCluster;
  let config: string;
  const dataDirectory = (): string => cluster.dataDirectory ?? '';
  const dbadmin = async (...args: string[]): Promise<{ status: number | null; output: string; stdout: string }> => {
    const { status, stdout, stderr } = await runCommand([...args, '--config', config]);
    return { status, stdout, output: `${stdout}${stderr}` };
  };

  beforeAll(async () => {
    directory = await makeDirectory();
    const settings = { archive_mode: 'on', archive_command: 'true', cluster_name: 'shop', work_mem: '7MB' };
    cluster = await startTestCluster({ major: 17, provider: 'embedded', settings });
    const repository = await makeRepository(path.join(directory, 'repository'));
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe('create table sale (n int); insert into sale values (1)');
    const receiver = startReceiver(cluster, repository);
    await backUp(cluster, repository);
    await sql.unsafe('insert into sale values (2)');
    const [at] = await sql<{ lsn: string }[]>`select pg_current_wal_lsn()::text as lsn`;
    await waitUntilStored(repository, parseLsn(at?.lsn ?? ''));
    await sql.end();
    await receiver.stop();
  });
  afterAll(async () => {
    await cluster?.stop();
    await removeDirectory(directory);
  });

  const restoreWords = (): readonly string[] => [
    'restore',
    '--to-latest',
    '--into',
    dataDirectory(),
    '--as',
    'production',
    '--delta',
    '--start',
    '--yes',
  ];

  test('while it runs nothing takes its place', async () => {
    const over = await dbadmin(...restoreWords());
    expect(over.status).toBe(1);
    expect(over.output).toContain('a server runs in');
    const beside = await dbadmin('restore', '--to-latest', '--into', path.join(directory, 'second'), '--as', 'production', '--yes');
    expect(beside.status).toBe(1);
    expect(beside.output).toContain('the cluster to be replaced still runs');
  });

  test('of a cluster that this project calls otherwise it is said which one it is', async () => {
    const other = path.join(directory, 'other.yaml');
    await writeFile(other, (await readFile(config, 'utf8')).replace('  main:', '  web:'), { mode: 0o600 });
    const words = ['restore', '--to-latest', '--into', path.join(directory, 'second'), '--dry-run', '--config'];
    const { status, stdout, stderr } = await runCommand([...words, other]);
    expect(`${status} ${stdout}`).toMatch(/^0 [^]*, from main in local {3}/);
    expect(stderr).toContain('a cluster that local calls main; this project calls its own web');
    expect((await runCommand([...words, config])).stderr).not.toContain('calls');
  });

  test('restored over what is left of it, it keeps its configuration and goes on on a new timeline', async () => {
    await cluster.crash();
    const { status, output } = await dbadmin(...restoreWords());
    expect(`${status} ${output}`).toMatch(/^0 /);
    expect(output).toContain('overwrites the cluster in');
    expect(output).toContain('dbadmin backup adopt');
    // Only root may read the test's configuration, and root runs no server.
    if (process.getuid?.() === 0) expect(output).toMatch(/restore_command will not work .*cannot (read|enter)/);
    const sql = postgres(cluster.url(), { max: 1 });
    const [row] = await sql`select (select array_agg(n order by n) from sale) as sales, current_setting('archive_mode') as archives,
      current_setting('cluster_name') as name, current_setting('work_mem') as memory, current_setting('restore_command') as fetches,
      substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline`;
    await sql.end();
    expect(row).toMatchObject({ sales: [1, 2], archives: 'on', name: 'shop', memory: '7MB', timeline: '00000002' });
    expect(row?.['fetches']).toMatch(
      /^'\/.*node' '\/.*dbadmin\.cjs' 'wal' 'get' '--config' '\/.*dbadmin\.yaml' .* --absent-code 44 %f %p;/,
    );
    expect(await readFile(path.join(dataDirectory(), 'postgresql.auto.conf'), 'utf8')).not.toContain('recovery_target');
  });

  test('adopted, it has slot, history and a first backup; adopting again finds everything done', async () => {
    const plan = await dbadmin('backup', 'adopt', '--dry-run', '--json');
    const states = (text: string): Record<string, string> =>
      Object.fromEntries((JSON.parse(text) as { steps: { step: string; state: string }[] }).steps.map(({ step, state }) => [step, state]));
    expect(states(plan.stdout)).toEqual({ timeline: 'to-do', slot: 'to-do', backup: 'to-do', receiver: 'by-hand', archiving: 'done' });
    const adopted = await dbadmin('backup', 'adopt', '--yes');
    expect(`${adopted.status} ${adopted.output}`).toMatch(/^0 /);
    const again = await dbadmin('backup', 'adopt', '--json');
    expect(states(again.stdout)).toEqual({ timeline: 'done', slot: 'done', backup: 'done', receiver: 'by-hand', archiving: 'done' });
    const clone = await dbadmin('restore', '--to-latest', '--into', path.join(directory, 'clone'), '--dry-run', '--json');
    expect(JSON.parse(clone.stdout)).toMatchObject({ preflight: { backup: expect.stringMatching(/-full$/) } });
  });
});
