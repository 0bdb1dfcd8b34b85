import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { DbadminError } from '../../../../src/base/errors.ts';
import { judgeAges, type Ages, type AgeLimits } from '../../../../src/backup/check/ages.ts';
import type { DatabaseDumps } from '../../../../src/backup/dump/last-inspect.ts';
import type { Finding } from '../../../../src/backup/check/finding.ts';
import { judgeClock } from '../../../../src/backup/check/clocks.ts';
import { checkRepository } from '../../../../src/backup/check/repository-inspect.ts';
import { judgeSegments, judgeSettings, type ServerSettings } from '../../../../src/backup/check/settings.ts';
import { ensureClusterIdentity } from '../../../../src/repository/identity.ts';
import { writeIndex } from '../../../../src/repository/blob-index.ts';
import { passThrough } from '../../../../src/storage/pass-through.ts';
import type { ObjectStore } from '../../../../src/storage/store.ts';
import { withFaults } from '../../../backup/failing-store.ts';
import { fillRepository, SYSTEM_IDENTIFIER } from '../../../backup/full-repository.ts';
import { makeMemoryRepository } from '../../../backup/memory-repository.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const hoursAgo = (hours: number): Date => new Date(NOW.getTime() - hours * 3_600_000);

const LIMITS: AgeLimits = { dumpsOnly: [], backupAgeMs: 26 * 3_600_000, drillAgeMs: 8 * 24 * 3_600_000 };
const NO_LIMITS: AgeLimits = { dumpsOnly: [], backupAgeMs: undefined, drillAgeMs: undefined };
const AGES: Ages = {
  repositoryAt: hoursAgo(2000),
  backups: 3,
  backupAt: hoursAgo(2),
  dumps: [],
  drillAt: hoursAgo(48),
  ahead: [],
  drillFailed: undefined,
  mismatches: [],
  unjudged: [],
  verified: { at: hoursAgo(5), isSound: true },
};

