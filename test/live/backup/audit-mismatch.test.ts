import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRepository } from '../../../src/repository/repository.ts';
import { openDiskStore } from '../../../src/storage/disk.ts';
import { hashOfRows, takeByCommand } from '../../backup/by-command.ts';
import { writeConfig, type CommandEnd } from '../../backup/command.ts';
import { flipBit } from '../../backup/flip-bit.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, removeDirectory, restore, startReceiver } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let cluster: TestCluster;
let sql: postgres.Sql;
let directory: string;
let place: string;
let config: string;

beforeAll(async () => {
  directory = await makeDirectory();
  place = path.join(directory, 'repository');
  cluster = await startTestCluster({
    major: 18,
    provider: 'embedded',
    checksums: false,
    settings: { autovacuum: 'off', summarize_wal: 'on' },
  });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  config = await writeConfig(directory, cluster, place);
  await mkdir(path.join(directory, 'backups'));
  await mkdir(path.join(directory, 'sql', 'migrations'), { recursive: true });
  await writeFile(path.join(directory, 'sql', 'migrations', '1_more.sql'), 'create table more (n int);\n');
  await dbadmin('backup', 'init');
});

afterAll(async () => {
  await sql.end();
  await cluster.stop();
  await removeDirectory(directory);
});

const dbadmin = async (...args: readonly string[]): Promise<CommandEnd> =>
  await runInProcess([...args, '--config', config, '--yes'], { DBADMIN_SCRATCH: directory, XDG_STATE_HOME: directory });

interface Listed {
  readonly label: string;
  readonly parent: string | null;
  readonly suspicion: { readonly kind: string } | null;
}

async function listed(): Promise<readonly Listed[]> {
  return (JSON.parse((await dbadmin('backup', 'list', '--json')).stdout) as { readonly backups: readonly Listed[] }).backups;
}

function lineageIn(status: string): unknown {
  const { clusters } = JSON.parse(status) as {
    readonly clusters: readonly { readonly repositories: readonly { readonly state: { readonly lineage?: unknown } }[] }[];
  };
  return clusters[0]?.repositories[0]?.state.lineage;
}

async function keepLast(count: number): Promise<void> {
  const policy = `{ cluster: main, repositories: [local], base: { full: { cron: "0 2 * * *" } }, retention: { keep: { last: ${count} } } }`;
  await writeFile(path.join(directory, 'backups', 'policies.yaml'), `version: 1\npolicies:\n  main: ${policy}\n`);
}

