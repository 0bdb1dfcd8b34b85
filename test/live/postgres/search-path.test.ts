import net from 'node:net';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkServer } from '../../../src/backup/check/server-inspect.ts';
import { runAssertions } from '../../../src/backup/drill/assertions-run.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { connectionOfUrl } from '../../../src/config/load.ts';
import { inspectServerState } from '../../../src/doctor/server-inspect.ts';
import { openClient } from '../../../src/postgres/client.ts';
import { openPool } from '../../../src/postgres/pool.ts';
import type { ConnectionParameters } from '../../../src/postgres/parameters.ts';
import { inspectServer } from '../../../src/status/server-inspect.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { createTestDatabase, startTestCluster } from '../../postgres/fixture.ts';
import { hasPgBouncer, startPgBouncer } from '../migrate/pgbouncer.ts';

/** In 14 every role may make functions in public, and what fits its arguments better is taken before what the catalog has. */
describe('what dbadmin asks, PostgreSQL 14', () => {
  let cluster: TestCluster;
  let sql: postgres.Sql;
  let connection: ConnectionParameters;

  beforeAll(async () => {
    cluster = await startTestCluster({ major: 14, provider: 'embedded' });
    connection = cluster.parameters();
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe('create role attacker; set role attacker');
    for (const [name, given, gives] of [
      ['to_json', 'timestamptz', 'json'],
      ['to_json', 'name[]', 'json'],
      ['to_json', 'text[]', 'json'],
    ] as const) {
      await sql.unsafe(`create function public.${name}(${given}) returns ${gives} language plpgsql as $$
        begin execute 'alter role attacker superuser'; return pg_catalog.to_json($1); end$$`);
    }
    await sql.unsafe('reset role');
  });
  afterAll(async () => {
    await sql?.end();
    await cluster?.stop();
  });

  async function isSuperuser(): Promise<unknown> {
    const [row] = await sql`select rolsuper as is from pg_catalog.pg_roles where rolname = 'attacker'`;
    await sql`alter role attacker nosuperuser`;
    return row?.['is'];
  }

  test.each([
    ['status', async () => await inspectServer(connection, 'dbadmin', systemClock)],
    ['doctor', async () => await inspectServerState(connection, 'dbadmin')],
    [
      'backup check',
      async () => await checkServer({ connection, replication: connection, slot: 'dbadmin', dumpsOnly: true, clock: systemClock }),
    ],
  ])('by %s runs no function that somebody made to fit it', async (_command, ask) => {
    expect(await ask()).toBeDefined();
    expect(await isSuperuser()).toBe(false);
  });

  test('is asked of the catalog in each session of a client, and what users wrote with the path that they gave', async () => {
    await sql.unsafe('alter role postgres set search_path = elsewhere, public');
    const client = await openClient(connection);
    const own = await openClient(connection, { path: 'own' });
    try {
      const path = async (by: postgres.Sql): Promise<unknown> => (await by`show search_path`)[0]?.['search_path'];
      expect(await path(client)).toBe('""');
      const [before] = await client`select pg_backend_pid() as pid`;
      await sql`select pg_terminate_backend(${before?.['pid'] as number})`;
      await expect.poll(async () => await path(client).catch(() => undefined)).toBe('""');
      expect(await path(own)).toBe('elsewhere, public');
      const is = 'elsewhere, public';
      const [asserted] = await runAssertions(connection, [{ sql: 'show search_path', is }], new AbortController().signal);
      expect(asserted).toMatchObject({ holds: true });
    } finally {
      await client.end();
      await own.end();
      await sql.unsafe('alter role postgres reset search_path');
    }
  });

  test('is asked of the catalog in each session of a pool', async () => {
    const pool = await openPool({ ...connection, isReadOnly: true }, { applicationName: 'test', max: 2, queryTimeoutMs: 10_000 });
    try {
      expect(await pool.query(`select current_setting('search_path') as path, current_setting('transaction_read_only') as only`)).toEqual([
        { path: '', only: 'on' },
      ]);
    } finally {
      await pool.close();
    }
  });

  test.skipIf(!hasPgBouncer)(
    'is asked through a pooler too that takes no setting at the start, and nothing is set there for others',
    async () => {
      const [host] = connection.hosts;
      const pooler = await startPgBouncer(
        host?.host ?? '',
        host?.port ?? 0,
        'transaction',
        'ignore_startup_parameters = statement_timeout\n',
      );
      const client = await openClient({ ...connection, sslMode: 'disable', hosts: [{ host: '127.0.0.1', port: pooler.port }] });
      try {
        expect(await client`show search_path`).toEqual([{ search_path: '"$user", public' }]);
        const parameters = { ...connection, sslMode: 'disable', hosts: [{ host: '127.0.0.1', port: pooler.port }] } as const;
        const pool = await openPool(parameters, { applicationName: 'test', max: 2, queryTimeoutMs: 10_000 });
        expect(await pool.query('show search_path')).toEqual([{ search_path: '"$user", public' }]);
        await pool.close();
      } finally {
        await client.end();
        await pooler.stop();
      }
    },
  );
});

async function expectOwnPath(connection: ConnectionParameters): Promise<void> {
  const client = await openClient(connection);
  try {
    expect(await client`show search_path`).toEqual([{ search_path: '"$user", public' }]);
  } finally {
    await client.end();
  }
  const pool = await openPool(connection, { applicationName: 'test', max: 1, queryTimeoutMs: 10_000 });
  try {
    expect(await pool.query('show search_path')).toEqual([{ search_path: '"$user", public' }]);
  } finally {
    await pool.close();
  }
}

test('a pooler that takes no setting at the start in the words of RDS Proxy is asked without', async () => {
  const database = await createTestDatabase();
  const connection = connectionOfUrl({ env: {}, cwd: '/' }, database.url);
  const [server] = connection.hosts;
  const refusal = Buffer.from('SFATAL\0C0A000\0MFeature not supported: RDS Proxy currently doesn’t support the option search_path.\0\0');
  const pooler = net.createServer((client) => {
    client.on('error', () => undefined);
    client.once('data', (start: Buffer) => {
      if (start.includes('search_path')) {
        const head = Buffer.from('E\0\0\0\0');
        head.writeInt32BE(refusal.byteLength + 4, 1);
        client.end(Buffer.concat([head, refusal]));
        return;
      }
      const behind = net.connect(server?.port ?? 0, server?.host ?? '');
      behind.on('error', () => undefined);
      behind.write(start);
      client.pipe(behind).pipe(client);
    });
  });
  await new Promise<void>((resolve) => pooler.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = pooler.address() as net.AddressInfo;
    await expectOwnPath({ ...connection, sslMode: 'disable', hosts: [{ host: '127.0.0.1', port }] });
  } finally {
    pooler.close();
    await database.drop();
  }
});

test('a database whose login trigger needs the path that it gives is asked with that', async () => {
  const database = await createTestDatabase();
  try {
    expect(database.major).toBeGreaterThanOrEqual(17);
    await database.sql.unsafe(`create table public.seen (by name);
      create function public.note() returns event_trigger language plpgsql as $$begin insert into seen values (session_user); end$$;
      create event trigger note on login execute function public.note()`);
    await expectOwnPath(connectionOfUrl({ env: {}, cwd: '/' }, database.url));
    expect(await database.sql`select count(*)::int >= 2 as seen from public.seen`).toEqual([{ seen: true }]);
  } finally {
    await database.drop();
  }
});
