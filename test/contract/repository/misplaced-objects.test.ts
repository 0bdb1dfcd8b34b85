import { beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { listFindings, newFinding, placeFinding } from '../../../src/repository/audit-findings.ts';
import { seal, unseal, type SealedKind } from '../../../src/repository/envelope.ts';
import { listGaps, recordGap } from '../../../src/repository/gap-record.ts';
import { listHolds } from '../../../src/repository/holds.ts';
import { inspectPackUsage } from '../../../src/repository/collection-inspect.ts';
import { gapPrefix, holdPrefix, markPrefix, packPrefix } from '../../../src/repository/layout.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import { appendLedger, ledgerPrefix, type LedgerEntry } from '../../../src/repository/ledger.ts';
import { markPack, verifyPacks } from '../../../src/repository/marks.ts';
import { rebuildIndex } from '../../../src/repository/rebuild-index.ts';
import { listReports, reportPrefix, writeReport } from '../../../src/repository/reports.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { damage } from '../../backup/damage.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { SYSTEM } from '../../backup/small-backups.ts';
import { CLUSTER, keysOf, newFilled, sync } from '../../backup/small-source.ts';
import { startOf } from '../../backup/wal-segments.ts';
import { verifyStructure } from '../../backup/verify-report.ts';

let repository: Repository;
/** Keys of what was passed over. */
let told: string[];

const at = (second: number): Date => new Date(Date.UTC(2026, 10, 21, 12, 0, second));

beforeEach(async () => {
  ({ repository, told } = await newFilled());
  for (const n of [0, 1]) {
    const finding = { label: `backup-${n}`, sound: 'both', wrong: [], reason: 'looked', now: at(n) } as const;
    await placeFinding(repository, SYSTEM, newFinding(finding));
    const gap = {
      timeline: 1,
      fromLsn: startOf(20 + n),
      toLsn: startOf(21 + n),
      reason: 'slot-lost',
      noticedAt: at(n).toISOString(),
    } as const;
    await recordGap(repository, SYSTEM, gap);
    for (const kind of ['drill', 'verification'] as const)
      await writeReport(repository, SYSTEM, kind, at(n), (label) => ({
        header: { label, systemIdentifier: SYSTEM, finishedAt: at(n).toISOString() },
        body: { n },
      }));
  }
});

/** Where objects of each kind lie, and their letter's kind. */
const PLACES: readonly (readonly [what: string, prefix: string, kind: SealedKind, suffix: string])[] = [
  ['a hold', holdPrefix(SYSTEM), 'hold', ''],
  ['a finding', holdPrefix(SYSTEM), 'hold', '.audit'],
  ['an entry of the ledger', ledgerPrefix(SYSTEM), 'ledger', ''],
  ["a drill's report", reportPrefix(SYSTEM, 'drill'), 'drill', ''],
  ["a verification's report", reportPrefix(SYSTEM, 'verification'), 'verification', ''],
  ['the record of a gap', gapPrefix(SYSTEM), 'gap', ''],
];

/** Two keys of what lies there. */
async function twoOf(prefix: string, suffix: string): Promise<readonly [one: string, other: string]> {
  const [one = '', other = ''] = (await keysOf(repository, prefix)).filter((key) => key.endsWith('.audit') === (suffix !== ''));
  return [one, other];
}

async function named(): Promise<readonly string[]> {
  return (await verifyStructure(repository, CLUSTER, systemClock)).faults.map(({ object }) => object).sort();
}

describe.each(PLACES)('%s in the place of another', (_, prefix, kind, suffix) => {
  test('is named by verify, and by sync, which does not bring it, and brings the true one once that is back', async () => {
    const to = await makeMemoryRepository();
    const [key, other] = await twoOf(prefix, suffix);
    const before = await named();
    const [own, foreign] = [await repository.store.read(key), await repository.store.read(other)];
    await damage(repository.store, key, () => Buffer.from(foreign));
    expect((await named()).filter((each) => !before.includes(each))).toEqual([key]);
    expect((await sync(repository, to)).failed).toMatchObject([{ kind: 'object', name: key }]);
    expect(await keysOf(to, prefix)).not.toContain(key);
    expect(await keysOf(to, prefix)).toContain(other);
    await damage(repository.store, key, () => Buffer.from(own));
    expect((await sync(repository, to)).failed).toEqual([]);
    const { header } = await unseal(repository, kind, own, key, 1e6);
    expect((await unseal(to, kind, await to.store.read(key), key, 1e6)).header).toEqual(header);
  });
});

test('a report that lies in the place of another is told of', async () => {
  const [key, other] = await twoOf(reportPrefix(SYSTEM, 'verification'), '');
  const bytes = await repository.store.read(other);
  await damage(repository.store, key, () => Buffer.from(bytes));
  expect(await listReports(repository, SYSTEM, 'verification')).toHaveLength(1);
  expect(told).toEqual([key]);
});

test('the record of a gap that lies in the place of another says where that one was, and not why', async () => {
  const [key, other] = await twoOf(gapPrefix(SYSTEM), '');
  const bytes = await repository.store.read(other);
  await damage(repository.store, key, () => Buffer.from(bytes));
  expect(await listGaps(repository, SYSTEM)).toMatchObject([
    { fromLsn: startOf(20), reason: 'hole', noticedAt: null },
    { fromLsn: startOf(21), reason: 'slot-lost' },
  ]);
  expect(told).toEqual([key]);
});

test('a finding in the place of a hold of the same backup does not end it', async () => {
  await placeFinding(repository, SYSTEM, newFinding({ label: 'backup-2', sound: 'both', wrong: [], reason: 'looked', now: at(9) }));
  const keys = await keysOf(repository, `${holdPrefix(SYSTEM)}backup-2/`);
  const [hold = '', finding = ''] = [false, true].map((isFinding) => keys.find((key) => key.endsWith('.audit') === isFinding));
  const bytes = await repository.store.read(finding);
  await damage(repository.store, hold, () => Buffer.from(bytes));
  expect((await listHolds(repository, SYSTEM)).map(({ label }) => label)).toEqual(['backup-1', 'backup-2']);
  expect(await listFindings(repository, SYSTEM)).toHaveLength(3);
  expect(await named()).toContain(hold);
});

describe.each([
  ['under another name', (key: string): string => key.replace(/[^/]+$/, 'old-$&')],
  ['under a longer name', (key: string): string => `${key}.bad`],
  ['a directory too deep', (key: string): string => key.replace('/packs/', '/packs/packs/')],
])('a pack that somebody moved, and that lies there %s', (_, moved) => {
  let pack = '';
  beforeEach(async () => {
    const [key = ''] = await keysOf(repository, packPrefix(SYSTEM));
    pack = key.slice(-32);
    const bytes = await repository.store.read(key);
    await repository.store.delete(key);
    await repository.store.create(moved(key), bytes);
  });

  test('does not pass for itself: no backup is finished on it, and nothing is deleted for its sake', async () => {
    await expect(verifyPacks(repository, SYSTEM, new Set([pack]))).rejects.toMatchObject({
      message: expect.stringContaining(`pack ${pack} is listed in an index and not in`) as string,
    });
    await expect(inspectPackUsage(repository, SYSTEM, new Set())).rejects.toMatchObject({ code: 'repository-damaged' });
  });

  test('keeps no index from being rebuilt', async () => {
    const lease = await acquireLease(repository, SYSTEM, 'expire', { clock: systemClock, log: silentLog, command: 'test' });
    const options = { lease, all: true, clock: systemClock, signal: new AbortController().signal, onProgress: () => undefined };
    expect(await rebuildIndex(repository, SYSTEM, options)).toMatchObject({ packs: 2, added: 2, missing: [pack], damaged: [] });
    await lease.release();
  });
});

test('a mark that does not say how long its pack waits is named', async () => {
  const pack = '0'.repeat(32);
  await markPack(repository, SYSTEM, pack, { graceMs: 1000, markedAt: new Date() });
  const key = markPrefix(SYSTEM) + pack;
  expect(await named()).not.toContain(key);
  await damage(repository.store, key, async () => await seal(repository, 'mark', { pack, graceMs: 'long' }, Buffer.alloc(0)));
  expect(await named()).toContain(key);
});

describe('an entry of the ledger', () => {
  const append = async (deed: object): Promise<string> => {
    const before = await keysOf(repository, ledgerPrefix(SYSTEM));
    const entry = { systemIdentifier: SYSTEM, at: at(5), timeline: 1, lsn: 0x300000n, by: 'test', deed: deed as LedgerEntry['deed'] };
    await appendLedger(repository, entry);
    return (await keysOf(repository, ledgerPrefix(SYSTEM))).find((key) => !before.includes(key)) ?? '';
  };

  test('that does not say all of what was done is named, and not copied', async () => {
    const key = await append({ kind: 'membership-revoked', role: 'reader' });
    expect(await named()).toContain(key);
    const to = await makeMemoryRepository();
    expect((await sync(repository, to)).failed).toMatchObject([{ kind: 'object', name: key }]);
    expect(await keysOf(to, ledgerPrefix(SYSTEM))).toHaveLength(2);
  });

  test('of a kind that only a newer version knows is copied, and is no damage', async () => {
    const key = await append({ kind: 'moon-moved', by: 7 });
    expect(await named()).not.toContain(key);
    const to = await makeMemoryRepository();
    expect((await sync(repository, to)).failed).toEqual([]);
    expect(await keysOf(to, ledgerPrefix(SYSTEM))).toContain(key);
  });
});
