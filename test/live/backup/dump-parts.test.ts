import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DumpManifest } from '../../../src/backup/dump/manifest.ts';
import { isDbadminError } from '../../../src/base/errors.ts';
import { findClientProgram } from '../../../src/postgres/programs.ts';
import type { CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const pgDump = await findClientProgram('pg_dump', { atLeastMajor: 14 }, process.env).catch((error: unknown) => {
  if (isDbadminError(error, 'program-missing')) return undefined;
  throw error;
});

describe.skipIf(pgDump === undefined)('dumps of a role that is no superuser', () => {
  let directory: string;
  let cluster: TestCluster;
  let sql: postgres.Sql;
  let config: string;

  const dbadmin = async (...args: string[]): Promise<CommandEnd> =>
    await runInProcess([...args, '--config', config, '--yes'], { PATH: process.env['PATH'] ?? '' });
  const policy = async (text: string): Promise<void> =>
    await writeFile(
      path.join(directory, 'backups', 'policies.yaml'),
      `version: 1\npolicies:\n  p:\n    cluster: main\n    repositories: [local]\n    base: none\n${text}`,
    );
  /** A dump is named after the second it began in. */
  const dump = async (...args: string[]): Promise<CommandEnd & { readonly manifest: DumpManifest }> => {
    await setTimeout(1100);
    const end = await dbadmin('backup', 'dump', ...args, '--json');
    expect([0, 3], end.stderr).toContain(end.status);
    return { ...end, manifest: JSON.parse(end.stdout) as DumpManifest };
  };

  /** Makes a dump one of before dumps said what they are. */
  const forget = async ({ systemIdentifier, label }: DumpManifest): Promise<void> => {
    const file = path.join(directory, 'repository', systemIdentifier, 'dumps', label, 'manifest.json');
    const manifest = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    for (const key of ['selection', 'leftOut', 'checksum']) delete manifest[key];
    await writeFile(file, JSON.stringify({ ...manifest, format: 1 }));
  };

  beforeAll(async () => {
    directory = await makeDirectory();
    await mkdir(path.join(directory, 'backups'));
    cluster = await startTestCluster({ major: Math.min(pgDump?.major ?? 18, 18), provider: 'embedded' });
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    for (const statement of [
      'create role backup login',
      'grant pg_read_all_data to backup',
      'create database app',
      'create database payroll',
      'revoke connect on database payroll from public',
      'create role rdsadmin',
      'create database rdsadmin owner rdsadmin',
      'revoke connect on database rdsadmin from public',
      // Of this one everybody may connect by its privileges, whatever pg_hba.conf says.
      'create role cloudsqladmin',
      'create database cloudsqladmin owner cloudsqladmin',
    ])
      await sql.unsafe(statement);
    const app = postgres(cluster.url('app'), { max: 1 });
    await app`create table note (id int)`;
    await app.end();
    config = path.join(directory, 'dbadmin.yaml');
    const repository = JSON.stringify(path.join(directory, 'repository'));
    await writeFile(
      config,
      `version: 1\nclusters:\n  main:\n    url: ${JSON.stringify(cluster.url('postgres', 'backup'))}\n    repositories: [local]\nrepositories:\n  local: { type: disk, path: ${repository} }\n`,
      { mode: 0o600 },
    );
    expect(await dbadmin('backup', 'init')).toMatchObject({ status: 0 });
  });

  afterAll(async () => {
    await sql?.end();
    await cluster?.stop();
    await removeDirectory(directory);
  });

  test('a database that it may not connect to is named, written down and makes exit 3, unless it is excluded by name', async () => {
    const partly = await dump();
    expect(partly.status).toBe(3);
    expect(partly.manifest.databases.map(({ database }) => database)).toEqual(['app', 'postgres']);
    expect(partly.manifest).toMatchObject({
      selection: { databases: 'all', excluded: [], schemaOnly: false, tables: [] },
      leftOut: [
        { database: 'cloudsqladmin', reason: 'provider' },
        { database: 'payroll', reason: 'no-privilege' },
        { database: 'rdsadmin', reason: 'provider' },
      ],
    });
    expect(partly.stderr).not.toContain('rdsadmin');
    expect(partly.stderr).toContain('databases: [...]');
    expect(partly.stderr).toContain('GRANT CONNECT ON DATABASE "payroll" TO "backup"');
    const without = await dump('--exclude-database', 'payroll');
    expect([without.status, without.stderr]).toEqual([0, '']);
    expect(without.manifest.leftOut).toEqual([
      { database: 'cloudsqladmin', reason: 'provider' },
      { database: 'payroll', reason: 'excluded' },
      { database: 'rdsadmin', reason: 'provider' },
    ]);
    const shown = await dbadmin('restore', '--dump', partly.manifest.label, '--dry-run');
    expect(shown.stdout).toContain('  all that was in app, postgres\n  could not be dumped: payroll, for the role may not connect to it\n');
  });

  test('what pg_dump warns of is said, and stands in the result', async () => {
    await sql.unsafe(`create subscription s connection 'host=127.0.0.1 port=1' publication p with (connect = false, slot_name = none)`);
    const text = 'subscriptions not dumped because current user is not a superuser';
    const end = await dump('--database', 'postgres');
    expect(end.stderr).toContain(`warning: postgres: pg_dump: ${text}\n`);
    expect(end.manifest).toMatchObject({ warnings: [{ database: 'postgres', text }] });
    await sql.unsafe('drop subscription s');
  });

  test('a dump of definitions only says so before it is restored', async () => {
    const { manifest } = await dump('--schema-only', '--database', 'app');
    const shown = await dbadmin('restore', '--dump', manifest.label, '--dry-run', '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({ selection: { databases: ['app'], schemaOnly: true }, restored: null });
    expect((await dbadmin('restore', '--dump', manifest.label, '--dry-run')).stdout).toContain(
      'a part: definitions without any rows, of app\n',
    );
  });

  test('where dumps are all there is, each whole one lets older ones go, and parts neither push them out nor count for their age', async () => {
    await policy('    dump: { cron: "@daily", exclude: [payroll] }\n    retention: { dumps: 2 }\n    limits: { backup_age: 1h }\n');
    const listed = async (): Promise<readonly string[]> => {
      const end = await dbadmin('backup', 'expire', '--json');
      const { repositories } = JSON.parse(end.stdout) as { repositories: { dumps: { label: string }[] }[] };
      return repositories.flatMap(({ dumps }) => dumps.map(({ label }) => label));
    };
    const before = await listed();
    const first = await dump('--exclude-database', 'payroll');
    const parts = [await dump('--schema-only'), await dump('--table', 'note', '--database', 'app'), await dump('--schema-only')];
    const partLabels = parts.map(({ manifest }) => manifest.label);
    expect(await listed()).toEqual(expect.arrayContaining([first.manifest.label, ...partLabels]));
    const second = await dump('--exclude-database', 'payroll');
    expect(second.status).toBe(0);
    const after = await listed();
    expect(after).toEqual([first.manifest.label, ...partLabels.slice(1), second.manifest.label]);
    expect(after).not.toEqual(expect.arrayContaining([before[0]]));

    const status = JSON.parse((await dbadmin('status', '--json')).stdout) as {
      clusters: { repositories: { state: { lineage: { dumps: { database: string; at: string; limitMs: number }[] } } }[] }[];
    };
    const { dumps } = status.clusters[0]?.repositories[0]?.state.lineage ?? { dumps: [] };
    expect(dumps.map(({ database, at, limitMs }) => [database, at, limitMs])).toEqual(
      ['app', 'postgres'].map((database) => [database, second.manifest.startedAt, 3_600_000]),
    );
    await policy('    dump: { cron: "@daily" }\n    limits: { backup_age: 1h }\n');
    const checked = await dbadmin('backup', 'check', '--json');
    expect(checked.stdout).toContain('none holds all of database payroll');
  });

  test('what belongs to the provider is dumped where it is named and may be connected to', async () => {
    const named = await dump('--database', 'cloudsqladmin', '--database', 'rdsadmin');
    expect(named.status).toBe(3);
    expect(named.manifest.databases.map(({ database }) => database)).toEqual(['cloudsqladmin']);
    expect(named.manifest.leftOut).toContainEqual({ database: 'rdsadmin', reason: 'no-privilege' });
  });

  test('dumps that do not say what they are stay for a database that no policy dumps: one of them may hold its last rows', async () => {
    await policy(`    dump: { cron: "@daily", databases: [postgres] }\n    retention: { dumps: 1 }\n`);
    const old = [(await dump('--schema-only', '--database', 'app')).manifest, (await dump('--schema-only', '--database', 'app')).manifest];
    for (const manifest of old) await forget(manifest);
    await dump('--database', 'postgres');
    for (const options of [[], ['--dumps', '1']]) {
      const end = await dbadmin('backup', 'expire', ...options, '--json');
      const { repositories } = JSON.parse(end.stdout) as { repositories: { dumps: { label: string; why: string[] }[] }[] };
      const dumps = repositories.flatMap((each) => each.dumps);
      expect(old.map(({ label }) => dumps.find((each) => each.label === label)?.why)).toEqual(
        old.map(() => ['it does not say whether it is whole, and fewer than 1 newer ones are known to hold all of app']),
      );
    }
  });
});
