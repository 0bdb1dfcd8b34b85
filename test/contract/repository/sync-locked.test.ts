import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Finding } from '../../../src/backup/check/finding.ts';
import { checkRepository } from '../../../src/backup/check/repository-inspect.ts';
import { dumpGlobalsKey } from '../../../src/backup/dump/layout.ts';
import { listDumps, readDumpManifest, spoolDumped, writeDumpManifest } from '../../../src/backup/dump/stored-dump.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { sealAtHand } from '../../../src/repository/envelope.ts';
import { blake3 } from '../../../src/repository/hash.ts';
import { listHolds } from '../../../src/repository/holds.ts';
import { backupKey } from '../../../src/repository/layout.ts';
import { readLedger } from '../../../src/repository/ledger.ts';
import { listBackups, writeManifest } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { withRetention } from '../../../src/repository/retained-store.ts';
import { listUnlocked } from '../../../src/repository/unlocked-backups.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { withRetry } from '../../../src/storage/retry.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import { SYSTEM, summaryOf } from '../../backup/small-backups.ts';
import { fill, LABELS, sync } from '../../backup/small-source.ts';

const PREFIX = `${SYSTEM}/`;
let directory: string;

beforeAll(async () => {
  directory = await makeDirectory();
});

afterAll(async () => await removeDirectory(directory));

/** A destination whose objects are locked from their creation. */
async function makeLocked(isEncrypted: boolean): Promise<Repository> {
  return await makeMemoryRepository(isEncrypted, withRetention(createMemoryStore(), { lockDays: 30, clock: systemClock }));
}

