import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { EMBEDDED_MAJORS, hasEmbedded } from '../../../src/postgres/embedded.ts';
import type { ConnectionParameters } from '../../../src/postgres/parameters.ts';
import { ReplicationConnection } from '../../../src/postgres/replication.ts';
import { freePort } from '../../postgres/address.ts';
import { makeAuthority, serverCertificate } from '../../postgres/certificates.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const HBA = [
  'local all all trust',
  'host all all 127.0.0.1/32 scram-sha-256',
  'host replication postgres 127.0.0.1/32 scram-sha-256',
  'hostssl replication only_tls 127.0.0.1/32 scram-sha-256',
  'hostnossl replication only_clear 127.0.0.1/32 scram-sha-256',
  'host replication "No Attribute",no_login 127.0.0.1/32 scram-sha-256',
];
const PASSWORD = 'pass word "$%';

let directory: string;
let certificate: Awaited<ReturnType<typeof serverCertificate>>;
const file = (name: string): string => path.join(directory, name);

/** Two authorities and a server certificate of the first, for 127.0.0.1 only. */
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-tls-'));
  for (const name of ['ca', 'other-ca']) await makeAuthority(directory, name);
  certificate = await serverCertificate(directory, 'ca', 'IP:127.0.0.1');
});
afterAll(async () => await rm(directory, { recursive: true, force: true }));

