import { describe, expect, test } from 'vitest';
import { inspectExpiry } from '../../../src/backup/expire/inspect.ts';
import { refuseUntold } from '../../../src/backup/expire/verified.ts';
import type { VerificationHeader } from '../../../src/backup/verify/report.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import { reportKey, writeReport } from '../../../src/repository/reports.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { damage, flipBody } from '../../backup/damage.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { fileOf, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';

const CLUSTER = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: 1024 * 1024 };
const NOW = new Date('2026-11-23T12:00:00Z');

async function newRepository(encrypted: boolean): Promise<Repository> {
  const repository = await makeMemoryRepository(encrypted);
  await ensureClusterIdentity(repository, CLUSTER);
  const contents = [Buffer.from('a page of it')];
  await writePacks(repository, contents, NOW);
  await writeManifest(repository, summaryOf('a'), [fileOf(contents)]);
  return repository;
}

/** Notes a verification that ended at `finishedAt`, of everything or of less, and what it found; gives its key. */
async function verified(
  repository: Repository,
  finishedAt: string,
  extent: VerificationHeader['extent'],
  broken: readonly string[],
  rechecked: readonly string[] = [],
): Promise<string> {
  const label = await writeReport(repository, SYSTEM, 'verification', new Date(finishedAt), (name) => {
    const found = { extent, isSound: broken.length === 0, faults: broken.length, rechecked };
    const header: VerificationHeader = {
      label: name,
      systemIdentifier: SYSTEM,
      finishedAt,
      repositoryId: repository.identity.id,
      ...found,
    };
    const faults = broken.map(() => ({ object: 'a pack' }));
    return {
      header,
      body: { faults, faultCount: faults.length, backups: broken.map((each) => ({ label: each })), soundBackups: [], dumps: [] },
    };
  });
  return reportKey(SYSTEM, 'verification', label);
}

const flipAt =
  (text: string) =>
  (bytes: Buffer): Buffer => {
    const flipped = Buffer.from(bytes);
    const at = flipped.indexOf(text);
    expect(at).toBeGreaterThanOrEqual(0);
    flipped[at + text.length - 1] = (flipped[at + text.length - 1] ?? 0) ^ 1;
    return flipped;
  };

const inspect = async (repository: Repository): ReturnType<typeof inspectExpiry> =>
  await inspectExpiry(repository, CLUSTER, { now: NOW, windowMs: undefined });

describe.each([
  ['clear', false],
  ['encrypted', true],
])('a verification in a repository that is %s, which found a backup broken and cannot be read', (_, encrypted) => {
  test.each([
    ['its label', flipAt('20261122T0')],
    ['its kind', flipAt('DBADMIN1V')],
    ['its end', flipBody],
    ['all of it', () => Buffer.from('garbage that somebody put there')],
  ])('nothing expires on account of what it may have found: damage of %s', async (_part, of) => {
    const repository = await newRepository(encrypted);
    const key = await verified(repository, '2026-11-22T03:00:00.000Z', 'structure', ['a']);
    expect(await inspect(repository)).toMatchObject({ untold: [], broken: new Map([['a', '20261122T030000Z-verify']]) });
    await damage(repository.store, key, of);
    const inspection = await inspect(repository);
    expect(inspection.untold).toEqual(['20261122T030000Z-verify']);
    expect(() => refuseUntold(repository, inspection)).toThrow('what verification 20261122T030000Z-verify found cannot be read');
    // The way out that the refusal names: everything is looked at anew, and what is still so is said there.
    await verified(repository, '2026-11-23T03:00:00.000Z', 'everything', ['a'], inspection.untold);
    expect(await inspect(repository)).toMatchObject({ untold: [], broken: new Map([['a', '20261123T030000Z-verify']]) });
  });

  test('one that looked at less, or before, says nothing of it', async () => {
    const repository = await newRepository(encrypted);
    await verified(repository, '2026-11-21T03:00:00.000Z', 'everything', []);
    const key = await verified(repository, '2026-11-22T03:00:00.000Z', 'structure', ['a']);
    await verified(repository, '2026-11-23T03:00:00.000Z', 'structure', []);
    await damage(repository.store, key, () => Buffer.alloc(0));
    expect((await inspect(repository)).untold).toEqual(['20261122T030000Z-verify']);
  });
});

test.each(['planted', '99991231T235959Z-verify', '20261122T030000Z-drill', '20261399T030000Z-verify'])(
  'what lies under %s is no verification, and keeps nothing',
  async (name) => {
    const repository = await newRepository(false);
    await repository.store.create(reportKey(SYSTEM, 'verification', name), Buffer.from('garbage that somebody put there'));
    expect((await inspect(repository)).untold).toEqual([]);
  },
);