describe('judgeAges', () => {
  const states = (ages: Partial<Ages>, limits: AgeLimits): readonly string[] =>
    judgeAges('r', { ...AGES, ...ages }, limits, NOW).map(({ state }) => state);

  test('what is young enough is well', () => {
    expect(states({}, LIMITS)).toEqual(['ok', 'ok', 'ok']);
  });

  test('a mismatch that nobody has acknowledged is a problem, which names the way out', () => {
    const judged = (emptied: number, isClusterWrong: boolean): Finding | undefined =>
      judgeAges('r', { ...AGES, mismatches: [{ audit: 'F2', pages: 3, emptied, isClusterWrong }] }, NO_LIMITS, NOW)[1];
    expect(judged(0, false)).toMatchObject({
      what: 'repository r audit',
      state: 'problem',
      detail: expect.stringMatching(/: it or the backups before it are wrong$/),
      fix: expect.stringContaining('backup acknowledge F2 --sound audited, earlier or both'),
    });
    expect(judged(3, true)).toMatchObject({
      detail: expect.stringContaining(': the cluster is wrong'),
      fix: expect.stringContaining('backup acknowledge F2 --sound earlier'),
    });
  });

  test('the drill that is missing, or whose report is to be read, is one of this repository', () => {
    const fixOf = (ages: Partial<Ages>): string | undefined =>
      judgeAges('offsite', { ...AGES, ...ages }, LIMITS, NOW).find(({ what }) => what === 'repository offsite drill')?.fix;
    expect(fixOf({ drillAt: undefined })).toBe('dbadmin backup drill --repository offsite');
    expect(fixOf({ drillFailed: { label: 'D1', isLast: true } })).toMatch(
      /: dbadmin backup drill --repository offsite --verify-report D1 --json$/,
    );
  });

  test('pages that nobody could judge are a note, which names the way out', () => {
    const cause = { pages: 3, files: 1, paths: ['base/6/1'], reason: 'refused', wayOut: 'GRANT' };
    const open = { audit: 'F2', comparedWith: 'F1', pages: 3, files: 1, causes: [cause] };
    const unjudged = [open];
    expect(judgeAges('r', { ...AGES, unjudged }, LIMITS, NOW)[1]).toMatchObject({
      what: 'repository r audit',
      state: 'note',
      detail: expect.stringMatching(/^that of F2: pages .* differ from F1, 3 in base\/6\/1: .*\(refused\)$/),
      fix: expect.stringMatching(/^GRANT\. .*before F1 expires, /),
    });
    expect(states({ unjudged }, LIMITS)).toEqual(['ok', 'note', 'ok', 'ok']);
    expect(states({ unjudged: [open, { ...open, audit: 'F3' }] }, LIMITS)).toEqual(['ok', 'note', 'note', 'ok', 'ok']);
  });

  test('a backup or drill older than the policy allows is a problem, and no problem where no policy says so', () => {
    expect(states({ backupAt: hoursAgo(27) }, LIMITS)).toEqual(['problem', 'ok', 'ok']);
    expect(states({ drillAt: hoursAgo(9 * 24) }, LIMITS)).toEqual(['ok', 'problem', 'ok']);
    expect(states({ backupAt: hoursAgo(2700), drillAt: hoursAgo(9000) }, NO_LIMITS)).toEqual(['ok', 'ok', 'ok']);
  });

  test('no backup at all is a note while the repository is young, and a problem once the first one is late', () => {
    const found = (repositoryAt: Date, limits: AgeLimits): readonly unknown[] =>
      judgeAges('r', { ...AGES, backups: 0, backupAt: undefined, drillAt: undefined, verified: undefined, repositoryAt }, limits, NOW);
    const told = { what: 'repository r backups', detail: 'none yet', fix: 'dbadmin backup run' };
    expect(found(hoursAgo(0), LIMITS)).toEqual([{ ...told, state: 'note' }]);
    expect(found(hoursAgo(27), LIMITS)).toEqual([{ ...told, state: 'problem' }]);
    expect(found(hoursAgo(2700), NO_LIMITS)).toEqual([{ ...told, state: 'note' }]);
    expect(states({ backups: 2, backupAt: undefined, repositoryAt: hoursAgo(1) }, LIMITS)).toEqual(['problem']);
    expect(states({ backups: 2, backupAt: undefined }, NO_LIMITS)).toEqual(['note']);
  });

  test('no drill at all is a problem only where a limit asks for one; a failed one always is', () => {
    expect(states({ drillAt: undefined }, LIMITS)).toEqual(['ok', 'problem', 'ok']);
    expect(states({ drillAt: undefined }, NO_LIMITS)).toEqual(['ok', 'note', 'ok']);
    expect(states({ drillFailed: { label: '20261121T000000Z-drill', isLast: true } }, NO_LIMITS)).toEqual(['ok', 'problem', 'ok']);
  });

  test('a verification that found something is a problem until the next', () => {
    expect(states({ verified: { at: hoursAgo(1), isSound: false } }, NO_LIMITS)).toEqual(['ok', 'ok', 'problem']);
    expect(states({ verified: undefined }, LIMITS)).toEqual(['ok', 'ok', 'note']);
  });

  test('with dumps only the loss is the age of the last dump, and recovery to a point in time is refused by name', () => {
    const limits = { ...LIMITS, dumpsOnly: ['app'] };
    const dumped = (hours: number | undefined, database = 'app'): DatabaseDumps => ({
      database,
      last: hours === undefined ? undefined : { label: 'x', at: hoursAgo(hours).toISOString() },
      ageMs: limits.backupAgeMs,
    });
    const found = judgeAges('r', { ...AGES, backups: 0, dumps: [dumped(3)] }, limits, NOW);
    expect(found.map(({ state }) => state)).toEqual(['note', 'ok']);
    expect(found[0]?.detail).toContain('policies.app.base: none');
    expect(found[0]?.detail).toContain('PITR');
    expect(found[1]?.detail).toContain('3 h');
    expect(states({ dumps: [dumped(30)] }, limits)).toEqual(['note', 'problem']);
    expect(states({ dumps: [] }, limits)).toEqual(['note', 'problem']);
    expect(states({ dumps: [dumped(3), dumped(30, 'audit')] }, limits)).toEqual(['note', 'problem']);
    const lacking = judgeAges('r', { ...AGES, dumps: [dumped(3), dumped(undefined, 'payroll')] }, limits, NOW);
    expect(lacking.map(({ state }) => state)).toEqual(['note', 'ok', 'problem']);
    expect(lacking[2]?.detail).toContain('none holds all of database payroll');
  });
});

