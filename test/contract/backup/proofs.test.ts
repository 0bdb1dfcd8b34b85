import { expect, test } from 'vitest';
import { readProofs } from '../../../src/backup/drill/record.ts';
import type { DrillHeader } from '../../../src/backup/drill/report.ts';
import { writeReport } from '../../../src/repository/reports.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { SYSTEM } from '../../backup/small-backups.ts';

async function passed(repository: Repository, drilled: Pick<DrillHeader, 'backup' | 'backupStartLsn'>): Promise<string> {
  const at = new Date('2026-11-21T03:00:00.000Z');
  return await writeReport(repository, SYSTEM, 'drill', at, (label) => ({
    header: { label, systemIdentifier: SYSTEM, finishedAt: at.toISOString(), verdict: 'passed', ...drilled } satisfies DrillHeader,
    body: {},
  }));
}

test('a drill proves the backup that it restored, and no other that has its label in another repository', async () => {
  const repository = await makeMemoryRepository();
  const here = await passed(repository, { backup: 'a', backupStartLsn: '0/2000028' });
  // Copied from a repository in which the label stands for another backup.
  await passed(repository, { backup: 'a', backupStartLsn: '0/7000028' });
  const { provenBy } = await readProofs(repository, SYSTEM, new Date());
  expect(provenBy({ label: 'a', startLsn: '0/2000028' })?.label).toBe(here);
  expect(provenBy({ label: 'a', startLsn: '0/3000028' })).toBeUndefined();
  expect(provenBy({ label: 'b', startLsn: '0/2000028' })).toBeUndefined();
});

test('a drill of an earlier version, which did not say where the backup began, goes by the label', async () => {
  const repository = await makeMemoryRepository();
  const label = await passed(repository, { backup: 'a' });
  expect((await readProofs(repository, SYSTEM, new Date())).provenBy({ label: 'a', startLsn: '0/2000028' })?.label).toBe(label);
});
