import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { checkServer } from '../../../src/backup/check/server-inspect.ts';
import { readHistoryEntries } from '../../../src/migrate/history/entries-inspect.ts';
import { readHistory } from '../../../src/migrate/inspect.ts';
import { openSession } from '../../../src/migrate/session/session.ts';
import { openClient } from '../../../src/postgres/client.ts';
import { openPool } from '../../../src/postgres/pool.ts';
import { inspectServer } from '../../../src/status/server-inspect.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import { createProject } from '../migrate/project.ts';

/** Each writes the fifth of November, and of these clients read one as the eleventh of May, the others as nothing. */
const STYLES = ['SQL, DMY', 'SQL, MDY', 'German', 'Postgres, DMY'];

let cluster: TestCluster;
let startedMs: number;

beforeAll(async () => {
  startedMs = Date.now() - 1000;
  const settings = { archive_mode: 'on', archive_command: '/bin/true', timezone: 'Asia/Kolkata' };
  cluster = await startEmbeddedCluster({ major: 17, settings });
});
afterAll(async () => await cluster?.stop());

const style = async (value: string): Promise<void> => {
  const sql = await openClient(cluster.parameters());
  await sql.unsafe(`alter role postgres set datestyle = '${value}'`);
  await sql.end();
};

function expectNow(at: Date | null | undefined): void {
  expect(at?.getTime()).toBeGreaterThan(startedMs);
  expect(at?.getTime()).toBeLessThan(Date.now() + 1000);
}

test.each(STYLES)('where dates are written as %s, those of a pool are read as they are', async (value) => {
  await style(value);
  const pool = await openPool(cluster.parameters(), { applicationName: 'test', max: 2, queryTimeoutMs: 10_000 });
  try {
    const [row] = await pool.query(`select timestamptz '2026-11-05 01:02:03.456+00' as at, current_setting('datestyle') as style`);
    expect(row).toEqual({ at: new Date('2026-11-05T01:02:03.456Z'), style: `ISO, ${value.includes('MDY') ? 'MDY' : 'DMY'}` });
    await pool.transaction(async (tx) => expectNow((await tx.query<{ now: Date }>('select clock_timestamp() as now'))[0]?.now));
  } finally {
    await pool.close();
  }
});

test.each(STYLES)('where dates are written as %s, the archiver and the clock of the server are told right', async (value) => {
  await style(value);
  const sql = await openClient(cluster.parameters());
  try {
    await sql`create table if not exists public.some_rows ()`;
    await sql`select pg_switch_wal()`;
    await expect.poll(async () => (await sql`select from pg_stat_archiver where archived_count > 0`).length, { timeout: 20_000 }).toBe(1);
    expectNow((await inspectServer(cluster.parameters(), 'dbadmin', systemClock)).archiver?.archivedAt);
    const { findings } = await checkServer({
      connection: cluster.parameters(),
      replication: cluster.parameters(),
      slot: 'dbadmin',
      dumpsOnly: true,
      clock: systemClock,
    });
    expect(findings.map(({ state }) => state)).toEqual(['ok', 'ok']);
  } finally {
    await sql.end();
  }
});

test.each(STYLES)('where dates are written as %s, the history of migrations has its times', async (value) => {
  await style(value);
  const project = await createProject(cluster.url());
  const schema = `history_${STYLES.indexOf(value)}`;
  try {
    await project.write('migrations/20260101T000000_a.sql', `create table ${schema}_t (at date default '05/11/2026');`);
    await project.up({ schema });
    const session = await openSession(cluster.parameters(), { applicationName: 'test' });
    try {
      const { entries } = await readHistoryEntries(session, schema, 10);
      expectNow(entries[0]?.startedAt);
      expectNow(entries[0]?.finishedAt);
      const { applied } = await readHistory(session, schema);
      expect([...applied.values()]).toHaveLength(1);
      for (const row of applied.values()) expectNow(row.startedAt);
      // What a migration means by a date is for its role and its database to say.
      await session.query(`insert into ${schema}_t default values`);
      const [found] = await session.query<{ day: string }>(`select to_char(at, 'YYYY-MM-DD') as day from ${schema}_t`);
      expect(found?.day).toBe(value.includes('MDY') ? '2026-05-11' : '2026-11-05');
    } finally {
      await session.close();
    }
  } finally {
    await project.delete();
  }
});
