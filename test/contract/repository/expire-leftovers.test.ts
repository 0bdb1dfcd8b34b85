import { expect, test } from 'vitest';
import { removeLeftovers } from '../../../src/backup/expire/leftovers-run.ts';
import type { DumpManifest } from '../../../src/backup/dump/manifest.ts';
import { listDumps, writeDumpManifest } from '../../../src/backup/dump/stored-dump.ts';
import { expireLineage, type ExpireOptions } from '../../../src/backup/expire/run.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { silentLog, type Log } from '../../../src/base/log.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { Landing, settledKey } from '../../../src/spotify/fetch/landing-apply.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { fileOf, summaryOf, SYSTEM } from '../../backup/small-backups.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse('2026-11-22T12:00:00Z');
const CLUSTER = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: 1024 * 1024 };
const KEEP = { last: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

/** A repository with two backups, one of which goes, on a store whose clock says {@link NOW_MS}. */
async function world(): Promise<{
  readonly repository: Repository;
  readonly clock: ManualClock;
  readonly warned: string[];
  readonly log: Log;
}> {
  const clock = new ManualClock(NOW_MS);
  const identity = { format: 2, id: '0'.repeat(32), createdAt: '', tool: 'x', encryption: 'none', conditionalCreate: true } as const;
  const repository: Repository = { store: createMemoryStore(clock), identity, keys: undefined };
  for (const n of [1, 2]) {
    const at = `2026-11-2${n}T00:00:00.000Z`;
    const times = { startedAt: at, finishedAt: at, startLsn: `0/${n}00028`, stopLsn: `0/${n}00120` };
    await writeManifest(repository, summaryOf(`2026112${n}T000000Z-full`, times), [fileOf([Buffer.from('x')])]);
  }
  const warned: string[] = [];
  return { repository, clock, warned, log: { ...silentLog, warn: (message) => void warned.push(message) } };
}

function options(clock: ExpireOptions['clock'], log: Log): ExpireOptions {
  const retention = { windowMs: undefined, keep: KEEP, minimum: 1, dumps: undefined, timeZone: 'UTC' };
  return { retention, graceMs: 0, clock, log, signal: new AbortController().signal };
}

/** The clock of a machine that is three days ahead of the store. */
function aheadOf(clock: ManualClock): ExpireOptions['clock'] {
  return { now: () => new Date(clock.now().getTime() + 72 * HOUR_MS), sleep: clock.sleep.bind(clock) };
}

/** The store, with `removeUnfinished` in the place of its own. */
function removing(repository: Repository, removeUnfinished: ObjectStore['removeUnfinished']): Repository {
  return { ...repository, store: { ...passThrough(repository.store), removeUnfinished } };
}

test('expire does its work where unfinished uploads cannot be listed, and warns', async () => {
  const { repository, clock, warned, log } = await world();
  const refusing = removing(repository, async () => {
    throw new DbadminError('storage-unsupported', 'listing uploads is not implemented');
  });
  const outcome = await expireLineage(refusing, CLUSTER, options(clock, log));
  expect(outcome.expired.backups).toEqual(['20261121T000000Z-full']);
  expect(outcome.leftovers).toBe(0);
  expect(warned).toEqual([expect.stringContaining('listing uploads is not implemented')]);
});

test('what a living writer has sent stays, however far ahead the clock of this machine is; the store is walked once', async () => {
  const { repository, clock, log } = await world();
  const asked: Date[] = [];
  const telling = removing(repository, async (begunBefore) => {
    asked.push(begunBefore);
    return 3;
  });
  const ahead = aheadOf(clock);
  expect((await expireLineage(telling, CLUSTER, options(ahead, log))).leftovers).toBe(3);
  expect(asked).toEqual([new Date(NOW_MS - 48 * HOUR_MS)]);
});

test('what a living writer has sent stays, however far ahead the time of an object is', async () => {
  const { repository, clock, log } = await world();
  const ahead = new ManualClock(NOW_MS + 72 * HOUR_MS);
  const asked: Date[] = [];
  const { store } = removing(repository, async (begunBefore) => {
    asked.push(begunBefore);
    return 0;
  });
  const times = createMemoryStore(ahead);
  await times.create(`${SYSTEM}/packs/00/${'0'.repeat(32)}`, Buffer.from('x'));
  await removeLeftovers({ ...store, list: (prefix) => times.list(prefix) }, `${SYSTEM}/`, { clock, log });
  await removeLeftovers(store, `${SYSTEM}/`, { clock: aheadOf(clock), log });
  expect(asked).toEqual([new Date(NOW_MS - 48 * HOUR_MS), new Date(NOW_MS - 48 * HOUR_MS)]);
});

test('unfinished uploads of content and of landed pages are known as ours, and no others', async () => {
  const { repository, clock, log } = await world();
  const landed = await new Landing({ store: createMemoryStore(), sealing: undefined }, 'somebody').put('20261121T000000Z-export', 'pages');
  const uploads = [`${SYSTEM}/packs/00/${'0'.repeat(32)}`, `${SYSTEM}/wal/00000001/000000010000000000000001`, landed, settledKey(landed)];
  const others = ['', 'films/long.mkv', 'spotify/playlist.json', `spotify/${'0'.repeat(32)}`];
  let own: readonly string[] = [];
  const telling = removing(repository, async (_, isOwn = () => true) => {
    own = [...uploads, ...others].filter((key) => isOwn(key));
    return own.length;
  });
  await expireLineage(telling, CLUSTER, options(clock, log));
  expect(own).toEqual(uploads);
});

test('leftovers go first where there is no room for the lease, by the clock of the store', async () => {
  const { repository, clock, log } = await world();
  const asked: Date[] = [];
  let isFull = true;
  const full = withFaults(repository.store, ({ operation }) => {
    if (operation === 'create' && isFull) throw new DbadminError('storage-full', 'no room');
  });
  const removeUnfinished = async (begunBefore: Date): Promise<number> => {
    asked.push(begunBefore);
    isFull = false;
    return asked.length === 1 ? 2 : 0;
  };
  const ahead = aheadOf(clock);
  const outcome = await expireLineage(removing({ ...repository, store: full }, removeUnfinished), CLUSTER, options(ahead, log));
  expect(outcome).toMatchObject({ leftovers: 2, expired: { backups: ['20261121T000000Z-full'] } });
  expect(asked.map((each) => each.getTime())).toEqual([NOW_MS - 48 * HOUR_MS, NOW_MS - 48 * HOUR_MS]);
});

test('a full store without leftovers is said to be full', async () => {
  const { repository, clock, log } = await world();
  const full = withFaults(repository.store, ({ operation }) => {
    if (operation === 'create') throw new DbadminError('storage-full', 'no room');
  });
  await expect(expireLineage({ ...repository, store: full }, CLUSTER, options(clock, log))).rejects.toMatchObject({ code: 'storage-full' });
});

test('expire removes what a dump has stored that was killed before its manifest, when a week has gone by', async () => {
  const { repository, clock, log } = await world();
  const { store } = repository;
  const keyOf = (label: string, name: string): string => `${SYSTEM}/dumps/${label}/${name}`;
  const killed = ['globals.sql', 'music.dump'].map((name) => keyOf('20261101T000000Z-dump', name));
  const kept = [
    // One with a manifest, one of somebody else's, and one to which something came later.
    keyOf('20261102T000000Z-dump', 'globals.sql'),
    keyOf('20261102T000000Z-dump', 'manifest.json'),
    keyOf('notes', 'globals.sql'),
    keyOf('20261103T000000Z-dump', 'globals.sql'),
  ];
  for (const key of [...killed, ...kept]) await store.create(key, Buffer.from('x'));
  const dumps = async (): Promise<readonly string[]> => {
    const keys: string[] = [];
    for await (const { key } of store.list(`${SYSTEM}/dumps/`)) keys.push(key);
    return keys.sort();
  };
  await clock.advance(7 * 24 * HOUR_MS - 1);
  const late = keyOf('20261103T000000Z-dump', 'later.dump');
  await store.create(late, Buffer.from('x'));
  expect((await expireLineage(repository, CLUSTER, { ...options(clock, log), trustsClock: true })).leftovers).toBe(0);
  expect(await dumps()).toEqual([...killed, ...kept, late].sort());
  await clock.advance(2);
  const outcome = await expireLineage(repository, CLUSTER, { ...options(clock, log), trustsClock: true });
  expect(outcome.leftovers).toBe(2);
  expect(await dumps()).toEqual([...kept, late].sort());
});

test('a dump of which something is gone gets no manifest', async () => {
  const repository = await makeMemoryRepository();
  const key = `${SYSTEM}/dumps/20261101T000000Z-dump/globals.sql`;
  const globals = { key, sizeBytes: 1, blake3: '', sha256: '' };
  const at = '2026-11-01T00:00:00.000Z';
  const manifest: DumpManifest = {
    format: 1,
    label: '20261101T000000Z-dump',
    cluster: 'main',
    systemIdentifier: SYSTEM,
    serverVersion: '18.4',
    programVersion: '18.4',
    tool: 'test',
    startedAt: at,
    finishedAt: at,
    globals,
    databases: [],
  };
  await expect(writeDumpManifest(repository, `${SYSTEM}/`, manifest)).rejects.toMatchObject({ code: 'storage-missing' });
  expect(await listDumps(repository, `${SYSTEM}/`)).toEqual([]);
  await repository.store.create(key, Buffer.from('x'));
  await writeDumpManifest(repository, `${SYSTEM}/`, manifest);
  expect(await listDumps(repository, `${SYSTEM}/`)).toEqual([manifest.label]);
});
