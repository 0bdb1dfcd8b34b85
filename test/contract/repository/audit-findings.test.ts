import { expect, test } from 'vitest';
import { copySealed } from '../../../src/backup/sync/sealed-copy-run.ts';
import { UncopiedList } from '../../../src/backup/sync/uncopied-run.ts';
import { listFindings, newFinding, placeFinding } from '../../../src/repository/audit-findings.ts';
import { listHolds, placeHold, releaseHolds } from '../../../src/repository/holds.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { SYSTEM } from '../../backup/small-backups.ts';

/** Keys of the findings about F2, oldest first. */
async function keysOf({ store }: Repository): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(`${SYSTEM}/holds/F2/`)) if (key.endsWith('.audit')) keys.push(key);
  return keys.sort();
}

test.each([false, true])(
  'findings about audits lie beside holds, the last of each counts, and a copy has them (encrypted: %s)',
  async (encrypted) => {
    const repository = await makeMemoryRepository(encrypted);
    const at = (second: number): Date => new Date(Date.UTC(2026, 10, 21, 12, 0, second));
    const said = { label: 'F2', reason: 'looked', wrong: ['F1', 'I1'] };
    await placeFinding(repository, SYSTEM, newFinding({ ...said, sound: 'audited', now: at(1) }));
    await placeFinding(
      repository,
      SYSTEM,
      newFinding({ ...said, sound: 'earlier', wrong: ['F2'], began: { timeline: 1, lsn: '0/5000' }, now: at(2) }),
    );
    await placeFinding(repository, SYSTEM, newFinding({ ...said, label: 'F9', sound: 'audited', now: at(0) }));
    await placeHold(repository, SYSTEM, { label: 'F2', reason: 'kept', until: null, now: at(3) });
    expect(await listFindings(repository, SYSTEM)).toMatchObject([
      {
        label: 'F2',
        sound: 'earlier',
        wrong: ['F2'],
        began: { timeline: 1, lsn: '0/5000' },
        reason: 'looked',
        placedAt: at(2),
        by: expect.stringContaining('@'),
      },
      { label: 'F9', sound: 'audited', wrong: ['F1', 'I1'] },
    ]);
    // A finding is no hold, and is not released with them.
    const holds = await listHolds(repository, SYSTEM, 'F2');
    expect(holds.map(({ reason }) => reason)).toEqual(['kept']);
    await releaseHolds(repository, SYSTEM, { label: 'F2', holds, reason: 'over', now: at(4) });
    expect(await listHolds(repository, SYSTEM)).toEqual([]);
    expect(await listFindings(repository, SYSTEM)).toHaveLength(2);

    // One that cannot be read counts as none, and keeps nobody from the others.
    const damaged = await repository.store.read((await keysOf(repository))[0] ?? '');
    const beside = await makeMemoryRepository();
    await copySealed(repository, beside, {
      systemIdentifier: SYSTEM,
      uncopied: new UncopiedList(repository),
      namesakes: new Set(),
      everything: true,
    });
    const [, last = ''] = await keysOf(beside);
    await beside.store.delete(last);
    await beside.store.create(last, damaged.subarray(0, -1));
    expect(await listFindings(beside, SYSTEM)).toMatchObject([{ label: 'F2', sound: 'audited' }, { label: 'F9' }]);

    const copy = await makeMemoryRepository(!encrypted);
    await copySealed(repository, copy, {
      systemIdentifier: SYSTEM,
      uncopied: new UncopiedList(repository),
      namesakes: new Set(),
      everything: true,
    });
    expect(await listFindings(copy, SYSTEM)).toEqual(await listFindings(repository, SYSTEM));
  },
);

test('where the destination has another backup of a label, a finding says nothing of that one, and comes for the others', async () => {
  const repository = await makeMemoryRepository();
  const now = new Date(Date.UTC(2026, 10, 21, 12));
  const said = { sound: 'earlier', reason: 'looked', now } as const;
  await placeFinding(repository, SYSTEM, newFinding({ ...said, label: 'F2', wrong: ['F2', 'I2'] }));
  await placeFinding(repository, SYSTEM, newFinding({ ...said, label: 'F3', wrong: ['F3'] }));
  await placeFinding(repository, SYSTEM, newFinding({ ...said, label: 'F4', wrong: ['F3', 'F4'] }));
  const copy = await makeMemoryRepository();
  const uncopied = new UncopiedList(repository);
  expect(
    await copySealed(repository, copy, { systemIdentifier: SYSTEM, uncopied, namesakes: new Set(['F2', 'F3']), everything: true }),
  ).toBe(2);
  expect(await listFindings(copy, SYSTEM)).toMatchObject([
    { label: 'F2', wrong: ['I2'] },
    { label: 'F4', wrong: ['F4'] },
  ]);
});
