import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase, startTestCluster } from '../../postgres/fixture.ts';
import { startTransactionPooler } from './pooler.ts';
import { createProject } from './project.ts';

const database = await createTestDatabase();
afterAll(async () => await database.drop());

test.each([14, 18])('PostgreSQL %i: versioned files, a concurrent index, COPY and routines', async (major) => {
  const cluster = await startTestCluster({ major });
  const project = await createProject(cluster.url());
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    await project.write('migrations/1_a.sql', 'create table a (id int);\ncopy a from stdin;\n1\n2\n\\.\n');
    await project.write('migrations/2_i.sql', '-- dbadmin: no-transaction\ncreate index concurrently a_id on a (id);\nvacuum a;\n');
    await project.write(
      'routines/public/f.sql',
      'create or replace function f() returns bigint language sql begin atomic select count(*) from a; end;',
    );
    const { versioned, routines, restorePoint } = await project.up({ wantsRestorePoint: true });
    expect([versioned.length, routines.length, restorePoint?.timeline]).toEqual([2, 1, 1]);
    expect((await sql`select f()::int as rows`)[0]?.['rows']).toBe(2);
    expect((await project.up()).runId).toBeUndefined();
    if (cluster.dataDirectory === undefined) return;
    await sql.end();
    await writeFile(path.join(cluster.dataDirectory, 'standby.signal'), '');
    await cluster.restart();
    expect((await project.up()).runId).toBeUndefined();
    await project.write('migrations/3_b.sql', 'create table b ();');
    expect((await project.failure()).message).toBe('postgres is on a standby, which cannot be changed');
  } finally {
    await sql.end();
    await project.delete();
    await cluster.stop();
  }
});

test('a transaction pooler is refused before a lock or a setting can leak into its sessions', async () => {
  const { hostname, port } = new URL(database.url);
  const pooler = await startTransactionPooler(hostname, Number(port));
  const project = await createProject(database.url);
  try {
    await project.write('migrations/1_a.sql', 'create table a ();');
    const { connection } = project.options();
    const through = { ...connection, hosts: [{ host: '127.0.0.1', port: pooler.port }] };
    const failure = await project.failure({ connection: through });
    expect([failure.code, failure.message]).toEqual(['refused', 'this connection goes through a transaction pooler']);
    expect((await database.sql`select to_regclass('a') as name`)[0]?.['name']).toBeNull();
    await project.up();
    await project.up({ connection: through });
  } finally {
    await project.delete();
    await pooler.close();
  }
});
