import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { EMBEDDED_MAJORS, hasEmbedded } from '../../../src/postgres/embedded.ts';
import { runClientProgram } from '../../postgres/client-program.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { CONTAINER_MAJORS } from '../../postgres/images.ts';
import { providerOf } from '../../postgres/provider.ts';

const providers = inject('providers');
const running: TestCluster[] = [];
afterAll(async () => await Promise.all(running.map(async (cluster) => await cluster.stop())));

async function start(options: Parameters<typeof startTestCluster>[0]): Promise<TestCluster> {
  const cluster = await startTestCluster(options);
  running.push(cluster);
  return cluster;
}

async function query(cluster: TestCluster, text: string, user?: string, password?: string): Promise<Record<string, unknown> | undefined> {
  const sql = postgres(cluster.url('postgres', user, password), { max: 1, onnotice: () => undefined });
  try {
    const [row] = await sql.unsafe<Record<string, unknown>[]>(text);
    return row;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

const majors = EMBEDDED_MAJORS.filter((major) => hasEmbedded(major) || providers.images[major] !== undefined);

const identifierOf = async (cluster: TestCluster): Promise<unknown> =>
  (await query(cluster, 'select system_identifier::text as it from pg_control_system()'))?.['it'];

test.each(majors)(
  'a cluster of PostgreSQL %i has the wanted settings, survives a crash, keeps its port, and is none that was',
  async (major) => {
    const options = { major, password: 'a p@ss/word', settings: { work_mem: '7MB', application_name: "it's" } };
    const cluster = await start(options);
    expect(await identifierOf(await start(options))).not.toBe(await identifierOf(cluster));
    expect(cluster.provider).toBe(providerOf(major, providers, undefined));
    expect(
      await query(
        cluster,
        `select current_setting('server_version_num')::int / 10000 as major, current_setting('work_mem') as work_mem,
    current_setting('data_checksums') as checksums`,
      ),
    ).toEqual({ major, work_mem: '7MB', checksums: 'on' });
    await query(cluster, 'create table kept as select 1 as one');
    await cluster.crash();
    await expect(query(cluster, 'select 1')).rejects.toThrow(/ECONNREFUSED|ECONNRESET|CONNECTION_CLOSED/);
    // Recovery refuses WAL of another identifier than the one in pg_control.
    await cluster.restart();
    expect(await query(cluster, 'select one from kept')).toEqual({ one: 1 });
    expect(await cluster.log()).toMatch(/database system was not properly shut down/);
    await cluster.restart();
    expect(await query(cluster, 'select one from kept')).toEqual({ one: 1 });
  },
);

test('a password is asked for where one was set', async () => {
  const cluster = await start({ password: 'right' });
  await expect(query(cluster, 'select 1', 'postgres', 'wrong')).rejects.toMatchObject({ code: '28P01' });
});

test('lines of pg_hba.conf that name 127.0.0.1 are about the test, on either provider', async () => {
  const cluster = await start({
    hba: ['host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 reject'],
    files: { 'note.txt': 'laid down' },
  });
  expect(await query(cluster, `select pg_read_file('note.txt') as note`)).toEqual({ note: 'laid down' });
  const sql = postgres(cluster.url(), { max: 1, connection: { replication: 'true' } });
  await expect(sql.unsafe('IDENTIFY_SYSTEM').simple()).rejects.toMatchObject({ code: '28000' });
  await sql.end({ timeout: 1 });
});

describe('where Docker runs', () => {
  const inContainers = CONTAINER_MAJORS.filter((major) => providers.images[major] !== undefined);

  test.each(inContainers)('the container of PostgreSQL %i has the client programs that check backups', async (major) => {
    const cluster = await start({ major });
    for (const program of ['pg_verifybackup', 'pg_waldump', 'pg_amcheck', 'pg_basebackup', 'pg_dump']) {
      const result = await cluster.exec(program, ['--version']);
      expect(result?.stdout).toMatch(new RegExp(`^${program} \\(PostgreSQL\\) ${major}\\b`));
    }
    expect((await cluster.exec('pg_amcheck', ['--nonsense']))?.status).not.toBe(0);
  });

  test.each(inContainers)('pg_waldump of %i reads a directory of this machine', async (major) => {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'wal-'));
    try {
      const result = await runClientProgram(major, 'pg_waldump', ['-p', directory, '000000010000000000000001'], [directory]);
      expect(result?.status).toBe(1);
      expect(result?.stderr).toMatch(/could not (locate|find) .*file "000000010000000000000001"/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('a server that cannot start says why', async (context) => {
    context.skip(inContainers.length === 0, 'no container of any major on this machine');
    await expect(start({ settings: { wal_level: 'nonsense' } })).rejects.toThrow(/invalid value for parameter "wal_level"/);
  });
});
