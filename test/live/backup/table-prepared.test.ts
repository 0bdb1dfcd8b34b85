import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyReconcile } from '../../../src/backup/reconcile/apply.ts';
import type { LedgerEntry } from '../../../src/repository/ledger.ts';
import { runCommand, writeConfig } from '../../backup/command.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let directory: string;
let cluster: TestCluster;
let sql: postgres.Sql;

beforeAll(async () => {
  directory = await makeDirectory();
  cluster = await startTestCluster({ major: 16, provider: 'embedded', settings: { max_prepared_transactions: 5 } });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql.unsafe(`create table public.play (id int); insert into public.play values (71), (72);
    create procedure public.forget(int) language sql as 'delete from public.play where id = $1'`);
  await sql.unsafe(`begin`);
  await sql.unsafe('drop table public.play');
  await sql.unsafe(`prepare transaction 'it''s "open"'`);
});

afterAll(async () => {
  await sql.end();
  await cluster.stop();
  await removeDirectory(directory);
});

test('restore --table brings back a table that a prepared transaction is about to drop, and erases from it', async () => {
  const config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
  const command = async (...args: string[]): Promise<object> =>
    await runCommand([...args, '--config', config, '--yes'], { DBADMIN_PG_BIN_16: cluster.programs?.binDirectory ?? '' });
  expect(await command('backup', 'init')).toMatchObject({ status: 0 });
  expect(await command('backup', 'run')).toMatchObject({ status: 0 });
  expect(await command('backup', 'ledger', 'add', 'subject-forgotten', 'public.forget', '71')).toMatchObject({ status: 0 });
  expect(await command('restore', '--table', 'public.play', '--immediate', '--schema', 'back', '--reconcile')).toMatchObject({ status: 0 });
  expect(await sql`select id from back.play`).toEqual([{ id: 72 }]);
  expect(await sql`select 1 from pg_prepared_xacts`).toHaveLength(1);
});

test('--reconcile does not wait for what a prepared transaction has locked, and names it', async () => {
  const deed = {
    kind: 'subject-forgotten',
    database: 'postgres',
    procedure: ['public', 'forget'],
    arguments: [71],
    subject: 'listener 71',
  } as const;
  const entry: LedgerEntry = { systemIdentifier: '1', at: new Date(0), timeline: 1, lsn: 1n, by: 'a test', deed };
  await expect(applyReconcile(cluster.parameters(), [entry])).rejects.toMatchObject({
    code: 'not-converged',
    message: expect.stringContaining('listener 71') as string,
    hint: expect.stringMatching(/'it''s "open"' in database postgres[^]*COMMIT PREPARED or ROLLBACK PREPARED/) as string,
  });
});
