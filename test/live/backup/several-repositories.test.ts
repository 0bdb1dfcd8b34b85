import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock, type Clock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { readProofs } from '../../../src/backup/drill/record.ts';
import type { DrillHeader } from '../../../src/backup/drill/report.ts';
import { syncLineage } from '../../../src/backup/sync/run.ts';
import { listFindings, newFinding, placeFinding } from '../../../src/repository/audit-findings.ts';
import { listHolds, placeHold } from '../../../src/repository/holds.ts';
import { listBackups } from '../../../src/repository/manifest.ts';
import { writeReport } from '../../../src/repository/reports.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { takeInto, takenInto } from '../../backup/take-into.ts';
import { checkIndexes, fingerprint } from '../../backup/workload.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let directory: string;

beforeAll(async () => {
  directory = await makeDirectory();
});

afterAll(async () => {
  await removeDirectory(directory);
});

/** Every look tells the same time: two cron lines that begin in one second. */
const ONE_SECOND: Clock = { ...systemClock, now: () => new Date('2026-11-21T02:00:00.400Z') };

async function expectRestores(repository: Repository, backup: string, rows: readonly string[]): Promise<void> {
  const into = path.join(directory, `clone-${Math.random()}`);
  const clone = await restore({ repository, target: { kind: 'immediate' }, backup, into });
  const reader = postgres(clone.url, { max: 1, onnotice: () => undefined });
  try {
    expect(await fingerprint(reader)).toEqual(rows);
    expect(await checkIndexes(reader)).toBeGreaterThan(100);
  } finally {
    await reader.end();
    await clone.stop();
  }
}

/** Different backups of one second, the one in `b` begun first, with rows changed between them. */
async function takeNamesakes(cluster: TestCluster, sql: postgres.Sql, a: Repository, b: Repository): Promise<string> {
  await sql`create table t as select g as n, repeat(md5(g::text), 4) as t from generate_series(1, 20000) g`;
  await sql`create index on t (n)`;
  const inB = takenInto(await takeInto(cluster, { b }, { clock: ONE_SECOND }), 'b');
  await sql`update t set n = -n where n between 5000 and 5100`;
  await sql`checkpoint`;
  const inA = takenInto(await takeInto(cluster, { a }, { clock: ONE_SECOND }), 'a');
  expect(inA.label).toBe(inB.label);
  expect(inA.startLsn).not.toBe(inB.startLsn);
  return inA.label;
}

/** What only the backup of this label in this repository has earned: a drill, a hold, a finding about its audit. */
async function vouchFor(repository: Repository, systemIdentifier: string, label: string): Promise<void> {
  const now = new Date();
  const finishedAt = now.toISOString();
  await writeReport(repository, systemIdentifier, 'drill', now, (report) => {
    const header: DrillHeader = { label: report, systemIdentifier, finishedAt, backup: label, verdict: 'passed' };
    return { header, body: {} };
  });
  await placeHold(repository, systemIdentifier, { label, reason: 'kept', until: null, now });
  await placeFinding(repository, systemIdentifier, newFinding({ label, sound: 'audited', wrong: [], reason: 'looked at', now }));
}

async function vouchedFor(repository: Repository, systemIdentifier: string): Promise<Record<'drills' | 'holds' | 'findings', string[]>> {
  const { all } = await readProofs(repository, systemIdentifier, new Date());
  const [holds, findings] = [await listHolds(repository, systemIdentifier), await listFindings(repository, systemIdentifier)];
  return {
    drills: all.map(({ backup }) => backup ?? ''),
    holds: holds.map(({ label }) => label),
    findings: findings.map(({ label }) => label),
  };
}

test.each([
  [18, 'incremental'],
  [16, 'incremental'],
  [18, 'full'],
] as const)(
  'PostgreSQL %i, %s: two backups of one label in two repositories are two, and the next one builds on neither',
  async (major, kind) => {
    const cluster = await startTestCluster({ major, settings: { autovacuum: 'off', ...(major >= 17 ? { summarize_wal: 'on' } : {}) } });
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    try {
      const a = await makeRepository(path.join(directory, `a-${major}-${kind}`));
      const b = await makeRepository(path.join(directory, `b-${major}-${kind}`));
      await takeNamesakes(cluster, sql, a, b);
      await sql`update t set n = -n where n between 15000 and 15010`;
      const rows = await fingerprint(sql);
      const both = await takeInto(cluster, { a, b }, { kind });
      expect(both.mode).toMatchObject({ kind: 'everything' });
      await expectRestores(a, takenInto(both, 'a').label, rows);
      await expectRestores(b, takenInto(both, 'b').label, rows);
    } finally {
      await sql.end();
      await cluster.stop();
    }
  },
);

test('a sync names the backup whose label is taken, copies the others with what was found out about them, and the next backup into both builds on one of those', async () => {
  const cluster = await startTestCluster({ major: 18, settings: { summarize_wal: 'on', autovacuum: 'off' } });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    const [a, b] = [await makeRepository(path.join(directory, 'a')), await makeRepository(path.join(directory, 'b'))];
    const label = await takeNamesakes(cluster, sql, a, b);
    const second = takenInto(await takeInto(cluster, { a }), 'a');
    const { systemIdentifier, serverVersion, walSegmentBytes } = second;
    for (const each of [label, second.label]) await vouchFor(a, systemIdentifier, each);
    const synced = await syncLineage({
      from: a,
      to: b,
      cluster: { systemIdentifier, name: 'main', serverVersion, walSegmentBytes },
      chosen: undefined,
      everything: true,
      clock: systemClock,
      log: silentLog,
      signal: new AbortController().signal,
      onBackup: () => undefined,
      onWal: () => undefined,
    });
    expect(synced.backups.map((each) => each.label)).toEqual([second.label]);
    expect(synced.failed).toEqual([{ kind: 'namesake', name: label, problem: expect.stringMatching(/another backup/) }]);
    const [own, all] = [[second.label], [label, second.label]];
    expect(await vouchedFor(a, systemIdentifier)).toEqual({ drills: all, holds: all, findings: all });
    expect(await vouchedFor(b, systemIdentifier)).toEqual({ drills: own, holds: own, findings: own });
    expect((await listBackups(b, systemIdentifier)).map((each) => each.label)).toEqual([label, second.label]);
    await sql`update t set n = -n where n between 15000 and 15010`;
    const rows = await fingerprint(sql);
    const both = await takeInto(cluster, { a, b });
    expect(both.mode).toMatchObject({ kind: 'blocks', parent: { label: second.label } });
    await expectRestores(b, takenInto(both, 'b').label, rows);
  } finally {
    await sql.end();
    await cluster.stop();
  }
});