test('a mismatch keeps what is older, is seen everywhere and restored around, until somebody says which side is wrong', async () => {
  const repository = await openRepository(await openDiskStore(place), { kind: 'none' });
  const receiver = startReceiver(cluster, repository);
  await keepLast(9);
  await sql`create table cold as select g, repeat(md5(g::text), 10) as t from generate_series(1, 5000) g`;
  await sql`create table warm as select g as n from generate_series(1, 5000) g`;
  await sql`vacuum freeze`;
  const right = await hashOfRows(cluster.url(), 'cold');
  const f0 = await takeByCommand(dbadmin, 'full');
  await sql`update warm set n = n + 1`;
  const f1 = await takeByCommand(dbadmin, 'full');
  await sql`update warm set n = n + 1`;
  const i1 = await takeByCommand(dbadmin, 'incremental');
  expect([f0, f1, i1].map(({ end }) => end.status)).toEqual([0, 0, 0]);

  const file = await flipBit(cluster, sql, 'cold', 12);
  await keepLast(1);
  const f2 = await takeByCommand(dbadmin, 'full');
  expect(f2.end).toMatchObject({ status: 3, stderr: expect.stringContaining(`${file} block 12`) });
  expect(f2.end.stderr).toContain(`dbadmin backup acknowledge ${f2.label}`);
  // The page may be right in those before it alone: none goes, though the policy keeps one.
  expect(await listed()).toMatchObject([
    { label: f0.label, suspicion: null },
    { label: f1.label, suspicion: { kind: 'earlier' } },
    { label: i1.label, suspicion: { kind: 'earlier' } },
    { label: f2.label, suspicion: { kind: 'audited' } },
  ]);

  // The next ones find nothing, for they have what the cluster has: that ends nothing, and keeps nothing of themselves.
  const i2 = await takeByCommand(dbadmin, 'incremental');
  expect(i2.end.stdout).toContain(`incremental on ${f2.label}`);
  expect((await listed()).at(-1)).toMatchObject({ label: i2.label, suspicion: { kind: 'later' } });
  const f3 = await takeByCommand(dbadmin, 'full');
  expect([i2.end.status, f3.end.status]).toEqual([0, 0]);
  expect((await dbadmin('backup', 'expire', '--apply')).stdout).toContain(`until dbadmin backup acknowledge ${f2.label}`);
  expect((await listed()).map(({ label }) => label)).toEqual([f0, f1, i1, f2, f3].map(({ label }) => label));

  for (const words of [
    ['backup', 'list'],
    ['backup', 'info'],
  ])
    expect((await dbadmin(...words)).stderr).toContain(`the audit of ${f2.label} found 1 page`);
  const status = await dbadmin('status', '--json');
  expect(JSON.parse(status.stdout)).toMatchObject({
    problems: expect.arrayContaining([expect.objectContaining({ kind: 'backup-suspect', severity: 'failed' })]),
  });
  expect((await dbadmin('status', '--prometheus')).stdout).toMatch(/^dbadmin_audit_mismatches\{.*\} 1$/m);
  expect((await dbadmin('backup', 'check')).stdout).toContain(`that of ${f2.label} found 1 page`);

  const fallback = (await dbadmin('migrate', 'plan')).stdout;
  expect(fallback).toMatch(new RegExp(`To fall back to: ${f0.label} in local, .*; local: ${f3.label} is suspect`));

  // From the one that nothing is said against, with more WAL, all comes back as it was.
  const clone = await restore({ repository, target: { kind: 'latest' }, into: path.join(directory, 'clone') });
  expect(clone.preflight).toMatchObject({ suspicion: undefined, resolution: { backup: { label: f0.label } } });
  expect(await hashOfRows(clone.url, 'cold')).toBe(right);
  await clone.stop();
  const dry = ['restore', '--into', path.join(directory, 'none'), '--immediate', '--dry-run', '--json'];
  expect(await dbadmin(...dry)).toMatchObject({ status: 1, stderr: expect.stringContaining('only a suspect backup reaches') });
  const accepted = await dbadmin(...dry, '--accept-suspect');
  expect(JSON.parse(accepted.stdout)).toMatchObject({ preflight: { backup: f3.label, proof: 'suspect', suspicion: { audit: f2.label } } });
  expect(accepted.stderr).toContain('this backup is suspect');
  expect((await dbadmin(...dry, '--backup', i1.label)).status).toBe(0);
  const drill = await dbadmin('backup', 'drill', '--immediate', '--skip-amcheck', '--json');
  expect(JSON.parse(drill.stdout)).toMatchObject({
    report: { plan: { backup: f3.label }, weaknesses: expect.arrayContaining([expect.stringContaining('The backup is suspect.')]) },
  });

  const acknowledge = ['backup', 'acknowledge', f2.label, '--sound', 'earlier'];
  expect(await dbadmin(...acknowledge)).toMatchObject({ status: 64, stderr: expect.stringContaining('needs a reason') });
  expect(await dbadmin('backup', 'acknowledge', f0.label, '--sound', 'earlier', '--reason', 'none')).toMatchObject({ status: 1 });
  expect(await dbadmin(...acknowledge, '--reason', 'the disk was replaced')).toMatchObject({ status: 0 });
  const settled = new Map((await listed()).map(({ label, suspicion }) => [label, suspicion?.kind]));
  expect(settled).toEqual(
    new Map([
      [f0.label, undefined],
      [f1.label, undefined],
      [i1.label, undefined],
      [f2.label, 'wrong'],
      [f3.label, 'wrong'],
    ]),
  );
  const seen = (await dbadmin('status', '--json')).stdout;
  expect(seen).not.toContain('backup-suspect');
  // Nothing is promised from the wrong ones: neither an age nor a moment.
  expect(lineageIn(seen)).toMatchObject({ newest: { label: i1.label }, newestFull: { label: f1.label } });
  const info = JSON.parse((await dbadmin('backup', 'info', '--json')).stdout) as {
    readonly windows: readonly { readonly backup: string }[];
  };
  expect(info.windows.map(({ backup }) => backup)).toEqual([f0, f1, i1].map(({ label }) => label));
  expect((await dbadmin('backup', 'verify')).status).toBe(0);

  // What goes on is built on a right one, has the page right, and lets the others go.
  const i3 = await takeByCommand(dbadmin, 'incremental');
  expect(i3.end).toMatchObject({ status: 0, stdout: expect.stringContaining(`incremental on ${i1.label}`) });
  expect(await listed()).toMatchObject([{ label: i3.label, suspicion: null }]);
  const mended = await restore({ repository, target: { kind: 'immediate' }, into: path.join(directory, 'mended') });
  expect(await hashOfRows(mended.url, 'cold')).toBe(right);
  await mended.stop();
  await receiver.stop();
  await repository.store.close();
});
