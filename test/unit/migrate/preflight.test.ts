import { expect, test } from 'vitest';
import { describeActivity, describeBlockers, type Activity, type Blocker } from '../../../src/migrate/watch/activity.ts';
import { describeHeldLocks, LockTimes } from '../../../src/migrate/watch/held-locks.ts';
import { HISTORY_FORM, readHistoryForm, upgradeHistorySql } from '../../../src/migrate/history/form.ts';
import { loadSqlParser } from '../../../src/migrate/sql/parser.ts';
import { parseSqlFile } from '../../../src/migrate/files/migration.ts';
import { preflightWarnings, touchedBy } from '../../../src/migrate/watch/preflight.ts';
import type { PendingMigration } from '../../../src/migrate/plan.ts';

const parser = await loadSqlParser();
const pending = (text: string): PendingMigration => {
  const file = { path: '1_a.sql', location: '/1_a.sql', text, sha256: '' };
  const parsed = parseSqlFile(file, parser);
  return { name: { version: '1', title: 'a', file: '1_a.sql' }, file, parsed, finished: new Set(), interrupted: undefined };
};
const blocker: Blocker = {
  pid: 7,
  user: 'svc',
  application: 'psql',
  state: 'idle in transaction',
  openMs: 182_000,
  query: ' update\n  core.play set x = 1',
};
const idle: Activity = { runningMs: 1200, wait: undefined, blockers: [], progress: undefined, held: [] };

test('touchedBy: tables that were there before, not those that the files make; whether something waits for everybody', () => {
  const files = [
    'create table made (id int); alter table core.play add b int; alter table made add c int;',
    '-- dbadmin: no-transaction\ncreate index concurrently i on "Odd" (id);',
  ].map(pending);
  const touched = touchedBy({ versioned: files });
  expect(touched.waitsForAll).toBe(true);
  expect(touched.relations).toContain('core.play');
  expect(touched.relations).toContain('"Odd"');
  expect(touched.relations).not.toContain('made');
  expect(touchedBy({ versioned: files.slice(0, 1) }).waitsForAll).toBe(false);
});

test('preflightWarnings: nothing when nothing is in the way, a sentence for each thing that is', () => {
  const quiet = { transactions: [], frozenTables: [], archiver: undefined, replicas: [] };
  expect(preflightWarnings(quiet)).toEqual([]);
  expect(
    preflightWarnings({
      transactions: [blocker],
      frozenTables: [{ table: 'core.play', pid: 9 }],
      archiver: { segment: '000000010000000000000014', failures: 3, sinceMs: 61_000 },
      replicas: [{ name: 'standby1', lagBytes: 512 * 1024 * 1024 }],
    }),
  ).toEqual([
    'this run may have to wait for process 7 (svc, psql, idle in transaction, its transaction open for 3 min 2 s): update core.play set x = 1',
    'autovacuum (process 9) freezes core.play to prevent wraparound and gives way to nobody: let it end, or expect to wait',
    'the server cannot archive its WAL: 000000010000000000000014 failed 1 min 1 s ago, 3 failures so far; what this run writes stays on the server until it can',
    expect.stringMatching(/^replica standby1 is 5\d\d MB of WAL behind; what this run writes comes on top$/),
  ]);
});

test('describeActivity: nothing of a statement that only runs; a phase; who is waited for, as far as the role may see it', () => {
  expect(describeActivity(idle)).toBeUndefined();
  const progress = { phase: 'building index', done: { of: 'blocks', count: 500, total: 2000 } } as const;
  expect(describeActivity({ ...idle, progress })).toBe('building index 25 % (500 of 2,000 blocks)   1.2 s');
  const hidden: Blocker = { pid: 8, user: undefined, application: undefined, state: undefined, openMs: undefined, query: undefined };
  const wait = { mode: 'AccessExclusiveLock', relation: 'core.play', waitedMs: 900 };
  expect(describeActivity({ ...idle, wait, blockers: [hidden, blocker] })).toBe(
    'waiting 900 ms for AccessExclusive on core.play, behind process 8, and 1 more',
  );
  expect(describeBlockers([{ ...hidden, pid: undefined }])).toBe('a prepared transaction (see pg_prepared_xacts)');
});

test('describeActivity: control characters of a query do not reach the terminal', () => {
  const query = 'select \u001b[2Jx\u0007';
  expect(describeBlockers([{ ...blocker, query }])).toMatch(/: select \[2Jx$/);
});

test('LockTimes: a lock counts from the question before it was first seen, one that was waited for from the end of the wait', () => {
  const times = new LockTimes(1000);
  expect(times.isDue(1049)).toBe(false);
  expect(times.isDue(1050)).toBe(true);
  times.note([{ relation: 'a', mode: 'ShareLock' }], 1100, new Map());
  times.note(
    [
      { relation: 'a', mode: 'ShareLock' },
      { relation: 'b', mode: 'ShareLock' },
    ],
    5000,
    new Map([['b ShareLock', 4000]]),
  );
  expect(times.spans(6000, new Map([['c ShareLock', 5500]]))).toEqual({
    knownMs: { 'a ShareLock': 5000, 'b ShareLock': 2000, 'c ShareLock': 500 },
    otherMs: 1000,
  });
});

test('describeHeldLocks: only what keeps others from reading or writing, the strongest first', () => {
  const lock = (relation: string, mode: string, heldMs: number): { relation: string; mode: string; heldMs: number } => ({
    relation,
    mode,
    heldMs,
  });
  expect(describeHeldLocks([lock('a', 'RowExclusiveLock', 9), lock('a', 'ShareUpdateExclusiveLock', 9)])).toBeUndefined();
  expect(describeHeldLocks([lock('a', 'ShareLock', 20), lock('b', 'AccessExclusiveLock', 8100)])).toBe(
    'AccessExclusive on b 8.1 s, Share on a 20 ms',
  );
  expect(describeHeldLocks(['a', 'b', 'c', 'd', 'e'].map((name) => lock(name, 'ShareLock', 1)))).toMatch(/, 2 more$/);
});

test('readHistoryForm: no word is the first form; what upgradeHistorySql writes is read back', () => {
  expect(readHistoryForm(null).form).toBe(1);
  expect(readHistoryForm('What dbadmin applied, in order.').form).toBe(1);
  const said = /is '(.*)';/.exec(upgradeHistorySql('dbadmin', HISTORY_FORM, '0.2.0'))?.[1] ?? '';
  expect(readHistoryForm(said)).toEqual({ form: HISTORY_FORM, since: '0.2.0' });
  expect(upgradeHistorySql('dbadmin', HISTORY_FORM, '0.2.0')).not.toContain('alter table');
});
