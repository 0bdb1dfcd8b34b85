import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectPosition } from '../../../src/backup/reconcile/position-inspect.ts';
import { startCluster, stopCluster } from '../../../src/postgres/server.ts';
import type { Deed } from '../../../src/repository/ledger-deed.ts';
import { appendLedger } from '../../../src/repository/ledger.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { runCommand, writeConfig } from '../../backup/command.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { freePort } from '../../postgres/address.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const FORGET = '20261121T100000_forget.sql';

describe('what cannot be taken away again', () => {
  let directory: string;
  let cluster: TestCluster;
  let repository: Repository;
  let config: string;
  let port: number;
  const into = (): string => path.join(directory, 'restored');
  // Of its own: other tests have quarantines in the common one.
  const temporary = (): string => path.join(directory, 'tmp');
  const restore = async (...more: string[]): Promise<{ status: number | null; output: string }> => {
    const words = [
      'restore',
      '--immediate',
      '--into',
      into(),
      '--start',
      '--reconcile',
      '--port',
      String(port),
      '--yes',
      '--config',
      config,
    ];
    const { status, stdout, stderr } = await runCommand([...words, ...more], { TMPDIR: temporary() });
    return { status, output: `${stdout}${stderr}` };
  };

  beforeAll(async () => {
    directory = await makeDirectory();
    await mkdir(temporary());
    cluster = await startTestCluster({ major: 17, provider: 'embedded' });
    port = await freePort();
    repository = await makeRepository(path.join(directory, 'repository'));
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe('create table listener (id int); insert into listener values (70), (71); create role svc_api login');
    await backUp(cluster, repository);
    // The procedure was made after the backup, by a migration.
    await mkdir(path.join(directory, 'sql', 'migrations'), { recursive: true });
    await writeFile(
      path.join(directory, 'sql', 'migrations', FORGET),
      "create procedure public.forget(who int) language sql as 'delete from listener where id = who';\n",
    );
    const position = await inspectPosition(sql);
    const write = async (deed: Deed): Promise<unknown> =>
      await appendLedger(repository, { ...position, at: new Date(), by: 'a test', deed });
    await write({ kind: 'password-rotated', role: 'svc_api', verifier: null });
    await write({ kind: 'role-dropped', role: 'nobody_of_that_name' });
    const procedure = ['public', 'forget'] as const;
    await write({ kind: 'subject-forgotten', database: 'postgres', procedure, arguments: [71], subject: 'listener 71' });
    // Their database has another name at the moment.
    await write({ kind: 'subject-forgotten', database: 'renamed', procedure, arguments: [72], subject: 'listener 72' });
    await sql.end();
  });
  afterAll(async () => {
    if (cluster?.programs !== undefined) await stopCluster(cluster.programs, into(), 'immediate');
    await cluster?.stop();
    await removeDirectory(directory);
  });

  test('keeps the cluster shut: nobody connects, and it does not start by itself', async () => {
    const { status, output } = await restore();
    expect(`${status} ${output}`).toMatch(/^1 /);
    expect(output).toContain('what came back could not be taken away again: listener 71');
    expect(output).toContain('--replay-migrations');
    const { programs } = cluster;
    if (programs === undefined) throw new Error('the embedded cluster has programs');
    await expect(startCluster(programs, into(), path.join(into(), 'again.log'), 20)).rejects.toMatchObject({ code: 'program-failed' });
    expect((await readdir(temporary())).filter((name) => name.startsWith('dbadmin-quarantine-'))).toEqual([]);
  });

  test('its WAL is still a clone’s: a restore over it of everything asks for none of it, and none can be stored', async () => {
    const { programs } = cluster;
    if (programs === undefined) throw new Error('the embedded cluster has programs');
    const words = ['restore', '--to-latest', '--into', into(), '--delta', '--dry-run', '--json', '--config', config];
    const planned = await runCommand(words);
    expect(`${planned.status} ${planned.stderr}`).toMatch(/^0 /);
    expect(JSON.parse(planned.stdout)).toMatchObject({ preflight: { unstoredWal: null } });
    for (const directory of [into(), path.join(into(), 'pg_wal')]) {
      const salvaged = await runCommand(['wal', 'salvage', directory, '--config', config]);
      expect(`${salvaged.status} ${salvaged.stderr}`).toMatch(/^1 [^]*is a restored clone/);
    }
  });

  test('is taken away once the cause is gone: the migrations are replayed first, over what is there', async () => {
    const { status, output } = await restore('--delta', '--replay-migrations');
    expect(`${status} ${output}`).toMatch(/^0 /);
    expect(output).toContain(`migrations replayed: ${FORGET}`);
    expect(output).not.toContain('not erased again: listener 71');
    expect(output).toMatch(/not erased again: listener 72 .* There is no database renamed that takes connections/);
    const sql = postgres({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max: 1 });
    const [row] = await sql`select (select array_agg(id) from listener) as listeners, current_setting('listen_addresses') as listens,
      (select rolcanlogin from pg_roles where rolname = 'svc_api') as login`;
    await sql.end();
    // Without encryption the repository keeps no verifier: the login goes, rather than the old password come back.
    expect(row).toEqual({ listeners: [70], listens: '127.0.0.1', login: false });
  });
});
