import { appendFile, chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { applyRestore } from '../../../src/backup/restore/apply.ts';
import { inspectRestore, type Preflight } from '../../../src/backup/restore/inspect.ts';
import { startRestored } from '../../../src/backup/restore/start-run.ts';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import { stopCluster } from '../../../src/postgres/server.ts';
import { silentLog } from '../../../src/base/log.ts';
import { takeBackup } from '../../../src/backup/take/run.ts';
import { readOuterConfiguration, type OuterConfiguration } from '../../../src/backup/take/outer-configuration-inspect.ts';
import { preflightOf } from '../../backup/preflight.ts';
import { layDownProduction } from '../../backup/production.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { freePort } from '../../postgres/address.ts';
import { runClientProgram } from '../../postgres/client-program.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const HBA = 'local all all trust\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n';

describe.each([14, 17])('readOuterConfiguration of PostgreSQL %i', (major) => {
  let directory: string;
  let cluster: TestCluster;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-etc-'));
    await chmod(directory, 0o755);
    await mkdir(path.join(directory, 'conf.d'));
    await writeFile(path.join(directory, 'conf.d', 'memory.conf'), 'work_mem = 5MB\n');
    await writeFile(path.join(directory, 'hba.conf'), major >= 16 ? `include more.conf\n${HBA}` : HBA);
    await writeFile(path.join(directory, 'more.conf'), '# nobody\nhost replication nobody 127.0.0.1/32 reject\n');
    const settings = { hba_file: path.join(directory, 'hba.conf'), include_dir: path.join(directory, 'conf.d') };
    cluster = await startTestCluster({ major, provider: 'embedded', settings });
    await query('postgres', async (sql) => {
      await sql.unsafe(
        'create role nobody_special login; create role reader login; grant pg_read_all_settings, pg_read_server_files to reader',
      );
      await sql.unsafe('grant execute on function pg_read_binary_file(text) to reader');
    });
  });
  afterAll(async () => {
    await cluster?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function query<Value>(user: string, work: (sql: postgres.Sql) => Promise<Value>): Promise<Value> {
    const sql = postgres(cluster.url('postgres', user), { max: 1, onnotice: () => undefined });
    try {
      return await work(sql);
    } finally {
      await sql.end();
    }
  }

  const readAs = async (user: string): Promise<OuterConfiguration> => await query(user, readOuterConfiguration);
  const names = ({ files }: OuterConfiguration): readonly string[] => files.map((file) => path.relative(directory, file.path)).sort();

  test('a superuser gets what lies outside of the data directory, included files too, and nothing that lies inside', async () => {
    const found = await readAs('postgres');
    expect(found.missing).toEqual([]);
    expect(names(found)).toEqual(major >= 16 ? ['conf.d/memory.conf', 'hba.conf', 'more.conf'] : ['conf.d/memory.conf', 'hba.conf']);
    expect(found.files.find((file) => file.path.endsWith('memory.conf'))?.content).toBe('work_mem = 5MB\n');
  });

  if (major !== 17) return;

  test('a production restored elsewhere runs with copies of them, a clone without', async () => {
    const place = await makeDirectory();
    const repository = await makeRepository(path.join(place, 'repository'));
    await takeBackup({
      parameters: cluster.parameters(),
      connection: cluster.parameters(),
      repositories: [{ name: 'local', repository }],
      clusterName: 'main',
      tool: 'test',
      kind: 'full',
      fastCheckpoint: true,
      maxRateKb: undefined,
      clock: systemClock,
      log: silentLog,
      signal: new AbortController().signal,
      onProgress: () => undefined,
    });
    const programs = await embeddedPrograms(major);
    const into = path.join(place, 'restored');
    try {
      const preflight = await preflightOf(repository, into, { target: { kind: 'immediate' } });
      const port = await freePort();
      const { signal } = new AbortController();
      const restored = await layDownProduction(preflight, programs, port);
      expect(restored.outsideFiles.map((file) => path.relative(`${into}.config${directory}`, file)).sort()).toEqual(
        names(await readAs('postgres')),
      );
      // postgresql.conf is not the backup's any more, and the server's manifest has to know.
      const verified = await runClientProgram(major, 'pg_verifybackup', ['-n', into], [place]);
      if (verified !== undefined) expect(verified.status, verified.stderr).toBe(0);
      // Its port is the original's, which is still there.
      await appendFile(path.join(into, 'postgresql.auto.conf'), `port = ${port}\n`);
      await startRestored({ restored, programs, action: 'promote', timeoutSeconds: 60, clock: systemClock, signal, settles: false });
      const sql = postgres({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max: 1 });
      const [row] =
        await sql`select current_setting('work_mem') as memory, current_setting('hba_file') as hba, current_setting('data_directory') as data`;
      await sql.end();
      expect(row).toEqual({ memory: '5MB', hba: `${into}.config${directory}/hba.conf`, data: into });
      await stopCluster(programs, into, 'immediate');
      const clone = await restore({ repository, target: { kind: 'immediate' }, into: path.join(place, 'clone') });
      const reader = postgres(clone.url, { max: 1 });
      const sources =
        await reader`select distinct sourcefile as file from pg_file_settings where sourcefile is not null union select current_setting('hba_file') order by 1`;
      await reader.end();
      await clone.stop();
      const own = ['pg_hba.conf', 'postgresql.auto.conf', 'postgresql.conf'].map((name) => ({ file: path.join(place, 'clone', name) }));
      expect(sources).toEqual(own);
    } finally {
      await stopCluster(programs, into, 'immediate');
      await removeDirectory(place);
    }
  });

  test('over a production of a later moment, what its configuration had more is out of the way', async () => {
    const place = await makeDirectory();
    const repository = await makeRepository(path.join(place, 'repository'));
    const programs = await embeddedPrograms(major);
    const into = path.join(place, 'restored');
    const beside = `${into}.config${directory}/conf.d`;
    const restoreTo = async (backup: string): Promise<Preflight> => {
      const preflight = await inspectRestore({
        repository,
        clusterName: 'main',
        systemIdentifier: undefined,
        target: { kind: 'immediate' },
        exclusive: false,
        backup,
        timeline: undefined,
        dataDirectory: into,
        tablespaces: new Map(),
        delta: true,
        purpose: 'production',
      });
      const own = { port: 1, clusterName: 'unused', action: 'promote', production: { walGet: ['/bin/false'] }, programs } as const;
      const { signal } = new AbortController();
      await applyRestore({ ...own, preflight, owner: programs.runAs, signal, onProgress: () => undefined });
      return preflight;
    };
    try {
      const earlier = await backUp(cluster, repository);
      await writeFile(path.join(directory, 'conf.d', 'sync.conf'), "synchronous_standby_names = ''\n");
      await query('postgres', async (sql) => await sql`select pg_reload_conf()`);
      const later = await backUp(cluster, repository);
      expect((await restoreTo(later.label)).staleConfiguration).toBeUndefined();
      expect((await readdir(beside)).sort()).toEqual(['memory.conf', 'sync.conf']);
      const { staleConfiguration } = await restoreTo(earlier.label);
      expect(staleConfiguration?.files).toEqual([path.join(directory.slice(1), 'conf.d', 'sync.conf')]);
      expect(await readdir(beside)).toEqual(['memory.conf']);
      expect(await readdir(path.join(staleConfiguration?.aside ?? '', directory, 'conf.d'))).toEqual(['sync.conf']);
    } finally {
      await rm(path.join(directory, 'conf.d', 'sync.conf'), { force: true });
      await removeDirectory(place);
    }
  });

  test('a role that may not see where they lie says what it needs', async () => {
    expect(await readAs('nobody_special')).toEqual({
      files: [],
      inside: [],
      missing: [expect.stringContaining('GRANT pg_read_all_settings')],
    });
  });

  test('a role with the two memberships reads the files, and says which lists of includes it was refused', async () => {
    const found = await readAs('reader');
    expect(names(found)).toContain('hba.conf');
    expect(found.files.find((file) => file.path.endsWith('hba.conf'))?.content).toContain(HBA);
    for (const each of found.missing)
      expect(each).toMatch(/^what (postgresql|pg_hba|pg_ident)\.conf includes is not known: permission denied/);
  });
});
