import { readdir, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore, type RestoredCluster } from '../../backup/repository.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import type { TestCluster } from '../../postgres/cluster.ts';

describe('a clone of a cluster whose configuration reaches out', () => {
  let directory: string;
  let original: TestCluster;
  let clone: RestoredCluster;
  let sql: postgres.Sql;
  /** Made by commands of the original's configuration; a server's user can write there. */
  const touched = path.join(os.tmpdir(), `dbadmin-clone-${process.pid}`);

  beforeAll(async () => {
    directory = await makeDirectory();
    original = await startTestCluster({
      major: 17,
      provider: 'embedded',
      settings: {
        cluster_name: 'prod',
        archive_mode: 'on',
        archive_command: 'test ! -e "%p" || true',
        recovery_end_command: `touch ${touched}.end`,
        archive_cleanup_command: `touch ${touched}.cleanup`,
        synchronous_standby_names: 'far_away',
        synchronous_commit: 'local',
        primary_conninfo: 'host=127.0.0.1 port=1',
        hot_standby_feedback: 'on',
        max_connections: 73,
        max_worker_processes: 11,
        max_locks_per_transaction: 99,
        max_prepared_transactions: 5,
        shared_preload_libraries: 'auto_explain,pg_stat_statements',
        logging_collector: 'on',
        log_directory: `${touched}.log`,
        log_min_messages: 'fatal',
        external_pid_file: `${touched}.pid`,
        recovery_min_apply_delay: '1h',
        shared_buffers: '64MB',
      },
    });
    const source = postgres(original.url(), { max: 1, onnotice: () => undefined });
    await source.unsafe('create table t (n int); insert into t values (1)');
    await source.unsafe("create subscription s connection 'host=127.0.0.1 port=1' publication p with (connect = false, slot_name = 's')");
    await source.unsafe('alter subscription s enable');
    await source.unsafe(`alter system set archive_command = 'touch ${touched}.archived'`);
    await source.end();
    const repository = await makeRepository(path.join(directory, 'repository'));
    await backUp(original, repository);
    await original.stop();
    for (const name of await readdir(os.tmpdir()))
      if (path.join(os.tmpdir(), name).startsWith(`${touched}.`)) await rm(path.join(os.tmpdir(), name), { recursive: true });
    clone = await restore({ repository, target: { kind: 'immediate' }, into: path.join(directory, 'clone') });
    sql = postgres(clone.url, { max: 1 });
  });
  afterAll(async () => {
    await sql?.end();
    await clone?.stop();
    await original?.stop();
    await removeDirectory(directory);
  });

  test('has none of it', async () => {
    const rows = await sql<{ name: string; setting: string }[]>`select name, setting from pg_settings`;
    const settings = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
    expect(settings).toMatchObject({
      archive_mode: 'off',
      listen_addresses: '127.0.0.1',
      unix_socket_directories: path.join(directory, 'clone'),
      cluster_name: 'restored',
      synchronous_standby_names: '',
      primary_conninfo: '',
      max_logical_replication_workers: '0',
      shared_preload_libraries: 'auto_explain,pg_stat_statements',
      shared_buffers: '8192',
      max_connections: '73',
      max_worker_processes: '11',
      max_locks_per_transaction: '99',
      max_prepared_transactions: '5',
      recovery_end_command: '',
      archive_cleanup_command: '',
      logging_collector: 'off',
      external_pid_file: expect.stringMatching(/\/clone\.pid$/),
      huge_pages: 'off',
      ssl: 'off',
    });
  });

  test('commits without waiting for a standby, archives nothing, and follows no publication', async () => {
    await sql`set synchronous_commit = on`;
    await sql`insert into t values (2)`;
    await sql`select pg_switch_wal()`;
    expect(await sql`select n from t order by n`).toEqual([{ n: 1 }, { n: 2 }]);
    expect(await sql`select archived_count::int, failed_count::int from pg_stat_archiver`).toEqual([
      { archived_count: 0, failed_count: 0 },
    ]);
    expect(await sql`select subenabled from pg_subscription`).toEqual([{ subenabled: true }]);
    expect(await sql`select 1 from pg_stat_activity where backend_type like 'logical replication%'`).toEqual([]);
  });

  test('has touched nothing outside of its directory', async () => {
    const made = (await readdir(os.tmpdir())).filter((name) => path.join(os.tmpdir(), name).startsWith(`${touched}.`));
    expect(made).toEqual([]);
    expect((await stat(path.join(directory, 'clone', 'dbadmin-restore.log'))).size).toBeGreaterThan(0);
  });

  test('forgets how it was recovered once it is open', async () => {
    const text = await readFile(path.join(directory, 'clone', 'postgresql.auto.conf'), 'utf8');
    expect(text).not.toMatch(/recovery_target|restore_command|recovery_prefetch/);
    await sql`select pg_reload_conf()`;
    expect(await sql`select error from pg_file_settings where error is not null and error !~ 'without restarting'`).toEqual([]);
  });
});
