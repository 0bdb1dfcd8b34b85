import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { applyRestore } from '../../../src/backup/restore/apply.ts';
import { inspectRestore, type Preflight } from '../../../src/backup/restore/inspect.ts';
import { startRestored } from '../../../src/backup/restore/start-run.ts';
import { openClient } from '../../../src/postgres/client.ts';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import { stopCluster } from '../../../src/postgres/server.ts';
import { configurationBytes } from '../../../src/backup/configuration-text.ts';
import { silentLog } from '../../../src/base/log.ts';
import { takeBackup } from '../../../src/backup/take/run.ts';
import {
  readLinkedConfiguration,
  readOuterConfiguration,
  type OuterConfiguration,
} from '../../../src/backup/take/outer-configuration-inspect.ts';
import { preflightOf } from '../../backup/preflight.ts';
import { layDownProduction } from '../../backup/production.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { freePort } from '../../postgres/address.ts';
import { runClientProgram } from '../../postgres/client-program.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const HBA = 'local all all trust\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n';
/** The server takes any bytes in a comment. */
const LATIN1 = Buffer.from('# Größe der Puffer\n', 'latin1');

describe.each([14, 17])('readOuterConfiguration of PostgreSQL %i', (major) => {
  let directory: string;
  let cluster: TestCluster;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-etc-'));
    await chmod(directory, 0o755);
    for (const name of ['conf.d', 'empty.d']) await mkdir(path.join(directory, name));
    await writeFile(path.join(directory, 'conf.d', 'memory.conf'), 'work_mem = 5MB\n');
    // The server's views do not name it, and it does not start without it.
    await writeFile(
      path.join(directory, 'conf.d', 'notes.conf'),
      `# nothing\ninclude_if_exists 'none.conf'\ninclude 'local.inc'\ninclude_dir '${directory}/empty.d'\n`,
    );
    await writeFile(path.join(directory, 'conf.d', 'local.inc'), '# nothing either\n');
    const hba = Buffer.concat([LATIN1, Buffer.from(major >= 16 ? `include ${directory}/more.conf\n${HBA}` : HBA)]);
    await writeFile(path.join(directory, 'hba.conf'), hba);
    await writeFile(path.join(directory, 'more.conf'), '# nobody\nhost replication nobody 127.0.0.1/32 reject\n');
    const settings = { hba_file: path.join(directory, 'hba.conf'), include_dir: path.join(directory, 'conf.d') };
    cluster = await startTestCluster({ major, provider: 'embedded', settings });
    await appendFile(path.join(cluster.dataDirectory ?? '', 'postgresql.conf'), LATIN1);
    await query('postgres', async (sql) => {
      await sql.unsafe(
        'create role nobody_special login; create role reader login; create role half login; create role settings_only login in role pg_read_all_settings',
      );
      await sql.unsafe('grant pg_read_all_settings, pg_read_server_files to reader, half');
      await sql.unsafe('grant execute on function pg_read_binary_file(text) to reader, half');
      await sql.unsafe('grant execute on function pg_ls_dir(text, boolean, boolean) to reader');
    });
  });
  afterAll(async () => {
    await cluster?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function query<Value>(user: string, work: (sql: postgres.Sql) => Promise<Value>): Promise<Value> {
    const sql = await openClient(cluster.parameters('postgres', user));
    try {
      return await work(sql);
    } finally {
      await sql.end();
    }
  }

  const readAs = async (user: string): Promise<OuterConfiguration> => await query(user, readOuterConfiguration);
  const names = ({ files }: OuterConfiguration): readonly string[] => files.map((file) => path.relative(directory, file.path)).sort();

  test.each(['postgres', 'reader'])('%s gets what lies outside of the data directory, included files too', async (user) => {
    const found = await readAs(user);
    expect(found.missing).toEqual([]);
    const included = ['conf.d/local.inc', 'conf.d/memory.conf', 'conf.d/notes.conf', 'hba.conf'];
    expect(names(found)).toEqual(major >= 16 ? [...included, 'more.conf'] : included);
    expect(found.files.find((file) => file.path.endsWith('memory.conf'))?.content).toBe('work_mem = 5MB\n');
    expect([...found.directories].sort()).toEqual([path.join(directory, 'conf.d'), path.join(directory, 'empty.d')]);
    expect([...found.inside].sort()).toEqual(['pg_ident.conf', 'postgresql.auto.conf', 'postgresql.conf']);
    expect(await cluster.log()).not.toMatch(/ERROR: .*(could not|permission)/);
  });

  test.each(['hex', 'escape'])('where bytes are written as %s, files and names come byte for byte', async (form) => {
    await query('postgres', async (sql) => await sql.unsafe(`alter role reader set bytea_output = '${form}'`));
    const odd = path.join(directory, 'conf.d', 'größe.conf');
    await writeFile(odd, Buffer.concat([Buffer.from('# \\ \\366 \t\r\n'), LATIN1]));
    try {
      const { files, missing } = await readAs('reader');
      expect(missing).toEqual([]);
      const included = ['conf.d/größe.conf', 'conf.d/local.inc', 'conf.d/memory.conf', 'conf.d/notes.conf', 'hba.conf'];
      expect(names({ files } as OuterConfiguration)).toEqual(major >= 16 ? [...included, 'more.conf'] : included);
      for (const file of files) expect(configurationBytes(file.content), file.path).toEqual(await readFile(file.path));
    } finally {
      await rm(odd);
    }
  });

  test.each([
    ['größe.inc', 'gr\ufffd\ufffde.inc'],
    ['größe.inc/a.conf', 'gr\ufffd\ufffde.inc/a.conf'],
  ])('a path that is not UTF-8, %s, cannot be asked for, and is named if something is there', async (name, shown) => {
    const file = path.join(directory, 'conf.d', 'latin1.conf');
    const included = path.join(directory, 'conf.d', name);
    await writeFile(file, Buffer.from(`include_if_exists '${name}'\n`, 'latin1'));
    try {
      const without = await readAs('postgres');
      expect(without.missing).toEqual([]);
      expect(without.directories).toContain(path.join(directory, 'conf.d'));
      await mkdir(Buffer.from(path.dirname(included), 'latin1'), { recursive: true });
      await writeFile(Buffer.from(included, 'latin1'), '# nothing\n');
      const { missing, files } = await readAs('postgres');
      expect(missing).toContain(
        `${directory}/conf.d/${shown}, which ${file} includes, was not saved: the server cannot be asked for a path that is not UTF-8`,
      );
      expect(files.map((each) => each.path)).toContain(file);
    } finally {
      await rm(file);
      await rm(Buffer.from(included, 'latin1'), { force: true });
      if (name.includes('/')) await rm(Buffer.from(path.dirname(included), 'latin1'), { recursive: true, force: true });
    }
  });

  test('an optional path of the data directory whose directory is not UTF-8 is one that may be a link, unless nothing is there', async () => {
    const file = path.join(directory, 'conf.d', 'latin1.conf');
    const place = Buffer.from(path.join(cluster.dataDirectory ?? '', 'größe.d'), 'latin1');
    const inc = path.join(cluster.dataDirectory ?? '', 'größe.d', 'a.conf');
    await writeFile(file, Buffer.from(`include_if_exists '${inc}'\n`, 'latin1'));
    try {
      const without = await readAs('postgres');
      expect([without.missing, without.inside.filter((name) => name.endsWith('a.conf'))]).toEqual([[], []]);
      await mkdir(place);
      await writeFile(Buffer.from(inc, 'latin1'), '# nothing\n');
      const { missing, inside } = await readAs('postgres');
      expect(missing).toEqual([
        expect.stringMatching(/^what is included by gr\ufffd\ufffde\.d\/a\.conf, which \S+ includes, is not known/),
      ]);
      expect(inside).toContain('gr\udcf6\udcdfe.d/a.conf');
    } finally {
      await rm(file);
      await rm(place, { recursive: true, force: true });
    }
  });

  test('a file of an included directory whose name is not UTF-8 is named, and the directory is not whole', async () => {
    const file = path.join(directory, 'conf.d', 'größe.conf');
    await writeFile(Buffer.from(file, 'latin1'), 'work_mem = 6MB\n');
    try {
      const { missing, directories } = await readAs('postgres');
      expect(missing).toEqual([
        `${directory}/conf.d/gr\ufffd\ufffde.conf was not saved: the server cannot be asked for a path that is not UTF-8`,
      ]);
      expect(directories).toEqual([path.join(directory, 'empty.d')]);
    } finally {
      await rm(Buffer.from(file, 'latin1'));
    }
  });

  test('a role that may read files and list no directories says of which one it does not know what is in it, and the GRANT', async () => {
    const { missing, ...found } = await readAs('half');
    expect(names({ missing, ...found })).toEqual(major >= 16 ? ['hba.conf', 'more.conf'] : ['hba.conf']);
    expect(missing).toEqual([
      expect.stringMatching(
        /^what lies in \S+\/conf\.d is not known: .*GRANT EXECUTE ON FUNCTION .*pg_ls_dir\(text, boolean, boolean\) TO half;/,
      ),
    ]);
  });

  test('a role that may read no files says so of each, and of what may be included', async () => {
    const functions = 'pg_read_binary_file(text), pg_ls_dir(text, boolean, boolean)';
    const grants = `in database postgres: GRANT pg_read_server_files TO settings_only; GRANT EXECUTE ON FUNCTION ${functions} TO settings_only;`;
    const { missing } = await readAs('settings_only');
    expect(missing).toHaveLength(2);
    expect(missing[0]).toMatch(/^\S+hba\.conf was not saved: permission denied for function pg_read_binary_file/);
    expect(missing[1]).toMatch(/^what is included by postgresql\.conf, pg_ident\.conf is not known, since this role may not read files/);
    for (const each of missing) expect(each).toContain(grants);
  });

  if (major !== 17) return;

  test('of an included file of the data directory whose name is not UTF-8, a backup lacks only what that includes', async () => {
    const place = await makeDirectory();
    const repository = await makeRepository(path.join(place, 'repository'));
    const main = path.join(cluster.dataDirectory ?? '', 'postgresql.conf');
    const file = Buffer.from(path.join(cluster.dataDirectory ?? '', 'größe.conf'), 'latin1');
    const text = await readFile(main);
    const unaskable = 'the server cannot be asked for a path that is not UTF-8';
    try {
      await writeFile(file, '# nothing\n');
      await appendFile(main, Buffer.from("include 'größe.conf'\n", 'latin1'));
      expect((await backUp(cluster, repository)).missing).toEqual([
        `what is included by gr\ufffd\ufffde.conf, which postgresql.conf includes, is not known: ${unaskable}`,
      ]);
      // A link would not come with the base backup.
      expect(await query('postgres', async (sql) => await readLinkedConfiguration(sql, ['gr\udcf6\udcdfe.conf']))).toEqual({
        files: [],
        missing: [`gr\ufffd\ufffde.conf was not saved: ${unaskable}; the base backup leaves links out`],
      });
    } finally {
      await writeFile(main, text);
      await rm(file, { force: true });
      await removeDirectory(place);
    }
  });

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
      for (const file of [path.join(into, 'postgresql.conf'), `${into}.config${directory}/hba.conf`])
        expect((await readFile(file)).includes(LATIN1)).toBe(true);
      // postgresql.conf is not the backup's any more, and the server's manifest has to know.
      const verified = await runClientProgram(major, 'pg_verifybackup', ['-n', into], [place]);
      if (verified !== undefined) expect(verified.status, verified.stderr).toBe(0);
      // Another host has none of it.
      await rename(directory, `${directory}.away`);
      // Its port is the original's, which is still there.
      await appendFile(path.join(into, 'postgresql.auto.conf'), `port = ${port}\n`);
      await startRestored({ restored, programs, action: 'promote', timeoutSeconds: 60, clock: systemClock, signal, settles: false });
      const sql = postgres({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max: 1 });
      const [row] =
        await sql`select current_setting('work_mem') as memory, current_setting('hba_file') as hba, current_setting('data_directory') as data`;
      await sql.end();
      expect(row).toEqual({ memory: '5MB', hba: `${into}.config${directory}/hba.conf`, data: into });
      await stopCluster(programs, into, 'immediate');
      await rename(`${directory}.away`, directory);
      const clone = await restore({ repository, target: { kind: 'immediate' }, into: path.join(place, 'clone') });
      const reader = postgres(clone.url, { max: 1 });
      const sources =
        await reader`select distinct sourcefile as file from pg_file_settings where sourcefile is not null union select current_setting('hba_file') order by 1`;
      await reader.end();
      await clone.stop();
      const own = ['pg_hba.conf', 'postgresql.auto.conf', 'postgresql.conf'].map((name) => ({ file: path.join(place, 'clone', name) }));
      expect(sources).toEqual(own);
    } finally {
      await rename(`${directory}.away`, directory).catch(() => undefined);
      await stopCluster(programs, into, 'immediate');
      await removeDirectory(place);
    }
  });

  test('a backup under bytea_output = escape holds them byte for byte', async () => {
    const place = await makeDirectory();
    const repository = await makeRepository(path.join(place, 'repository'));
    const into = path.join(place, 'restored');
    const set = async (form: string): Promise<void> =>
      void (await query('postgres', async (sql) => await sql.unsafe(`alter database postgres set bytea_output = '${form}'`)));
    try {
      await set('escape');
      expect((await backUp(cluster, repository)).missing).toEqual([]);
      const preflight = await preflightOf(repository, into, { target: { kind: 'immediate' } });
      const { outsideFiles } = await layDownProduction(preflight, await embeddedPrograms(major), 1);
      const whole = ['conf.d/local.inc', 'conf.d/memory.conf', 'conf.d/notes.conf', 'hba.conf', 'more.conf'];
      expect(outsideFiles.map((file) => path.relative(`${into}.config${directory}`, file)).sort()).toEqual(whole);
      for (const name of ['conf.d/local.inc', 'conf.d/memory.conf'])
        expect(await readFile(path.join(`${into}.config${directory}`, name))).toEqual(await readFile(path.join(directory, name)));
      expect((await readFile(path.join(`${into}.config${directory}`, 'hba.conf'))).includes(LATIN1)).toBe(true);
    } finally {
      await set('hex');
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
      expect((await readdir(beside)).sort()).toEqual(['local.inc', 'memory.conf', 'notes.conf', 'sync.conf']);
      const { staleConfiguration } = await restoreTo(earlier.label);
      expect(staleConfiguration?.files).toEqual([path.join(directory.slice(1), 'conf.d', 'sync.conf')]);
      expect((await readdir(beside)).sort()).toEqual(['local.inc', 'memory.conf', 'notes.conf']);
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
      directories: [],
      missing: [expect.stringContaining('GRANT pg_read_all_settings')],
    });
  });
});