describe.each(EMBEDDED_MAJORS.filter(hasEmbedded))('a replication connection to PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  let sql: postgres.Sql;

  beforeAll(async () => {
    cluster = await startTestCluster({
      major,
      password: PASSWORD,
      hba: HBA,
      ...certificate,
    });
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    for (const role of ['only_tls', 'only_clear', 'no_line'])
      await sql.unsafe(`create role ${role} login replication password '${PASSWORD}'`);
    await sql.unsafe(`create role "No Attribute" login password '${PASSWORD}'`);
    await sql.unsafe(`create role no_login replication password '${PASSWORD}'`);
  });
  afterAll(async () => {
    await sql.end({ timeout: 1 });
    await cluster.stop();
  });

  const parameters = (changes: Partial<ConnectionParameters> = {}): ConnectionParameters => ({ ...cluster.parameters(), ...changes });
  /** Whether a connection with these parameters is encrypted, as the server sees it. */
  const encryption = async (changes: Partial<ConnectionParameters>): Promise<boolean> => {
    const connection = await ReplicationConnection.open(parameters(changes), { applicationName: 'encryption' });
    try {
      const [row] = await sql<{ ssl: boolean }[]>`
        select ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'encryption' and backend_type = 'walsender'`;
      expect(connection.encrypted).toBe(row?.ssl);
      return row?.ssl ?? false;
    } finally {
      await connection.close();
    }
  };

  test('knows the server, and goes on after an error', async () => {
    const connection = await ReplicationConnection.open(parameters());
    const [row] = await sql<{ number: number; id: string; writes: boolean }[]>`
      select current_setting('server_version_num')::int as number, system_identifier::text as id from pg_control_system()`;
    expect(connection).toMatchObject({ serverVersion: row?.number, serverMajor: major });
    expect(await connection.identifySystem()).toMatchObject({ systemIdentifier: row?.id, timeline: 1 });
    await expect(connection.query('NO SUCH COMMAND')).rejects.toMatchObject({ name: 'PostgresError', code: '0A000', severity: 'ERROR' });
    await expect(connection.show('no_such_setting')).rejects.toMatchObject({ code: 'query-failed' });
    // What the server says of files need not be UTF-8.
    expect(await connection.show('client_encoding')).toBe('SQL_ASCII');
    expect(await connection.query('SHOW wal_level')).toEqual([{ columns: ['wal_level'], rows: [['replica']], tag: 'SHOW' }]);
    await expect(connection.timelineHistory(2)).rejects.toMatchObject({ code: 'query-failed' });
    await connection.close();
    await expect(connection.show('wal_level')).rejects.toMatchObject({ code: 'connection-failed' });
  });

  test('makes, reads and drops slots', async () => {
    const connection = await ReplicationConnection.open(parameters());
    await connection.createPhysicalSlot('kept', { reserveWal: true });
    await connection.createPhysicalSlot('idle', { reserveWal: false });
    await connection.createPhysicalSlot('gone', { reserveWal: true, temporary: true });
    expect(await connection.readSlot('kept')).toMatchObject({ restartTimeline: 1 });
    expect(await connection.readSlot('idle')).toBeUndefined();
    await expect(connection.createPhysicalSlot('kept', { reserveWal: true })).rejects.toMatchObject({ cause: { code: '42710' } });
    await expect(connection.createPhysicalSlot('Not Allowed', { reserveWal: true })).rejects.toMatchObject({ cause: { code: '42602' } });
    await connection.dropSlot('idle');
    await connection.close();
    const slots = async (): Promise<unknown> => await sql`select slot_name from pg_replication_slots`;
    await expect.poll(slots).toEqual([{ slot_name: 'kept' }]);
    await sql`select pg_drop_replication_slot('kept')`;
  });

  test('encrypts and verifies as sslmode says, with SCRAM in both cases', async () => {
    const sslRootCert = file('ca.crt');
    expect(await encryption({ sslMode: 'disable' })).toBe(false);
    expect(await encryption({ sslMode: 'allow' })).toBe(false);
    expect(await encryption({ sslMode: 'prefer' })).toBe(true);
    expect(await encryption({ sslMode: 'require' })).toBe(true);
    expect(await encryption({ sslMode: 'verify-ca', sslRootCert })).toBe(true);
    expect(await encryption({ sslMode: 'verify-full', sslRootCert })).toBe(true);
    expect(await encryption({ sslMode: 'verify-ca', sslRootCert, hosts: [{ host: 'localhost', port: cluster.port }] })).toBe(true);
  });

  test('refuses a certificate of another authority or for another name', async () => {
    const other = parameters({ sslMode: 'verify-ca', sslRootCert: file('other-ca.crt') });
    await expect(ReplicationConnection.open(other)).rejects.toMatchObject({
      code: 'connection-failed',
      detail: expect.stringMatching(/certificate/) as string,
    });
    const unknown = parameters({ sslMode: 'verify-full' });
    await expect(ReplicationConnection.open(unknown)).rejects.toMatchObject({
      code: 'connection-failed',
      detail: expect.stringMatching(/certificate/) as string,
    });
    const named = parameters({ sslMode: 'verify-full', sslRootCert: file('ca.crt'), hosts: [{ host: 'localhost', port: cluster.port }] });
    await expect(ReplicationConnection.open(named)).rejects.toMatchObject({
      code: 'connection-failed',
      detail: expect.stringMatching(/localhost/) as string,
    });
  });

  test('takes the other way where sslmode leaves it open and pg_hba.conf has only that one', async () => {
    expect(await encryption({ user: 'only_clear', sslMode: 'prefer' })).toBe(false);
    expect(await encryption({ user: 'only_tls', sslMode: 'allow' })).toBe(true);
    await expect(ReplicationConnection.open(parameters({ user: 'only_clear', sslMode: 'require' }))).rejects.toMatchObject({
      code: 'privilege-missing',
    });
  });

  test.each(['disable', 'require'] as const)('without a pg_hba.conf line, says the line to add (sslmode %s)', async (sslMode) => {
    const error: unknown = await ReplicationConnection.open(parameters({ user: 'no_line', sslMode })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'privilege-missing',
      message: expect.stringMatching(/^role no_line may not replicate from postgres at /) as string,
    });
    const { detail, hint } = error as { readonly detail: string; readonly hint: string };
    const address = /from host "([^"]+)"/.exec(detail)?.[1] ?? 'none';
    expect(hint).toContain(`\n  ${sslMode === 'disable' ? 'host' : 'hostssl'} replication no_line ${address}/32 scram-sha-256\n`);
    expect(hint).toContain('ALTER ROLE no_line REPLICATION;');
  });

  test('without the attribute or LOGIN, with a wrong password or none, says what is wrong', async () => {
    const open = async (changes: Partial<ConnectionParameters>): Promise<unknown> =>
      await ReplicationConnection.open(parameters(changes)).catch((thrown: unknown) => thrown);
    expect(await open({ user: 'No Attribute' })).toMatchObject({
      code: 'privilege-missing',
      hint: 'As superuser: ALTER ROLE "No Attribute" REPLICATION;',
    });
    expect(await open({ user: 'no_login' })).toMatchObject({ code: 'privilege-missing' });
    expect(await open({ password: new Secret('not-this-one') })).toMatchObject({ code: 'credentials-wrong', cause: { code: '28P01' } });
    expect(await open({ password: undefined })).toMatchObject({
      code: 'credentials-wrong',
      message: expect.stringContaining('none was given') as string,
    });
    expect(JSON.stringify(await open({ password: new Secret('not-this-one') }))).not.toContain('not-this-one');
  });

  test('tries several hosts in order, and takes the one that is what was asked for', async () => {
    const dead = { host: '127.0.0.1', port: await freePort() };
    const alive = { host: cluster.host, port: cluster.port };
    const connection = await ReplicationConnection.open(parameters({ hosts: [dead, alive], targetSessionAttrs: 'read-write' }));
    expect((await connection.identifySystem()).timeline).toBe(1);
    await connection.close();
    const second = await ReplicationConnection.open(parameters({ hosts: [alive], targetSessionAttrs: 'prefer-standby' }));
    await second.close();
    const standby = ReplicationConnection.open(parameters({ hosts: [dead, alive], targetSessionAttrs: 'standby' }));
    await expect(standby).rejects.toMatchObject({
      code: 'connection-failed',
      detail: expect.stringMatching(new RegExp(`:${dead.port}[\\s\\S]*:${alive.port} is not standby`)) as string,
    });
  });

  test('can be given up while it connects', async () => {
    const signal = AbortSignal.abort(new Error('never mind'));
    await expect(ReplicationConnection.open(parameters(), { signal })).rejects.toThrow('never mind');
  });
});

test('a server without WAL senders is named, with what to set', async () => {
  const cluster = await startTestCluster({ settings: { wal_level: 'minimal', max_wal_senders: 0 } });
  try {
    await expect(ReplicationConnection.open(cluster.parameters())).rejects.toMatchObject({
      code: 'server-unsupported',
      hint: expect.stringContaining("ALTER SYSTEM SET wal_level = 'replica'") as string,
    });
  } finally {
    await cluster.stop();
  }
});

test('where the server has no TLS, and none is asked for, what counts is why the login in clear text failed', async () => {
  const cluster = await startTestCluster({ password: PASSWORD });
  try {
    for (const sslMode of ['prefer', 'allow', 'disable'] as const) {
      const opening = ReplicationConnection.open({ ...cluster.parameters(), sslMode, password: undefined });
      await expect(opening).rejects.toMatchObject({
        code: 'credentials-wrong',
        message: 'the server asks for the password of postgres and none was given',
      });
    }
    const required = ReplicationConnection.open({ ...cluster.parameters(), sslMode: 'require' });
    await expect(required).rejects.toMatchObject({ code: 'connection-failed' });
  } finally {
    await cluster.stop();
  }
});
