import { expect, test } from 'vitest';
import { openSession } from '../../../src/migrate/session/session.ts';
import { openClient } from '../../../src/postgres/client.ts';
import { openPool } from '../../../src/postgres/pool.ts';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { parametersOf } from '../migrate/project.ts';

test('a connection for those who only look cannot write, as a client, in a pool or in a session of migrations', async () => {
  const database = await createTestDatabase();
  const parameters = { ...parametersOf(database.url), isReadOnly: true };
  const sql = await openClient(parameters);
  await expect(sql`create table t ()`).rejects.toThrow('read-only transaction');
  await sql.end();
  const pool = await openPool(parameters, { applicationName: 'test', max: 1, queryTimeoutMs: 10_000 });
  await expect(pool.query('create table t ()')).rejects.toThrow('read-only transaction');
  await expect(pool.transaction(async (queries) => await queries.query('create table t ()'))).rejects.toThrow('read-only transaction');
  await pool.close();
  const session = await openSession(parameters, { applicationName: 'test' });
  await expect(session.query('create table t ()')).rejects.toThrow('read-only transaction');
  await session.close();
  await database.drop();
});
