import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { seal } from '../../../src/repository/envelope.ts';
import { acquireLease, holderOf, shutOut, type Lease } from '../../../src/repository/leases.ts';
import { readLease } from '../../../src/repository/lease-objects.ts';
import { CLEAR } from '../../../src/repository/keys.ts';
import { hasEnded, processIdentity } from '../../../src/repository/process-identity.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import { withRetry } from '../../../src/storage/retry.ts';
import type { ObjectStore, StoredObject } from '../../../src/storage/store.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { damage, flipBody, HEAD_DAMAGES, SEEMS_ENCRYPTED } from '../../backup/damage.ts';
import { ManualClock } from '../../backup/manual-clock.ts';

const SYSTEM = '7710407255717780657';
const DAY_MS = 86_400_000;

function repositoryOn(clock: ManualClock): Repository {
  const identity = { format: 2, id: '0'.repeat(32), createdAt: '', tool: 'x', encryption: 'none', conditionalCreate: true } as const;
  return { store: createMemoryStore(clock), identity, keys: undefined };
}

const acquire = async (repository: Repository, clock: ManualClock, command = 'backup run'): Promise<Lease> =>
  await acquireLease(repository, SYSTEM, 'backup', { clock, log: silentLog, command });

/** A lease left behind by a process of another machine. */
async function abandon(repository: Repository): Promise<void> {
  const owner = { command: 'backup run', host: 'db9', pid: 4711, process: null };
  const record = { state: 'held', holding: 'a'.repeat(32), owner, since: '2026-11-20T23:59:00.000Z', ttlMs: 180_000 };
  await repository.store.create(`${SYSTEM}/leases/backup/000000000007`, await seal(CLEAR, 'lease', record, Buffer.alloc(0)));
}

const sealedNonsense = async (): Promise<Buffer> =>
  await seal(CLEAR, 'lease', { state: 'held', holding: 'x', owner: { process: null }, ttlMs: 1e12 }, Buffer.alloc(0));

