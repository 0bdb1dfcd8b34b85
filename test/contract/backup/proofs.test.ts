import { expect, test } from 'vitest';
import { readProofs } from '../../../src/backup/drill/record.ts';
import type { DrillHeader } from '../../../src/backup/drill/report.ts';
import { writeReport } from '../../../src/repository/reports.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { SYSTEM } from '../../backup/small-backups.ts';

/** A drill of backup `a` that ended so in that minute. */
async function ended(
  repository: Repository,
  minute: number,
  verdict: DrillHeader['verdict'],
  parts: Partial<DrillHeader> = {},
): Promise<string> {
  const at = new Date(Date.UTC(2026, 10, 21, 4, minute));
  return await writeReport(repository, SYSTEM, 'drill', at, (label) => ({
    header: {
      label,
      systemIdentifier: SYSTEM,
      finishedAt: at.toISOString(),
      verdict,
      backup: 'a',
      backupStartLsn: '0/2000028',
      settles: [],
      ...parts,
    } satisfies DrillHeader,
    body: {},
  }));
}

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

test('a backup on which a drill failed since is not proven, until one has done the same and passed', async () => {
  const repository = await makeMemoryRepository();
  const proofs = async (): Promise<readonly (string | undefined)[]> => {
    const { provenBy, failedBy } = await readProofs(repository, SYSTEM, new Date());
    const backup = { label: 'a', startLsn: '0/2000028' };
    return [provenBy(backup)?.label, failedBy(backup)?.label];
  };
  const first = await ended(repository, 1, 'passed');
  expect(await proofs()).toEqual([first, undefined]);
  await ended(repository, 2, 'failed', { backupStartLsn: '0/9000028' });
  await ended(repository, 3, 'failed', { backup: 'b' });
  await ended(repository, 4, 'failed', { repositoryId: 'f'.repeat(32) });
  expect(await proofs()).toEqual([first, undefined]);
  const failed = await ended(repository, 5, 'failed');
  expect(await proofs()).toEqual([undefined, failed]);
  // It did less than what failed.
  await ended(repository, 6, 'passed');
  expect(await proofs()).toEqual([undefined, failed]);
  const again = await ended(repository, 7, 'passed', { settles: [failed] });
  expect(await proofs()).toEqual([again, undefined]);
});
