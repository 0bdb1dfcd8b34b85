import { appendFile, chmod, chown, lstat, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { planDrill } from '../../../src/backup/drill/target.ts';
import { startRestored } from '../../../src/backup/restore/start-run.ts';
import { stopCluster, type ServerPrograms } from '../../../src/postgres/server.ts';
import { readManifest, writeManifest, type BackupSummary } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { runCommand, writeConfig } from '../../backup/command.ts';
import { preflightOf } from '../../backup/preflight.ts';
import { layDownProduction } from '../../backup/production.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { freePort } from '../../postgres/address.ts';
import { runClientProgram } from '../../postgres/client-program.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';

const HBA = '# by Ansible\nlocal all all trust\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n';
/** In ISO 8859-1, as its author had it. */
const MEMORY = 'work_mem = 5MB # für Berichte\n';
/** As a tool that keeps configuration elsewhere leaves it: two files and a directory are links. */
const LINKED = ['conf.d/memory.conf', 'pg_hba.conf', 'postgresql.conf'];

describe.each([14, 18])('configuration that is links in the data directory of PostgreSQL %i', (major) => {
  let directory: string;
  let etc: string;
  let repository: Repository;
  let cluster: TestCluster;
  let programs: ServerPrograms;

  beforeAll(async () => {
    directory = await makeDirectory();
    etc = path.join(directory, 'etc');
    for (const name of ['conf.d', 'empty.d']) await mkdir(path.join(etc, name), { recursive: true });
    repository = await makeRepository(path.join(directory, 'repository'));
    cluster = await startEmbeddedCluster({ major, settings: { ...(major >= 17 ? { summarize_wal: 'on' } : {}), bytea_output: 'escape' } });
    const { dataDirectory } = cluster;
    if (dataDirectory === undefined || cluster.programs === undefined) throw new Error('an embedded cluster has a data directory');
    ({ programs } = cluster);
    await writeFile(path.join(etc, 'conf.d', 'memory.conf'), MEMORY, 'latin1');
    await writeFile(path.join(etc, 'hba.conf'), HBA);
    await rename(path.join(dataDirectory, 'postgresql.conf'), path.join(etc, 'main.conf')).catch(async () => {
      await writeFile(path.join(etc, 'main.conf'), await readFile(path.join(dataDirectory, 'postgresql.conf')));
      await rm(path.join(dataDirectory, 'postgresql.conf'));
    });
    await appendFile(path.join(etc, 'main.conf'), "include_dir 'conf.d'\ninclude_dir 'empty.d'\ninclude_if_exists 'site.conf'\n");
    await rm(path.join(dataDirectory, 'pg_hba.conf'));
    for (const [target, name] of [
      ['main.conf', 'postgresql.conf'],
      ['hba.conf', 'pg_hba.conf'],
      ['conf.d', 'conf.d'],
      // Nothing in it: the server names it nowhere, and does not start without it.
      ['empty.d', 'empty.d'],
    ] as const)
      await symlink(path.join(etc, target), path.join(dataDirectory, name));
    await chmod(path.join(etc, 'main.conf'), 0o644);
    if (programs.runAs !== undefined) await chown(path.join(etc, 'main.conf'), programs.runAs.uid, programs.runAs.gid);
    await query(cluster.url(), async (sql) => {
      await sql`select pg_reload_conf()`;
      await sql.unsafe('create role watcher login replication in role pg_read_all_settings');
      await sql.unsafe('create role keeper login in role pg_read_all_settings, pg_read_server_files');
      await sql.unsafe('grant execute on function pg_read_binary_file(text), pg_ls_dir(text, boolean, boolean) to keeper');
    });
  });
  afterAll(async () => {
    await cluster.stop();
    await removeDirectory(directory);
  });

  async function query<Value>(url: string, work: (sql: postgres.Sql) => Promise<Value>): Promise<Value> {
    const sql = postgres(url, { max: 1, onnotice: () => undefined });
    try {
      return await work(sql);
    } finally {
      await sql.end();
    }
  }

  /** That they are files there, with the text of what the links led to. */
  async function expectLaid(into: string): Promise<void> {
    for (const name of LINKED) expect([name, (await lstat(path.join(into, name))).isFile()]).toEqual([name, true]);
    expect(await readFile(path.join(into, 'pg_hba.conf'), 'utf8')).toBe(HBA);
    expect(await readFile(path.join(into, 'conf.d', 'memory.conf'), 'latin1')).toBe(MEMORY);
  }

  async function expectProduction(backup: BackupSummary, into: string, delta = false): Promise<void> {
    const preflight = await preflightOf(repository, into, {
      target: { kind: 'immediate' },
      backup: backup.label,
      purpose: 'production',
      delta,
    });
    const port = await freePort();
    const { signal } = new AbortController();
    const restored = await layDownProduction(preflight, programs, port);
    expect(restored.madeFiles).toEqual([]);
    expect(preflight.lackingConfiguration).toEqual([]);
    await expectLaid(into);
    const verified = await runClientProgram(major, 'pg_verifybackup', ['-n', into], [directory]);
    if (verified !== undefined) expect(verified.status, verified.stderr).toBe(0);
    await appendFile(path.join(into, 'postgresql.auto.conf'), `port = ${port}\nunix_socket_directories = '${into}'\n`);
    await startRestored({ restored, programs, action: 'promote', timeoutSeconds: 60, clock: systemClock, signal, settles: false });
    try {
      const found = await query(
        `postgresql://postgres@127.0.0.1:${port}/postgres`,
        async (sql) => await sql`select current_setting('work_mem') as memory, current_setting('config_file') as main`,
      );
      expect([...found]).toEqual([{ memory: '5MB', main: path.join(into, 'postgresql.conf') }]);
    } finally {
      await stopCluster(programs, into, 'immediate');
    }
  }

  test('is in the backup, nothing is said to be missing, and a production and a clone have it as files', async () => {
    const full = await backUp(cluster, repository, { kind: 'full' });
    const skipped = ['conf.d', 'empty.d'].map((name) => expect.stringContaining(`"./${name}"`) as unknown);
    expect(full).toMatchObject({ missing: [], warnings: expect.arrayContaining(skipped) as unknown });
    expect(full.warnings).toHaveLength(2);
    expect(full.includedDirectories).toEqual(['conf.d', 'empty.d']);
    await expectProduction(full, path.join(directory, 'restored'));
    const into = path.join(directory, 'clone');
    const clone = await restore({ repository, target: { kind: 'immediate' }, backup: full.label, into });
    expect([...(await query(clone.url, async (sql) => await sql`show work_mem`))]).toEqual([{ work_mem: '5MB' }]);
    await clone.stop();
    await expectLaid(into);
  });

  test('is in an incremental one, too, as it is then, and goes over links that are still there', async () => {
    await writeFile(path.join(etc, 'hba.conf'), `${HBA}# changed\n`);
    const summary = await backUp(cluster, repository);
    await writeFile(path.join(etc, 'hba.conf'), HBA);
    const next = await backUp(cluster, repository);
    expect([summary.kind, next.kind]).toEqual(['incremental', 'incremental']);
    expect(next.missing).toEqual([]);
    const into = path.join(directory, 'again');
    const preflight = await preflightOf(repository, into, { target: { kind: 'immediate' }, backup: summary.label });
    expect(preflight.linked.get('pg_hba.conf')).toBe(`${HBA}# changed\n`);
    await expectProduction(next, into);
    for (const name of ['pg_hba.conf', 'conf.d']) {
      await rm(path.join(into, name), { recursive: true });
      await symlink(path.join(etc, name === 'conf.d' ? name : 'hba.conf'), path.join(into, name));
    }
    await expectProduction(next, into, true);
    expect(await readFile(path.join(etc, 'hba.conf'), 'utf8')).toBe(HBA);
  });

  test('is in the backup of a role that is no superuser and has the grants, and a production starts with it', async () => {
    const summary = await backUp(cluster, repository, { connection: cluster.parameters('postgres', 'keeper') });
    expect(summary.missing).toEqual([]);
    await expectProduction(summary, path.join(directory, 'kept'));
  });

  test('of a backup that does not say what the directories held is not made up: the server refuses to start, and what is lacking is named', async () => {
    const ident = path.join(cluster.dataDirectory ?? '', 'pg_ident.conf');
    const identMap = await readFile(ident);
    if (major >= 16) await appendFile(ident, 'include names.conf\n');
    const { includedDirectories, ...summary } = await backUp(cluster, repository);
    await writeFile(ident, identMap);
    expect(includedDirectories).toEqual(['conf.d', 'empty.d']);
    const label = '20200101T000000Z-full';
    const old: BackupSummary = { ...summary, label, missing: [] };
    await writeManifest(repository, old, readManifest(repository, summary.systemIdentifier, summary.label));
    const into = path.join(directory, 'old');
    const preflight = await preflightOf(repository, into, { target: { kind: 'immediate' }, backup: label, purpose: 'production' });
    expect(preflight.lackingConfiguration).toEqual([
      expect.stringMatching(/^empty\.d, which postgresql\.conf includes: the server does not start/),
      ...(major >= 16 ? [expect.stringMatching(/^names\.conf, which pg_ident\.conf includes: the server starts/)] : []),
      expect.stringMatching(/^site\.conf, which postgresql\.conf includes: if it was a link there, the server starts/),
    ]);
    const config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    const asked = ['restore', '--immediate', '--backup', label, '--into', path.join(directory, 'asked'), '--dry-run', '--config', config];
    expect(await runCommand(asked)).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('not in the backup: empty.d, which postgresql.conf includes') as unknown,
    });
    expect(JSON.parse((await runCommand([...asked, '--json'])).stdout)).toMatchObject({
      preflight: { lackingConfiguration: preflight.lackingConfiguration },
    });
    const described = { asked: 'immediate', seed: null, moment: null };
    const drilled = await planDrill(preflight, { target: { kind: 'immediate' }, described, commit: undefined });
    expect(drilled.lackingConfiguration).toEqual(preflight.lackingConfiguration);
    const clone = restore({ repository, target: { kind: 'immediate' }, backup: label, into: path.join(directory, 'old-clone') });
    await expect(clone).rejects.toThrow('empty.d');
    const port = await freePort();
    const restored = await layDownProduction(preflight, programs, port);
    await appendFile(path.join(into, 'postgresql.auto.conf'), `port = ${port}\nunix_socket_directories = '${into}'\n`);
    const { signal } = new AbortController();
    const start = async (): ReturnType<typeof startRestored> =>
      await startRestored({ restored, programs, action: 'promote', timeoutSeconds: 60, clock: systemClock, signal, settles: false });
    try {
      await expect(start()).rejects.toMatchObject({ detail: expect.stringContaining('empty.d') as unknown });
      // What else is lacking does not keep it from starting.
      await mkdir(path.join(into, 'empty.d'));
      if (programs.runAs !== undefined) await chown(path.join(into, 'empty.d'), programs.runAs.uid, programs.runAs.gid);
      await start();
    } finally {
      await stopCluster(programs, into, 'immediate');
    }
  });

  test('that the role may not read is named as missing', async () => {
    const summary = await backUp(cluster, repository, { connection: cluster.parameters('postgres', 'watcher') });
    for (const name of ['pg_hba.conf', 'postgresql.conf'])
      expect(summary.missing).toContainEqual(
        expect.stringMatching(new RegExp(`^${name} was not saved: permission denied .*; the base backup leaves links out$`)),
      );
    expect(summary.warnings).toContainEqual(expect.stringContaining('"./pg_hba.conf"'));
    expect(await cluster.log()).toContain('pg_read_binary_file');
  });

  test('without links nothing is asked of a role that may not', async () => {
    const plain = await startEmbeddedCluster({ major });
    try {
      await query(plain.url(), async (sql) => await sql.unsafe('create role watcher login replication in role pg_read_all_settings'));
      const apart = await makeRepository(path.join(directory, 'apart'));
      await backUp(plain, apart, { kind: 'full', connection: plain.parameters('postgres', 'watcher') });
      expect(await plain.log()).not.toContain('pg_read_binary_file');
    } finally {
      await plain.stop();
    }
  });
});
