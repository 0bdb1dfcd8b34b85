import { expect, test } from 'vitest';
import { backupTimes } from '../../../src/backup/backup-times.ts';
import { readProofs } from '../../../src/backup/drill/record.ts';
import { inspectBackups, writeManifest } from '../../../src/repository/manifest.ts';
import { writeReport } from '../../../src/repository/reports.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { fileOf, summaryOf, SYSTEM } from '../../backup/small-backups.ts';

const NOW = new Date('2026-11-21T12:00:00Z');

/** A repository whose store tells the time of `clock`. */
function repositoryOn(clock: ManualClock): Repository {
  const identity = { format: 2, id: '0'.repeat(32), createdAt: '', tool: 'x', encryption: 'none', conditionalCreate: true } as const;
  return { store: createMemoryStore(clock), identity, keys: undefined };
}

async function backUp(repository: Repository, label: string, finishedAt: string): Promise<void> {
  await writeManifest(repository, summaryOf(label, { finishedAt }), [fileOf([Buffer.from(label)])]);
}

async function drill(repository: Repository, finishedAt: string, verdict: 'passed' | 'failed'): Promise<string> {
  return await writeReport(repository, SYSTEM, 'drill', new Date(finishedAt), (label) => ({
    header: { label, systemIdentifier: SYSTEM, finishedAt, backup: 'b', verdict, settles: [] },
    body: {},
  }));
}

test('a run whose clock was ahead is as old as what it stored', async () => {
  const clock = new ManualClock(Date.parse('2026-11-20T02:00:00Z'));
  const repository = repositoryOn(clock);
  await backUp(repository, 'ahead', '2027-06-01T00:00:00.000Z');
  await drill(repository, '2027-06-01T00:00:00.000Z', 'passed');
  clock.set(Date.parse('2026-11-21T02:00:00Z'));
  await backUp(repository, 'newest', '2026-11-21T02:00:00.000Z');
  const failed = await drill(repository, '2026-11-21T02:00:00.000Z', 'failed');
  const { backups, storedAt } = await inspectBackups(repository, SYSTEM);
  const { timed, ahead } = backupTimes(backups, storedAt, NOW);
  expect(timed.map(({ summary, endedAt }) => [summary.label, endedAt.toISOString()])).toEqual([
    ['ahead', '2026-11-20T02:00:00.000Z'],
    ['newest', '2026-11-21T02:00:00.000Z'],
  ]);
  expect(ahead).toEqual([]);
  const { last, lastPassed } = await readProofs(repository, SYSTEM, NOW);
  expect(last?.label).toBe(failed);
  expect(lastPassed?.finishedAt).toBe('2026-11-20T02:00:00.000Z');
});

test('where the store is behind what it holds is as old as the tools say', async () => {
  const clock = new ManualClock(Date.parse('2026-11-19T02:00:00Z'));
  const repository = repositoryOn(clock);
  await backUp(repository, 'newest', '2026-11-21T02:00:00.000Z');
  const passed = await drill(repository, '2026-11-21T02:00:00.000Z', 'passed');
  const { backups, storedAt } = await inspectBackups(repository, SYSTEM);
  const { timed } = backupTimes(backups, storedAt, NOW);
  expect(timed.map(({ endedAt }) => endedAt.toISOString())).toEqual(['2026-11-21T02:00:00.000Z']);
  expect((await readProofs(repository, SYSTEM, NOW)).lastPassed).toMatchObject({ label: passed, finishedAt: '2026-11-21T02:00:00.000Z' });
});

test('where the store was ahead as well nothing is taken for the newest that is of a moment that has not come', async () => {
  const clock = new ManualClock(Date.parse('2027-06-01T00:00:00Z'));
  const repository = repositoryOn(clock);
  await backUp(repository, 'ahead', '2027-06-01T00:00:00.000Z');
  await drill(repository, '2027-06-01T00:00:00.000Z', 'passed');
  clock.set(Date.parse('2026-11-21T02:00:00Z'));
  await backUp(repository, 'newest', '2026-11-21T02:00:00.000Z');
  const { backups, storedAt } = await inspectBackups(repository, SYSTEM);
  const { timed, ahead } = backupTimes(backups, storedAt, NOW);
  expect(timed.map(({ summary: { label } }) => label)).toEqual(['newest']);
  expect(ahead.map(({ summary: { label } }) => label)).toEqual(['ahead']);
  expect(await readProofs(repository, SYSTEM, NOW)).toMatchObject({ last: undefined, lastPassed: undefined });
});
