import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import { migrateWarehouse } from './warehouse.ts';

async function identifierOf(cluster: TestCluster | undefined): Promise<string> {
  const sql = postgres(cluster?.url() ?? '', { max: 1 });
  const [row] = await sql<{ id: string }[]>`select system_identifier::text as id from pg_control_system()`;
  await sql.end();
  return row?.id ?? '';
}

/** One repository with two backups of the server of alpha, under that name, and at first none of the other server. */
describe('until when backups hold the rows of somebody who is forgotten', () => {
  let directory: string;
  let config: string;
  let [alpha, other]: TestCluster[] = [];

  const dbadmin = async (...args: string[]): ReturnType<typeof runInProcess> =>
    await runInProcess([...args, '--config', config], process.env);

  /** `beside`: another cluster of the project. */
  async function configure(name: string, cluster: TestCluster | undefined, beside?: string): Promise<void> {
    const parts = [
      ...(beside === undefined ? [] : [`default_cluster: ${name}`]),
      [
        'clusters:',
        ...[name, ...(beside === undefined ? [] : [beside])].map((each) => `  ${each}: { url: ${JSON.stringify(cluster?.url())} }`),
      ].join('\n'),
      `repositories:\n  local: { type: disk, path: ${JSON.stringify(path.join(directory, 'local'))} }`,
    ];
    await writeFile(config, `version: 1\n${parts.join('\n')}\n`, { mode: 0o600 });
    const base = 'base: { full: { cron: "0 2 * * *" } }';
    await writeFile(
      path.join(directory, 'backups', 'policies.yaml'),
      `version: 1\npolicies:\n  it: { cluster: ${name}, repositories: [local], ${base}, retention: { keep: { last: 2 } } }\n`,
    );
  }

  async function forget(name: string, cluster: TestCluster | undefined, warned: unknown = '', beside?: string): Promise<unknown> {
    await configure(name, cluster, beside);
    const { status, stdout, stderr } = await dbadmin('spotify', 'forget', 'ada', '--json');
    expect([status, stderr]).toEqual([0, warned]);
    const { backups } = JSON.parse(stdout) as { backups: readonly unknown[] };
    expect(backups).toHaveLength(1);
    return backups[0];
  }

  beforeAll(async () => {
    directory = await makeDirectory();
    config = path.join(directory, 'dbadmin.yaml');
    await mkdir(path.join(directory, 'backups'));
    [alpha, other] = [await startEmbeddedCluster({ major: 17 }), await startEmbeddedCluster({ major: 17 })];
    for (const each of [alpha, other]) await migrateWarehouse(each.url());
    await configure('alpha', alpha);
    expect(await dbadmin('backup', 'init')).toMatchObject({ status: 0 });
    for (let n = 0; n < 2; n += 1) expect(await dbadmin('backup', 'run', '--type', 'full')).toMatchObject({ status: 0 });
  });
  afterAll(async () => {
    await alpha?.stop();
    await other?.stop();
    await removeDirectory(directory);
  });

  const EXPIRES = /^The last backup that holds the rows expires by \d{4}-\d\d-\d\d, if backups go on as before\.$/;

  const BEFORE =
    / 2 of a name that another cluster in dbadmin\.yaml has \(alpha \d+\), older than any of this one, may hold the rows, too, if /;

  it('is told of a cluster under its name, and under another that it was given since', async () => {
    const said = await forget('alpha', alpha);
    expect(said).toMatchObject({ backups: 2, endsAt: expect.any(String) as unknown, said: expect.stringMatching(EXPIRES) as unknown });
    expect(await forget('renamed', alpha)).toEqual(said);
  });

  it('of a cluster that has no backup there it is none, whatever another cluster has there', async () => {
    expect(await forget('beta', other, '', 'alpha')).toEqual({
      repository: 'local',
      backups: 0,
      endsAt: null,
      said: 'It holds no backups of this cluster.',
    });
  });

  it('backups under a name that no other cluster has may be of it, renamed before pg_upgrade', async () => {
    expect(await forget('beta', other)).toEqual({
      repository: 'local',
      backups: 2,
      endsAt: null,
      said: expect.stringMatching(
        /^It holds no backups of this cluster\. 2 of a name that no other cluster in dbadmin\.yaml has \(alpha \d+\) may hold the rows, too, if /,
      ) as unknown,
    });
  });

  it('backups of another server of its name are no end that is known', async () => {
    expect(await forget('alpha', other)).toEqual({
      repository: 'local',
      backups: 2,
      endsAt: null,
      said: expect.stringMatching(
        /^It holds no backups of this cluster\. 2 of another server of the same name \(\d+\) may hold the rows, too: no backup to come/,
      ) as unknown,
    });
  });

  it('of a cluster that has no backup there those of before its server was started may be of it', async () => {
    await other?.restart();
    const said = await forget('beta', other, '', 'alpha');
    expect(said).toMatchObject({
      backups: 2,
      endsAt: null,
      said: expect.stringMatching(/^It holds no backups of this cluster\./) as unknown,
    });
    expect(said).toMatchObject({
      said: expect.stringMatching(
        / 2 of a name that .* \(alpha \d+\), older than the start of this one's server, may hold the rows, too, if /,
      ) as unknown,
    });
  });

  describe('of a server before this one, too', () => {
    let [alphaIdentifier, otherIdentifier]: string[] = [];

    /** As those of before a pg_upgrade: another server, the same name. */
    beforeAll(async () => {
      await configure('alpha', other);
      expect(await dbadmin('backup', 'run', '--type', 'full')).toMatchObject({ status: 0 });
      [alphaIdentifier, otherIdentifier] = [await identifierOf(alpha), await identifierOf(other)];
    });

    it('are no end that is known, where the cluster was given another name since', async () => {
      expect(await forget('renamed', alpha)).toEqual({
        repository: 'local',
        backups: 3,
        endsAt: null,
        said: expect.stringMatching(
          /^The last backup that holds .*\. 1 of another server of a name that this one has or had \(alpha \d+\) may hold the rows, too: no backup to/,
        ) as unknown,
      });
    });

    it('are of no concern where another cluster has the name that this one had', async () => {
      expect(await forget('renamed', alpha, '', 'alpha')).toMatchObject({
        backups: 2,
        endsAt: expect.any(String) as unknown,
        said: expect.stringMatching(EXPIRES) as unknown,
      });
    });

    it('may hold the rows where another cluster has the name that this one had before pg_upgrade', async () => {
      expect(await forget('renamed', other, '', 'alpha')).toEqual({
        repository: 'local',
        backups: 3,
        endsAt: null,
        said: expect.stringMatching(BEFORE) as unknown,
      });
    });

    it('may hold the rows where the WAL cannot say whether the server of that name goes on', async () => {
      const timeline = path.join(directory, 'local', alphaIdentifier ?? '', 'wal', '00000002');
      await mkdir(timeline);
      await writeFile(path.join(timeline, '000000020000000000000009'), 'damaged');
      const said = await forget('renamed', other, '', 'alpha');
      await rm(timeline, { recursive: true });
      expect(said).toMatchObject({ backups: 3, endsAt: null, said: expect.stringMatching(BEFORE) as unknown });
      expect(said).toMatchObject({
        said: expect.stringMatching(
          /\. Whether alpha \d+ went on beside this cluster could not be asked: .*000000020000000000000009/,
        ) as unknown,
      });
    });

    it('are of no concern where the server of that name goes on beside this one, as its WAL tells', async () => {
      const timeline = path.join(directory, 'local', alphaIdentifier ?? '', 'wal', '00000001');
      const segment =
        (await readdir(timeline))
          .filter((name) => /^[0-9A-F]{24}$/.test(name))
          .toSorted()
          .at(-1) ?? '';
      const { atime, mtime } = await stat(path.join(timeline, segment));
      // Stored now, and made when it was: a copy.
      await utimes(path.join(timeline, segment), new Date(), new Date());
      expect(await forget('renamed', other, '', 'alpha')).toMatchObject({ backups: 3, said: expect.stringMatching(BEFORE) as unknown });
      await utimes(path.join(timeline, segment), atime, mtime);
      await configure('alpha', alpha);
      const switching = postgres(alpha?.url() ?? '', { max: 1 });
      const [full] = await switching<{ name: string }[]>`select pg_walfile_name(pg_switch_wal()) as name`;
      await switching.end();
      const file = path.join(alpha?.dataDirectory ?? '', 'pg_wal', full?.name ?? '');
      expect(await dbadmin('wal', 'push', file)).toMatchObject({ status: 0 });
      expect(await forget('renamed', other, '', 'alpha')).toMatchObject({
        backups: 1,
        endsAt: expect.any(String) as unknown,
        said: expect.stringMatching(EXPIRES) as unknown,
      });
    });

    it('are counted whatever else of them is damaged', async () => {
      const wal = path.join(directory, 'local', otherIdentifier ?? '', 'wal');
      await mkdir(path.join(wal, '00000002'), { recursive: true });
      for (const name of ['00000002/000000020000000000000009', '00000002.history']) await writeFile(path.join(wal, name), 'damaged');
      const said = await forget('renamed', alpha);
      for (const name of ['00000002', '00000002.history']) await rm(path.join(wal, name), { recursive: true });
      expect(said).toMatchObject({
        backups: 3,
        said: expect.stringMatching(/^The last backup that holds .*\. 1 of another server of a name that this one has or had/) as unknown,
      });
    });

    it.each([
      [
        'another server',
        (): string => otherIdentifier ?? '',
        2,
        / by [-\d]+, if .*\. Of alpha \d+ 1 manifest cannot be read, .* may hold the rows, too\.$/,
      ],
      [
        'its own',
        (): string => alphaIdentifier ?? '',
        2,
        /^Its backups keep the rows: 1 manifest cannot be read, and while it is there no backup expires\. 1 of another/,
      ],
    ])('are no end that is known where a manifest of %s cannot be read', async (_, lineage, backups, said) => {
      const manifests = path.join(directory, 'local', lineage(), 'backups');
      const manifest = path.join(manifests, (await readdir(manifests))[0] ?? '');
      const [whole, { mode }] = [await readFile(manifest), await stat(manifest)];
      await chmod(manifest, 0o644);
      await writeFile(manifest, 'damaged');
      const answer = await forget('renamed', alpha, expect.stringContaining('cannot be read and is passed over'));
      await writeFile(manifest, whole);
      await chmod(manifest, mode);
      expect(answer).toEqual({ repository: 'local', backups, endsAt: null, said: expect.stringMatching(said) as unknown });
    });

    it('take nothing from what is said of the own where they cannot be listed', async () => {
      const backups = path.join(directory, 'local', otherIdentifier ?? '', 'backups');
      await rename(backups, `${backups}.away`);
      await symlink(backups, backups);
      const said = await forget('renamed', alpha);
      await rm(backups);
      await rename(`${backups}.away`, backups);
      expect(said).toEqual({
        repository: 'local',
        backups: 2,
        endsAt: null,
        said: expect.stringMatching(
          /^The last backup that holds .* go on as before\. What alpha \d+ has could not be asked: .*\. Backups there may hold the rows, too, if/,
        ) as unknown,
      });
    });

    it('are none either where it cannot be read which cluster they are of', async () => {
      const identity = path.join(directory, 'local', 'clusters', otherIdentifier ?? '');
      await chmod(identity, 0o644);
      await writeFile(identity, 'damaged');
      const warned = expect.stringContaining('cannot be read and is passed over') as unknown;
      expect(await forget('renamed', alpha, warned)).toEqual({
        repository: 'local',
        backups: 2,
        endsAt: null,
        said: expect.stringMatching(
          /^The last backup that holds .*\. Which cluster clusters\/\d+ is of cannot be read: backups of before a pg_upgrade may/,
        ) as unknown,
      });
    });
  });
});
