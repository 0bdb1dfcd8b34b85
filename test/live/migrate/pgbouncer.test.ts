import { afterAll, afterEach, describe, expect, test } from 'vitest';
import postgres from 'postgres';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { hasPgBouncer, startPgBouncer, type PgBouncer } from './pgbouncer.ts';
import { createProject, parametersOf } from './project.ts';

const database = await createTestDatabase();
const { sql } = database;
const server = new URL(database.url);
afterAll(async () => await database.drop());

const through = ({ port }: PgBouncer): ReturnType<typeof parametersOf> => ({
  ...parametersOf(database.url),
  hosts: [{ host: '127.0.0.1', port }],
});
const lockHolders = async (): Promise<number> =>
  (
    await sql`select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`
  ).length;

// The Debian package pgbouncer; without it only the pooler that the tests bring along is tried.
describe.skipIf(!hasPgBouncer)('behind PgBouncer', () => {
  afterEach(async () => {
    await sql.unsafe('drop schema if exists dbadmin cascade; drop schema public cascade; create schema public');
  });

  test.each(['transaction', 'statement'] as const)('in %s mode a run is refused, and leaves no lock and no setting', async (mode) => {
    const pooler = await startPgBouncer(server.hostname, Number(server.port), mode);
    const project = await createProject(database.url);
    try {
      await project.write('migrations/1_a.sql', 'create table a ();');
      const failure = await project.failure({ connection: through(pooler) });
      expect([failure.code, failure.message]).toEqual(['refused', `this connection goes through a ${mode} pooler`]);
      expect(await lockHolders()).toBe(0);
      const client = postgres(`postgresql://postgres@127.0.0.1:${pooler.port}/${database.name}`, { max: 1, prepare: false });
      expect((await client.unsafe('show idle_in_transaction_session_timeout'))[0]).toEqual({ idle_in_transaction_session_timeout: '0' });
      await client.end();
      expect((await sql`select to_regclass('a') as name`)[0]?.['name']).toBeNull();
    } finally {
      await project.delete();
      await pooler.stop();
    }
  });

  test('in transaction mode a run is refused while other clients keep the pool busy', async () => {
    const pooler = await startPgBouncer(server.hostname, Number(server.port), 'transaction');
    const project = await createProject(database.url);
    const clients = postgres(`postgresql://postgres@127.0.0.1:${pooler.port}/${database.name}`, { max: 4, prepare: false });
    const stop = new AbortController();
    const busy = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (!stop.signal.aborted) await clients.unsafe('select pg_sleep(0.01)');
      }),
    );
    try {
      await project.write('migrations/1_a.sql', 'create table a ();');
      for (let round = 0; round < 5; round += 1) {
        expect((await project.failure({ connection: through(pooler) })).code).toBe('refused');
      }
      expect(await lockHolders()).toBe(0);
    } finally {
      stop.abort();
      await busy;
      await clients.end();
      await project.delete();
      await pooler.stop();
    }
  });

  test('in session mode files, a concurrent index and routines are applied, twice at once', async () => {
    const pooler = await startPgBouncer(server.hostname, Number(server.port), 'session');
    const project = await createProject(database.url);
    try {
      await project.write('migrations/1_a.sql', 'create table a (id int); insert into a values (1);');
      await project.write('migrations/2_i.sql', '-- dbadmin: no-transaction\ncreate index concurrently a_id on a (id);');
      await project.write('routines/public/f.sql', 'create or replace function f() returns int language sql as $$ select 1 $$;');
      const runs = await Promise.all([1, 2].map(async () => await project.up({ connection: through(pooler) })));
      expect(runs.flatMap(({ versioned }) => versioned.map(({ version }) => version)).sort()).toEqual(['1', '2']);
      expect(await sql`select from pg_index where indexrelid = 'a_id'::regclass and indisvalid`).toHaveLength(1);
      expect(await lockHolders()).toBe(0);
    } finally {
      await project.delete();
      await pooler.stop();
    }
  });
});