describe('judgeClock', () => {
  const judge = (aheadMs: number, resolutionMs = 1): string =>
    judgeClock('c', { before: NOW, theirs: new Date(NOW.getTime() + aheadMs), after: new Date(NOW.getTime() + 40), resolutionMs }, 'm')
      .state;

  test('what the answer took and how coarse the clock is are no difference', () => {
    expect([judge(0), judge(40), judge(-900, 1000), judge(1900), judge(-2900, 1000)]).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
  });

  test('seconds are noted, a minute is a problem, in either direction', () => {
    expect([judge(5000), judge(-5000), judge(61_000), judge(-61_000)]).toEqual(['note', 'note', 'problem', 'problem']);
  });
});

test('judgeSegments: what large segments of WAL cost in memory is said, of usual ones nothing', () => {
  expect([16, 32, 64].flatMap((megabytes) => judgeSegments(megabytes * 2 ** 20))).toEqual([]);
  expect(judgeSegments(2 ** 30)).toMatchObject([
    { what: 'wal_segment_size', state: 'note', detail: expect.stringMatching(/^1024 MB: .*\(3072 MB\)/) },
  ]);
});

describe('judgeSettings', () => {
  const settings: ServerSettings = {
    version: 170_010,
    walLevel: 'replica',
    maxWalSenders: 10,
    sendersUsed: 1,
    maxSlotWalKeepSize: '10GB',
    summarizeWal: 'on',
    slot: { isActive: true, status: 'reserved' },
  };
  const found = (changes: Partial<ServerSettings>) =>
    judgeSettings({ ...settings, ...changes }, 'dbadmin').filter(({ state }) => state !== 'ok');

  test('a server that is set up has nothing to mend', () => {
    expect(found({})).toEqual([]);
  });

  test('where archive_command stores the WAL nobody need receive it, and a slot that is left is to go', () => {
    const received = (slot: ServerSettings['slot'], isArchived: boolean): Finding | undefined =>
      judgeSettings({ ...settings, slot }, 'dbadmin', isArchived).find(({ what }) => what === 'wal receive');
    expect(received(undefined, false)).toMatchObject({ state: 'note', fix: 'dbadmin wal receive' });
    expect(received(undefined, true)).toMatchObject({ state: 'ok', detail: expect.stringContaining('archive_command store the WAL') });
    expect(received({ isActive: false, status: 'reserved' }, true)).toMatchObject({
      state: 'problem',
      fix: expect.stringMatching(/^dbadmin wal receive --drop-slot, /),
    });
    expect(received({ isActive: false, status: 'reserved' }, false)?.fix).toBe('dbadmin wal receive, or give the slot up with --drop-slot');
  });

  test('summarize_wal is asked for from 17 on, with the SQL that needs no restart; older servers are told what they lack', () => {
    expect(found({ summarizeWal: 'off' })).toMatchObject([
      { what: 'summarize_wal', state: 'note', fix: 'ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();' },
    ]);
    expect(found({ version: 160_014, summarizeWal: undefined })).toMatchObject([
      { what: 'incremental', fix: expect.stringContaining('PostgreSQL 17') },
    ]);
  });

  test('beside the two senders of a backup there is room for the receiver, and for what it asks', () => {
    const senders = (maxWalSenders: number, isActive: boolean): string | undefined =>
      found({ maxWalSenders, slot: { isActive, status: 'reserved' } }).find(({ what }) => what === 'max_wal_senders')?.state;
    expect([4, 3, 2].map((free) => senders(1 + free, false))).toEqual([undefined, 'note', 'note']);
    expect([3, 2, 1].map((free) => senders(1 + free, true))).toEqual([undefined, 'note', 'problem']);
  });

  test('each fault is named with its fix', () => {
    expect(found({ walLevel: 'minimal', maxWalSenders: 2 })).toMatchObject([
      { what: 'wal_level' },
      { what: 'max_wal_senders', fix: expect.stringContaining('= 6') },
    ]);
    expect(found({ slot: undefined })).toMatchObject([{ state: 'note' }]);
    expect(found({ slot: { isActive: false, status: 'reserved' }, maxSlotWalKeepSize: '-1' })).toMatchObject([
      { state: 'problem' },
      { what: 'max_slot_wal_keep_size' },
    ]);
    expect(found({ slot: { isActive: false, status: 'lost' } })).toMatchObject([{ detail: expect.stringContaining('is lost') }]);
  });
});

