import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { Project } from '../status/project.ts';

interface Finding {
  readonly area: string;
  readonly what: string;
  readonly state: string;
  readonly detail: string;
  readonly why: string | null;
  readonly fix: string | null;
}

const POLICIES = 'version: 1\npolicies:\n  p: { cluster: main, repositories: [local], wal: { mode: archive } }\n';
let directory: string;
let cluster: TestCluster;
let project: Project;

beforeAll(async () => {
  directory = await makeDirectory();
  cluster = await startTestCluster({ major: 17 });
  project = new Project(path.join(directory, 'project'));
  await mkdir(path.join(directory, 'repository'));
  await project.write(cluster.url(), path.join(directory, 'repository'), POLICIES);
  await project.json('backup', 'init');
});
afterAll(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

async function examine(): Promise<{ readonly status: number | null; readonly findings: readonly Finding[] }> {
  const { status, stdout } = await project.run('doctor', '--json');
  if (stdout.includes('"error"')) throw new Error(stdout);
  return { status, findings: (JSON.parse(stdout) as { findings: readonly Finding[] }).findings };
}

test('doctor says what is wrong, why it matters and what to do, and exits with 2', async () => {
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql`select pg_create_physical_replication_slot('dbadmin', true)`;
  await sql.unsafe("alter system set password_encryption = 'md5'");
  await sql`select pg_reload_conf()`;
  await chmod(path.join(project.directory, 'dbadmin.yaml'), 0o666);
  const { status, findings } = await examine();
  await sql.unsafe("select pg_drop_replication_slot('dbadmin')");
  await sql.end();
  await chmod(path.join(project.directory, 'dbadmin.yaml'), 0o644);
  expect(status).toBe(2);
  const of = (what: string): Finding | undefined => findings.find((each) => each.what.endsWith(what));
  expect(of('our slots')).toMatchObject({
    state: 'wrong',
    detail: expect.stringContaining('nobody reads dbadmin'),
    fix: expect.stringContaining('pg_drop_replication_slot'),
  });
  expect(of('archiving')).toMatchObject({ state: 'wrong', why: expect.stringContaining('lost') });
  expect(of('passwords')).toMatchObject({ state: 'note' });
  expect(of('dbadmin.yaml')).toMatchObject({ state: 'wrong', fix: expect.stringContaining('chmod go-w') });
  expect(of('main role')).toMatchObject({ state: 'fine' });
  for (const each of findings.filter(({ state }) => state === 'wrong' || state === 'note')) {
    expect([each.why, each.fix], each.what).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)]);
  }
});

test('doctor finds nothing else wrong than before when the repository or the server is away, and says which', async () => {
  await writeFile(
    path.join(project.directory, 'backups', 'policies.yaml'),
    POLICIES.replace('local]', 'local]').replace('archive', 'none'),
  );
  await project.write(cluster.url(), path.join(directory, 'gone'), POLICIES);
  const without = await examine();
  expect(without.findings.filter(({ area, state }) => area === 'repository' && state === 'wrong').map(({ what }) => what)).toEqual([
    'repository local',
  ]);
  await project.write('postgresql://nobody@127.0.0.1:1/none', path.join(directory, 'repository'), POLICIES);
  const away = await examine();
  expect(away.status).toBe(2);
  expect(away.findings.find(({ what }) => what === 'main connection')).toMatchObject({
    state: 'wrong',
    detail: expect.stringContaining('127.0.0.1'),
  });
  expect(away.findings.find(({ what }) => what === 'repository local')).toMatchObject({ state: 'fine' });
});

test('doctor and status count a migration once that was changed after it was applied, and each that is gone', async () => {
  await project.write(cluster.url(), path.join(directory, 'repository'), POLICIES);
  const migrations = path.join(project.directory, 'sql', 'migrations');
  const files = ['0001_one.sql', '0002_two.sql'].map((name) => path.join(migrations, name));
  await mkdir(migrations, { recursive: true });
  for (const [index, file] of files.entries()) await writeFile(file, `create table made_${index} (n int);\n`);
  const up = await project.run('migrate', 'up', '--yes');
  expect(up.status, up.stderr).toBe(0);
  const said = async (): Promise<unknown> => (await examine()).findings.find(({ what }) => what === 'main migrations')?.detail;
  try {
    await writeFile(files[0] ?? '', 'create table made_0 (n bigint);\n');
    expect(await said()).toBe('1 applied file was changed or is gone');
    expect((await project.run('status')).stdout).toContain('1 problem (dbadmin migrate status)');
    await rm(files[1] ?? '');
    expect(await said()).toBe('2 applied files were changed or are gone');
  } finally {
    await rm(path.join(project.directory, 'sql'), { recursive: true });
  }
});

test('doctor tells of jobs that cannot run, and of people who cannot be told', async () => {
  const file = path.join(project.directory, 'backups', 'policies.yaml');
  const scheduled = (notify: string): string =>
    `${POLICIES}${notify}\njobs:\n  wrong: { command: backupp run, cron: "@daily" }\n  right: { command: backup run, cron: "@daily" }\n`;
  const found = async (notify: string): Promise<readonly (readonly [string, string, string])[]> => {
    await writeFile(file, scheduled(notify));
    const { findings } = await examine();
    return findings.filter(({ what }) => /^(job |who is told)/.test(what)).map(({ what, state, detail }) => [what, state, detail] as const);
  };
  try {
    const job = ['job wrong', 'wrong', 'cannot run: this dbadmin has no command "backupp run"'];
    expect(await found('')).toEqual([job, ['who is told', 'note', 'nobody: backups/policies.yaml has no notify']]);
    expect(await found('notify: [{ webhook: { from: env, name: NOT_SET_ANYWHERE } }, { email: dba@example.org }]')).toEqual([
      job,
      [expect.stringMatching(/^who is told: webhook-/), 'wrong', expect.stringContaining('NOT_SET_ANYWHERE')],
    ]);
    expect(await found('notify: [{ email: dba@example.org }]')).toEqual([job, ['who is told', 'fine', 'email dba@example.org']]);
  } finally {
    await writeFile(file, POLICIES);
  }
});

test('doctor works without any configuration', async () => {
  const bare = new Project(path.join(directory, 'bare'));
  await mkdir(bare.directory);
  const { status, stdout } = await bare.run('doctor');
  expect(status).toBe(2);
  expect(stdout).toMatch(/WRONG {4}dbadmin\.yaml: there is no dbadmin\.yaml/);
  expect(stdout).toMatch(/fine {5}Node: v/);
});