describe('a lease', () => {
  test('is had by one: the second is told who has it, since when, and how to break it, with exit 11', async () => {
    const clock = new ManualClock();
    const repository = repositoryOn(clock);
    const lease = await acquire(repository, clock);
    const refusal = await acquire(repository, clock, 'backup sync').catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 'locked',
      exitStatus: 11,
      message: expect.stringMatching(/backup run \(process \d+ on .+, since 2026-11-21/),
    });
    expect((refusal as DbadminError).hint).toContain('dbadmin repository unlock');
    await lease.check();
    await lease.release();
    await (await acquire(repository, clock)).release();
  });

  test('is renewed and released without minutes of waiting for a storage that is away, and renewed soon when it is back', async () => {
    const clock = new ManualClock();
    const bare = repositoryOn(clock);
    let [isAway, waitedMs] = [false, 0];
    const warned: string[] = [];
    const faulty = withFaults(bare.store, ({ operation }) => {
      if (isAway && operation === 'create') throw new DbadminError('storage-failed', 'nobody answers');
    });
    const waiting = { now: () => new Date(waitedMs), sleep: async (delayMs: number) => void (waitedMs += delayMs) };
    const store = withRetry(faulty, { attempts: 5, patienceMs: 600_000, clock: waiting, random: () => 0.5 });
    const log = { ...silentLog, warn: (message: string) => void warned.push(message) };
    const lease = await acquireLease({ ...bare, store }, SYSTEM, 'backup', { clock, log, command: 'backup run' });
    isAway = true;
    await clock.advance(100_000);
    expect(warned).toEqual([expect.stringContaining('could not be renewed: nobody answers')]);
    isAway = false;
    await clock.advance(15_000);
    expect(await readLease(bare.store, SYSTEM, 'backup')).toMatchObject({ state: 'held', sequence: 2 });
    isAway = true;
    await lease.release();
    expect(warned.at(-1)).toContain('could not be released, and expires');
    expect(waitedMs).toBeLessThan(20_000);
  });

  test.each(['list', 'read', 'delete'] as const)(
    'is released without minutes of waiting where the storage goes away after the first request: %s',
    async (failing) => {
      const clock = new ManualClock();
      const bare = repositoryOn(clock);
      let [isAway, waitedMs] = [false, 0];
      const faulty = withFaults(bare.store, ({ operation }) => {
        if (isAway && operation === failing) throw new DbadminError('storage-failed', 'nobody answers');
      });
      const waiting = { now: () => new Date(waitedMs), sleep: async (delayMs: number) => void (waitedMs += delayMs) };
      const store = withRetry(faulty, { attempts: 5, patienceMs: 600_000, clock: waiting, random: () => 0.5 });
      const lease = await acquireLease({ ...bare, store }, SYSTEM, 'backup', { clock, log: silentLog, command: 'backup run' });
      isAway = true;
      await clock.advance(61_000);
      await lease.release();
      expect(waitedMs).toBeGreaterThan(1000);
      expect(waitedMs).toBeLessThan(20_000);
    },
  );

  test('that was renewed this very second lives, where the storage lists parts of a second and tells whole ones of one object', async () => {
    const clock = new ManualClock(Date.UTC(2026, 10, 21, 3, 0, 0, 400));
    const bare = repositoryOn(clock);
    const stat: ObjectStore['stat'] = async (key) => {
      const found = await bare.store.stat(key);
      return found && { ...found, modifiedAt: new Date(Math.floor(found.modifiedAt.getTime() / 1000) * 1000) };
    };
    const repository = { ...bare, store: { ...passThrough(bare.store), stat } };
    const lease = await acquire(repository, clock);
    const warned: string[] = [];
    const sleep = async (): Promise<void> => expect.unreachable('nobody watches a lease that is this young');
    const log = { ...silentLog, warn: (message: string) => void warned.push(message) };
    const second = acquireLease(repository, SYSTEM, 'backup', { clock: { now: () => clock.now(), sleep }, log, command: 'backup run' });
    await expect(second).rejects.toMatchObject({ code: 'locked' });
    expect(warned).toEqual([]);
    await lease.release();
  });

  test('is held though a listing shows none of its objects: the only one had a successor while it was listed', async () => {
    const clock = new ManualClock();
    const bare = repositoryOn(clock);
    let isRenewed = true;
    // As a directory's: the names are read, then the file of each is looked for.
    const list: ObjectStore['list'] = async function* (prefix) {
      const names: StoredObject[] = [];
      for await (const object of bare.store.list(prefix)) names.push(object);
      if (!isRenewed) await clock.advance(61_000);
      isRenewed = true;
      for (const { key } of names) {
        const found = await bare.store.stat(key);
        if (found !== undefined) yield found;
      }
    };
    const repository = { ...bare, store: { ...passThrough(bare.store), list } };
    const lease = await acquire(bare, clock);
    isRenewed = false;
    expect(await holderOf(repository, SYSTEM, 'backup', { clock, log: silentLog, command: 'collection' })).toMatchObject({ sequence: 2 });
    await lease.release();
  });

  test('is released though the answer to its last renewal was lost', async () => {
    const clock = new ManualClock();
    const bare = repositoryOn(clock);
    let isLost = false;
    const create: ObjectStore['create'] = async (...call) => {
      await bare.store.create(...call);
      if (isLost) throw new DbadminError('storage-failed', 'the answer was lost');
    };
    const lease = await acquire({ ...bare, store: { ...passThrough(bare.store), create } }, clock);
    isLost = true;
    await clock.advance(61_000);
    isLost = false;
    await lease.release();
    expect(await readLease(bare.store, SYSTEM, 'backup')).toMatchObject({ state: 'released', sequence: 3 });
  });

  test('goes to exactly one of many who want it at once', async () => {
    const clock = new ManualClock();
    const repository = repositoryOn(clock);
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, async () => await acquire(repository, clock)));
    const winners = outcomes.filter(({ status }) => status === 'fulfilled');
    expect(winners).toHaveLength(1);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'locked' });
  });

  test.each([...HEAD_DAMAGES, SEEMS_ENCRYPTED, ['its end is damaged', flipBody] as const, ['it says nonsense', sealedNonsense] as const])(
    'that cannot be read is had again when nobody renews it, and broken by whoever knows: %s',
    async (_, of) => {
      for (const way of ['watched', 'broken']) {
        const clock = new ManualClock();
        const repository = repositoryOn(clock);
        await abandon(repository);
        const key = `${SYSTEM}/leases/backup/000000000007`;
        await damage(repository.store, key, async (bytes) => await of(bytes, 'lease'));
        const found = await readLease(repository.store, SYSTEM, 'backup');
        expect(found).toMatchObject({ state: 'held', sequence: 7 });
        const began = clock.now().getTime();
        if (way === 'broken' && found !== undefined) expect(await shutOut(repository, SYSTEM, 'backup', found)).toBe(true);
        else {
          await expect(acquire(repository, clock)).rejects.toMatchObject({ code: 'locked' });
          clock.set(began + 200_000);
        }
        const lease = await (way === 'watched' ? clock.until(acquire(repository, clock)) : acquire(repository, clock));
        await lease.check();
        await lease.release();
        expect(await readLease(repository.store, SYSTEM, 'backup')).toMatchObject({ state: 'released', owner: { pid: process.pid } });
        expect(clock.now().getTime() - began > 180_000).toBe(way === 'watched');
      }
    },
  );

  test('is not held by what has no number', async () => {
    const clock = new ManualClock();
    const repository = repositoryOn(clock);
    for (const name of ['zzz', '000000000007.old', '1']) await repository.store.create(`${SYSTEM}/leases/backup/${name}`, Buffer.from('x'));
    expect(await readLease(repository.store, SYSTEM, 'backup')).toBeUndefined();
    await (await acquire(repository, clock)).release();
  });

  test('is renewed with new numbers, never written over, and leaves one object behind', async () => {
    const clock = new ManualClock();
    const repository = repositoryOn(clock);
    const lease = await acquire(repository, clock);
    await clock.advance(DAY_MS / 24);
    expect(await readLease(repository.store, SYSTEM, 'backup')).toMatchObject({ sequence: 61, state: 'held' });
    await lease.check();
    await lease.release();
    const left: string[] = [];
    for await (const { key } of repository.store.list(SYSTEM)) left.push(key);
    expect(left).toEqual([`${SYSTEM}/leases/backup/000000000062`]);
  });

  test('that a dead machine left is taken over after its time, and after a while of silence', async () => {
    const clock = new ManualClock();
    const repository = repositoryOn(clock);
    await abandon(repository);
    await clock.advance(179_000);
    await expect(acquire(repository, clock)).rejects.toMatchObject({ code: 'locked' });
    await clock.advance(2000);
    const before = clock.now().getTime();
    const lease = await clock.until(acquire(repository, clock));
    expect(clock.now().getTime() - before).toBeGreaterThanOrEqual(90_000);
    await lease.release();
  });

  test.each([DAY_MS, -DAY_MS])('of a living holder survives the clocks being set by %i ms', async (byMs) => {
    const clock = new ManualClock();
    const repository = repositoryOn(clock);
    const lease = await acquire(repository, clock);
    await clock.advance(61_000);
    clock.set(clock.now().getTime() + byMs);
    await expect(clock.until(acquire(repository, clock))).rejects.toMatchObject({ code: 'locked' });
    await lease.check();
    await lease.release();
  });

  test.each([DAY_MS, -DAY_MS])('that a dead machine left is taken over though the clocks were set by %i ms', async (byMs) => {
    const clock = new ManualClock();
    const repository = repositoryOn(clock);
    await abandon(repository);
    clock.set(clock.now().getTime() + byMs);
    await (await clock.until(acquire(repository, clock))).release();
  });

  test('of a holder that slept too long is lost: its check says so before anything is finished', async () => {
    const clock = new ManualClock();
    const slept = new ManualClock();
    const repository = repositoryOn(clock);
    const sleeper = await acquire(repository, slept);
    const state = await readLease(repository.store, SYSTEM, 'backup');
    // As seen from another machine.
    const elsewhere = { ...(state ?? expect.unreachable()), owner: { command: 'backup run', host: 'db9', pid: 1, process: null } };
    await shutOut(repository, SYSTEM, 'backup', elsewhere);
    const next = await acquire(repository, clock);
    await expect(sleeper.check()).rejects.toMatchObject({ code: 'locked', exitStatus: 11 });
    await sleeper.release();
    await next.check();
    await next.release();
  });

  test('that is held keeps being held for whoever only looks, and a silent holder is shut out by looking', async () => {
    const clock = new ManualClock();
    const repository = repositoryOn(clock);
    const options = { clock, log: silentLog, command: 'backup expire' };
    expect(await holderOf(repository, SYSTEM, 'backup', options)).toBeUndefined();
    const lease = await acquire(repository, clock);
    expect(await holderOf(repository, SYSTEM, 'backup', options)).toMatchObject({ state: 'held' });
    await lease.release();
    expect(await holderOf(repository, SYSTEM, 'backup', options)).toBeUndefined();
    await abandon(repository);
    await clock.advance(200_000);
    expect(await clock.until(holderOf(repository, SYSTEM, 'backup', options))).toBeUndefined();
    expect(await readLease(repository.store, SYSTEM, 'backup')).toMatchObject({ state: 'released', sequence: 8 });
  });
});

describe.runIf(process.platform === 'linux')('a process on this machine', () => {
  test('is known to live, and known to have ended as soon as it has', async () => {
    const own = (await processIdentity()) ?? expect.unreachable();
    expect(await hasEnded(own)).toBe(false);
    const child = spawn('sleep', ['30'], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const [boot = ''] = own.split(' ');
    // Another start time under the same number: the number was given to a new process.
    expect(await hasEnded(`${boot} ${child.pid} 1`)).toBe(true);
    child.kill('SIGKILL');
    await ended;
    expect(await hasEnded(`${boot} ${child.pid} 12345`)).toBe(true);
    expect(await hasEnded(`another-boot ${child.pid} 12345`)).toBe(false);
  });
});