describe('checkRepository', () => {
  const options = { name: 'local', clusterName: 'main', systemIdentifier: SYSTEM_IDENTIFIER, limits: NO_LIMITS, clock: systemClock };

  test('a repository that does what it should has its state told, item by item', async () => {
    const repository = await makeMemoryRepository(true);
    await fillRepository(repository);
    const found = await checkRepository(repository, options);
    expect(found.filter(({ state }) => state === 'problem')).toEqual([]);
    expect(found.map(({ what }) => what.replace('repository local ', ''))).toEqual([
      'repository local',
      'encryption',
      'keys',
      'listing',
      'clock',
      'backups',
      'drill',
      'verified',
    ]);
  });

  test('WAL segments of another size than the repository knows are a problem, as they are to whoever writes there', async () => {
    const repository = await makeMemoryRepository(true);
    const of = async (walSegmentBytes: number): Promise<readonly object[]> =>
      (await checkRepository(repository, { ...options, walSegmentBytes })).filter(({ what }) => what.endsWith('segments'));
    const cluster = { systemIdentifier: SYSTEM_IDENTIFIER, name: 'main', serverVersion: 180004, walSegmentBytes: 16 * 2 ** 20 };
    expect(await of(2 ** 20)).toEqual([]);
    await ensureClusterIdentity(repository, cluster);
    expect(await of(cluster.walSegmentBytes)).toEqual([]);
    expect(await of(2 ** 20)).toMatchObject([
      {
        what: 'repository local WAL segments',
        detail: expect.stringContaining('has WAL segments of 1 MiB, and those in the repository have 16 MiB') as string,
        fix: expect.stringContaining('another repository') as string,
      },
    ]);
  });

  test('an index that a rebuild without the key left is a problem, until one with it has been', async () => {
    const repository = await makeMemoryRepository(true);
    await fillRepository(repository);
    const name = '20261122T000000-0000000000000000';
    await writeIndex({ ...repository, keys: undefined }, SYSTEM_IDENTIFIER, name, []);
    expect((await checkRepository(repository, options)).filter(({ state }) => state === 'problem')).toEqual([
      expect.objectContaining({
        what: 'repository local indexes',
        detail: expect.stringContaining(name),
        fix: expect.stringContaining('rebuild-index'),
      }),
    ]);
  });

  test('a place that overwrites, though it did not when the repository was made, is a problem', async () => {
    const repository = await makeMemoryRepository();
    const { store } = repository;
    const overwriting: ObjectStore = {
      ...passThrough(store),
      create: async (key, ...rest) => {
        await store.delete(key);
        await store.create(key, ...rest);
      },
    };
    expect(await checkRepository({ ...repository, store: overwriting }, options)).toContainEqual(
      expect.objectContaining({
        what: 'repository local conditional create',
        state: 'problem',
        detail: expect.stringContaining('overwrites'),
      }),
    );
    for await (const { key } of store.list('probe-')) expect(key).toBe('gone');
  });

  test('a place that answers 403 for what is not there is a problem, with the permission that is missing', async () => {
    const repository = await makeMemoryRepository();
    let asked = 0;
    // As S3 does where the bucket may not be listed: 403 for what is not there.
    const store = withFaults(repository.store, ({ operation }) => {
      if (operation === 'stat' && (asked += 1) === 1) throw new DbadminError('storage-denied', 'access to s3://b/key was denied');
    });
    expect(await checkRepository({ ...repository, store }, options)).toContainEqual(
      expect.objectContaining({ what: 'repository local listing', state: 'problem', fix: expect.stringContaining('s3:ListBucket') }),
    );
  });
});