/** Everything of the source is in the destination, and what it says of the dumps is so. */
async function expectAll(target: Repository, dumps = ['dump-a', 'dump-b']): Promise<void> {
  expect((await listBackups(target, SYSTEM)).map(({ label }) => label)).toEqual(LABELS);
  expect(await listHolds(target, SYSTEM)).toHaveLength(2);
  expect((await readLedger(target, SYSTEM)).entries).toHaveLength(2);
  expect(await listDumps(target, PREFIX)).toEqual(dumps);
  for (const label of dumps) {
    const { globals } = await readDumpManifest(target, PREFIX, label);
    const stored = await target.store.read(globals.key);
    expect(globals).toMatchObject({
      sizeBytes: stored.byteLength,
      blake3: blake3(stored).toString('hex'),
      sha256: createHash('sha256').update(stored).digest('hex'),
    });
    const file = path.join(directory, `${label}-${randomBytes(4).toString('hex')}.sql`);
    await spoolDumped(target, globals, file, new AbortController().signal);
    expect(await readFile(file, 'utf8')).toBe(label === 'dump-a' ? 'create role r0;' : 'create role r1;');
  }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const gone = (): never => {
  throw new DbadminError('storage-failed', 'the storage is gone');
};

test.each([false, true])(
  'a dump whose copy was killed is finished in a destination that locks what it gets (encrypted: %s)',
  async (isEncrypted) => {
    const [source, target] = [await makeMemoryRepository(), await makeLocked(isEncrypted)];
    await fill(source);
    const store = withFaults(target.store, ({ operation, key }) => {
      if (operation === 'create' && key.endsWith('dump-a/manifest.json')) gone();
    });
    await expect(sync(source, { ...target, store })).rejects.toMatchObject({ code: 'storage-failed' });
    expect(await listDumps(target, PREFIX)).toEqual([]);

    const killed = await target.store.read(dumpGlobalsKey(PREFIX, 'dump-a'));
    expect(await sync(source, target)).toMatchObject({ dumps: ['dump-a', 'dump-b'], failed: [] });
    await expectAll(target);
    expect(await target.store.read(dumpGlobalsKey(PREFIX, 'dump-a'))).toEqual(killed);
  },
);

test.each(['globals.sql', 'manifest.json'])(
  'a create of %s whose answer is lost is the success that it was, though it is encrypted',
  async (file) => {
    const [source, target] = [await makeMemoryRepository(), await makeLocked(true)];
    await fill(source);
    let lost = 0;
    const losing = {
      ...withFaults(target.store, () => undefined),
      create: async (...[key, body, options]: Parameters<typeof target.store.create>) => {
        await target.store.create(key, body, options);
        if (!key.endsWith(`dump-a/${file}`)) return;
        lost += 1;
        gone();
      },
    };
    const store = withRetry(losing, { attempts: 3, clock: systemClock, random: () => 0, firstDelayMs: 1 });
    expect(await sync(source, { ...target, store })).toMatchObject({ dumps: ['dump-a', 'dump-b'], failed: [] });
    expect(lost).toBe(1);
    await expectAll(target);
  },
);

test('other content that is locked under the key of a dump keeps back this dump alone, and is told', async () => {
  const [source, target] = [await makeMemoryRepository(), await makeLocked(false)];
  await fill(source);
  await target.store.create(dumpGlobalsKey(PREFIX, 'dump-a'), Buffer.from('something else'));
  expect(await sync(source, target)).toMatchObject({
    dumps: ['dump-b'],
    failed: [
      {
        kind: 'dump',
        name: 'dump-a',
        problem: expect.stringMatching(/dump-a\/globals\.sql in memory is locked \(It cannot be deleted before /),
      },
    ],
  });
  await expectAll(target, ['dump-b']);
});

test('where nothing is locked other content under the key of a dump is written anew', async () => {
  const [source, target] = [await makeMemoryRepository(), await makeMemoryRepository(true)];
  await fill(source);
  await target.store.create(dumpGlobalsKey(PREFIX, 'dump-a'), Buffer.from('what a killed run left'));
  expect(await sync(source, target)).toMatchObject({ dumps: ['dump-a', 'dump-b'], failed: [] });
  await expectAll(target);
});

test('damaged content of a dump is never stored where it could not be deleted again', async () => {
  const [source, target] = [await makeMemoryRepository(), await makeLocked(false)];
  await fill(source);
  const key = dumpGlobalsKey(PREFIX, 'dump-a');
  const whole = await source.store.read(key);
  await source.store.delete(key);
  await source.store.create(key, Buffer.from('create role rX;'));
  expect((await sync(source, target)).failed).toMatchObject([{ kind: 'dump', name: 'dump-a' }]);
  expect(await target.store.stat(key)).toBeUndefined();

  // So it comes once it is mended.
  await source.store.delete(key);
  await source.store.create(key, whole);
  expect(await sync(source, target)).toMatchObject({ dumps: ['dump-a'], failed: [] });
  await expectAll(target);
});

test.each([
  [false, false],
  [false, true],
  [true, false],
  [true, true],
])('says how long the copy of a dump will be at most (encrypted: %s, into encrypted: %s)', async (isFromEncrypted, isToEncrypted) => {
  const [source, target] = [await makeMemoryRepository(isFromEncrypted), await makeMemoryRepository(isToEncrypted)];
  const key = dumpGlobalsKey(PREFIX, 'large');
  const text = randomBytes(3_000_000);
  const body = isFromEncrypted ? await sealAtHand(source, 'dump', { key }, one(text)) : text;
  await source.store.create(key, body);
  const stored = await source.store.read(key);
  const hashes = { blake3: blake3(stored).toString('hex'), sha256: createHash('sha256').update(stored).digest('hex') };
  const manifest = {
    format: 2,
    label: 'large',
    cluster: 'main',
    systemIdentifier: SYSTEM,
    serverVersion: '18.4',
    programVersion: '18.4',
  } as const;
  const moments = { tool: 'test', startedAt: '2026-11-21T00:00:00.000Z', finishedAt: '2026-11-21T00:00:01.000Z' };
  const globals = { key, sizeBytes: stored.byteLength, ...hashes };
  await writeDumpManifest(source, PREFIX, { ...manifest, ...moments, globals, databases: [] });
  const expected: (number | undefined)[] = [];
  const store = {
    ...withFaults(target.store, () => undefined),
    create: async (...[name, content, options]: Parameters<typeof target.store.create>) => {
      if (name === key && !(content instanceof Uint8Array)) expected.push(content.expectedBytes);
      await target.store.create(name, content, options);
    },
  };
  expect(await sync(source, { ...target, store })).toMatchObject({ dumps: ['large'], failed: [] });
  const { sizeBytes = 0 } = (await target.store.stat(key)) ?? {};
  expect(expected).toHaveLength(1);
  expect(expected[0]).toBeGreaterThanOrEqual(sizeBytes);
  expect(expected[0]).toBeLessThanOrEqual(2.1 * sizeBytes);
});

test('a dump that is too large for the destination is sent once, keeps back itself alone, and is told', async () => {
  const [source, target] = [await makeMemoryRepository(), await makeMemoryRepository()];
  await fill(source);
  let refused = 0;
  const failing = withFaults(target.store, ({ operation, key }) => {
    if (operation !== 'create' || key !== dumpGlobalsKey(PREFIX, 'dump-a')) return;
    refused += 1;
    throw new DbadminError('storage-unsupported', 'the storage does not take it: it is too large');
  });
  const store = withRetry(failing, { attempts: 5, clock: systemClock, random: () => 0, firstDelayMs: 1 });
  expect(await sync(source, { ...target, store })).toMatchObject({
    dumps: ['dump-b'],
    failed: [{ kind: 'dump', name: 'dump-a', problem: expect.stringContaining('too large') }],
  });
  expect(refused).toBe(1);
  await expectAll(target, ['dump-b']);
});

interface Unlocked {
  readonly source: Repository;
  readonly target: Repository;
  /** Key of the manifest that is not locked. */
  readonly manifest: string;
  /** The target's, where locking it fails still. */
  readonly store: ObjectStore;
}

/** A sync that ended when the first backup was published and not locked yet. */
async function copiedButNotLocked(): Promise<Unlocked> {
  const [source, target] = [await makeMemoryRepository(), await makeLocked(false)];
  await fill(source);
  const manifest = backupKey(SYSTEM, LABELS[0] ?? '');
  const store = withFaults(target.store, ({ operation, key }) => {
    if (operation === 'extendLock' && key === manifest) gone();
  });
  await expect(sync(source, { ...target, store })).rejects.toMatchObject({ code: 'storage-failed' });
  return { source, target, manifest, store };
}

test('a backup whose copy was killed before it was locked is locked by the next run, which finds its label there', async () => {
  const { source, target, manifest } = await copiedButNotLocked();
  expect((await target.store.stat(manifest))?.lockedUntil).toBeUndefined();

  await sync(source, target);
  for (const label of LABELS) expect((await target.store.stat(backupKey(SYSTEM, label)))?.lockedUntil).toBeDefined();
  expect(await listUnlocked(target, SYSTEM)).toEqual([]);
});

test('late locks that fail keep nothing back: the rest is copied and reported, and the next run tries again', async () => {
  const { source, target, store } = await copiedButNotLocked();

  expect(await sync(source, { ...target, store })).toMatchObject({ dumps: ['dump-a', 'dump-b'], failed: [] });
  await expectAll(target);
  expect((await listUnlocked(target, SYSTEM)).map(({ label }) => label)).toEqual([LABELS[0]]);
  await sync(source, target);
  expect(await listUnlocked(target, SYSTEM)).toEqual([]);
});

test('late locks that are interrupted say what is done', async () => {
  const { source, target, manifest, store: failing } = await copiedButNotLocked();
  await sync(source, { ...target, store: failing });

  const stop = new AbortController();
  const store = withFaults(target.store, ({ operation, key }) => {
    if (operation === 'stat' && key === manifest) stop.abort(new DbadminError('interrupted', 'interrupted by SIGINT'));
  });
  await expect(sync(source, { ...target, store }, stop.signal)).rejects.toMatchObject({
    code: 'interrupted',
    message: 'interrupted by SIGINT',
    detail: expect.stringContaining('What could be copied is copied'),
  });
  await expectAll(target);
  expect((await listUnlocked(target, SYSTEM)).map(({ label }) => label)).toEqual([LABELS[0]]);
});

test('backup check names a backup that was left unlocked for an hour, and how it is locked', async () => {
  const clock = new ManualClock();
  const target = await makeMemoryRepository(false, withRetention(createMemoryStore(clock), { lockDays: 30, clock }));
  await writeManifest(target, summaryOf('left', { lockDays: 30 }), []);
  await writeManifest(target, summaryOf('early'), []);
  const check = async (): Promise<readonly Finding[]> => {
    const findings = await checkRepository(target, {
      name: 'far',
      clusterName: 'main',
      systemIdentifier: SYSTEM,
      limits: { dumpsOnly: [], backupAgeMs: undefined, drillAgeMs: undefined },
      clock,
    });
    return findings.filter(({ what, state }) => what === 'repository far lock' && state === 'problem');
  };
  expect(await check()).toEqual([]);
  await clock.advance(3_600_000);
  expect(await check()).toEqual([
    expect.objectContaining({ detail: 'not locked, though they should be: left', fix: expect.stringContaining('backup run') }),
  ]);
});

test('backup check names the backups that are locked in a lesser mode than is configured', async () => {
  const target = await makeLocked(false);
  await writeManifest(target, summaryOf('old'), []);
  await writeManifest(target, summaryOf('new'), []);
  await writeManifest(target, summaryOf('ended'), []);
  const [manifest, ended] = [backupKey(SYSTEM, 'old'), backupKey(SYSTEM, 'ended')];
  // A store of the S3 kind says so of what was locked in governance mode; memory knows no modes.
  const stat: ObjectStore['stat'] = async (key) => {
    const found = await target.store.stat(key);
    if (found === undefined || (key !== manifest && key !== ended)) return found;
    return { ...found, isLesserLock: true, lockedUntil: new Date(Date.now() + (key === ended ? -60_000 : 60_000)) };
  };
  const findings = await checkRepository(
    { ...target, store: { ...target.store, stat } },
    {
      name: 'offsite',
      clusterName: 'main',
      systemIdentifier: SYSTEM,
      limits: { dumpsOnly: [], backupAgeMs: undefined, drillAgeMs: undefined },
      clock: systemClock,
    },
  );
  expect(findings.filter(({ what }) => what === 'repository offsite lock mode')).toMatchObject([
    { state: 'note', detail: expect.stringMatching(/^1 backups .*: old$/) },
  ]);
});
