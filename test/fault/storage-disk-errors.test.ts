import type * as FileSystem from 'node:fs/promises';
import { chmod, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createDiskStore, openDiskStore } from '../../src/storage/disk.ts';
import { withRetry } from '../../src/storage/retry.ts';
import type { ObjectStore } from '../../src/storage/store.ts';

/** One call of the system that is to fail once: the first of `call` whose path matches. */
interface PlannedFault {
  readonly call: 'open' | 'write' | 'sync' | 'close' | 'read' | 'link' | 'unlink' | 'stat' | 'readdir' | 'mkdir' | 'statfs';
  readonly matches: RegExp;
  readonly code: string;
  /** The call is made first, and fails all the same: an answer that was lost. */
  readonly isDone?: boolean;
}

const system = vi.hoisted(() => ({ fault: undefined as undefined | object, met: 0 }));

// The system's own calls, so that they can fail as a network file system or a broken disk makes them. What we wrote is as it is.
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof FileSystem>();
  const meet = async <Value>(call: PlannedFault['call'], file: string, work: () => Promise<Value>): Promise<Value> => {
    const fault = system.fault as PlannedFault | undefined;
    if (fault === undefined || fault.call !== call || !fault.matches.test(file)) return await work();
    system.fault = undefined;
    system.met += 1;
    // A close that fails has closed all the same.
    if (fault.isDone === true || call === 'close') await work();
    throw Object.assign(new Error(`${fault.code}: planned, ${call} '${file}'`), { code: fault.code, syscall: call });
  };
  const open: typeof real.open = async (file, ...rest) => {
    const name = String(file);
    const handle = await meet('open', name, async () => await real.open(file, ...rest));
    return new Proxy(handle, {
      get: (target, property) => {
        const call = ({ writeFile: 'write', sync: 'sync', close: 'close', read: 'read', stat: 'stat' } as const)[String(property)];
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        const bound = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
        return call === undefined ? bound : async (...args: unknown[]) => await meet(call, name, async () => await bound(...args));
      },
    });
  };
  return {
    ...real,
    open,
    link: async (from: string, to: string) => await meet('link', to, async () => await real.link(from, to)),
    unlink: async (file: string) => await meet('unlink', file, async () => await real.unlink(file)),
    stat: async (file: string) => await meet('stat', file, async () => await real.stat(file)),
    readdir: async (file: string, options: { withFileTypes: true }) =>
      await meet('readdir', file, async () => await real.readdir(file, options)),
    mkdir: async (file: string, options: object) => await meet('mkdir', file, async () => await real.mkdir(file, options)),
    statfs: async (file: string) => await meet('statfs', file, async () => await real.statfs(file)),
  };
});

const CONTENT = Buffer.from('content of the object');
let directory: string;
let store: ObjectStore;
let patient: ObjectStore;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-disk-errors-'));
  store = await createDiskStore(path.join(directory, 'repository'));
  patient = withRetry(store, { attempts: 3, clock: systemClock, random: () => 0, firstDelayMs: 1 });
  await store.create('wal/there', CONTENT);
  system.met = 0;
});

afterEach(async () => {
  system.fault = undefined;
  await rm(directory, { recursive: true, force: true });
});

function plan(fault: PlannedFault): void {
  system.fault = fault;
}

async function keys(of: ObjectStore = store): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const { key } of of.list('')) all.push(key);
  return all;
}

async function leftovers(): Promise<readonly string[]> {
  return (await readdir(path.join(directory, 'repository'), { recursive: true })).filter((name) => name.endsWith('.tmp'));
}

describe('a disk store whose system calls fail', () => {
  const writing: readonly PlannedFault[] = [
    { call: 'open', matches: /\.tmp$/, code: 'ESTALE' },
    { call: 'write', matches: /\.tmp$/, code: 'EIO' },
    { call: 'sync', matches: /\.tmp$/, code: 'EIO' },
    { call: 'close', matches: /\.tmp$/, code: 'EIO' },
    { call: 'link', matches: /new$/, code: 'EIO' },
    { call: 'sync', matches: /repository$/, code: 'EIO' },
    { call: 'mkdir', matches: /fresh$/, code: 'EIO' },
  ];
  it.each(writing)('$call failing with $code is no success: nothing is under the key, and trying again writes it', async (fault) => {
    plan(fault);
    await expect(store.create('fresh/new', CONTENT)).rejects.toMatchObject({ code: 'storage-failed', retryable: true });
    expect(system.met).toBe(1);
    expect(await keys()).toEqual(['wal/there']);
    plan(fault);
    await patient.create('fresh/new', CONTENT);
    expect(Buffer.compare(await store.read('fresh/new'), CONTENT)).toBe(0);
  });

  it('a directory whose sync fails after the name was given is synced before the object is believed', async () => {
    plan({ call: 'sync', matches: /fresh$/, code: 'EIO' });
    await expect(store.create('fresh/new', CONTENT)).rejects.toMatchObject({ code: 'storage-failed' });
    // Whoever tries again finds the name taken: that answer, too, waits for a sync that succeeds.
    plan({ call: 'sync', matches: /fresh$/, code: 'EIO' });
    await expect(store.create('fresh/new', CONTENT)).rejects.toMatchObject({ code: 'storage-failed' });
    await expect(store.create('fresh/new', CONTENT)).rejects.toMatchObject({ code: 'storage-exists' });
    plan({ call: 'sync', matches: /other$/, code: 'EIO' });
    await patient.create('other/new', CONTENT);
    expect(system.met).toBe(3);
    expect(await leftovers()).toEqual([]);
  });

  it.each(['write', 'sync', 'close'] as const)('a quota that is met at %s is said as no room, and leaves nothing', async (call) => {
    plan({ call, matches: /\.tmp$/, code: 'EDQUOT' });
    await expect(patient.create('wal/new', CONTENT)).rejects.toMatchObject({
      code: 'storage-full',
      hint: expect.stringContaining('quota'),
    });
    expect(await keys()).toEqual(['wal/there']);
    expect(await leftovers()).toEqual([]);
  });

  it('a link whose answer was lost, as over NFS, is the success that it was', async () => {
    plan({ call: 'link', matches: /new$/, code: 'EEXIST', isDone: true });
    await store.create('wal/new', CONTENT);
    expect(Buffer.compare(await store.read('wal/new'), CONTENT)).toBe(0);
    expect(await leftovers()).toEqual([]);
  });

  it('a temporary file that cannot be removed is left for later, and the object is there', async () => {
    plan({ call: 'unlink', matches: /\.tmp$/, code: 'EIO' });
    await store.create('wal/new', CONTENT);
    expect(await keys()).toEqual(['wal/new', 'wal/there']);
    expect(await leftovers()).toHaveLength(1);
    expect(await store.removeUnfinished(new Date(Date.now() + 60_000))).toBe(1);
  });

  const reading: readonly (readonly [PlannedFault, (of: ObjectStore) => Promise<unknown>])[] = [
    [{ call: 'open', matches: /there$/, code: 'ESTALE' }, async (of) => Buffer.from(await of.read('wal/there')).toString()],
    [{ call: 'read', matches: /there$/, code: 'EIO' }, async (of) => Buffer.from(await of.readRange('wal/there', 0, 7)).toString()],
    [{ call: 'stat', matches: /there$/, code: 'ESTALE' }, async (of) => (await of.stat('wal/there'))?.sizeBytes],
    [{ call: 'readdir', matches: /wal\/$/, code: 'EIO' }, async (of) => await keys(of)],
    [{ call: 'stat', matches: /there$/, code: 'EIO' }, async (of) => await keys(of)],
    [{ call: 'statfs', matches: /repository$/, code: 'ESTALE' }, async (of) => ((await of.freeBytes()) ?? 0) > 0],
    [{ call: 'stat', matches: /repository$/, code: 'ESTALE' }, async (of) => await of.probe()],
    [{ call: 'unlink', matches: /there$/, code: 'EIO' }, async (of) => await of.delete('wal/there')],
  ];
  it.each(reading)('$0.call failing with $0.code is never taken for absence, and passes', async (fault, call) => {
    const wanted = fault.call === 'unlink' ? undefined : await call(store);
    plan(fault);
    await expect(call(store)).rejects.toMatchObject({
      code: 'storage-failed',
      retryable: true,
      detail: expect.stringContaining(fault.code),
    });
    plan(fault);
    expect(await call(patient)).toEqual(wanted);
    expect(system.met).toBe(2);
  });
});

describe('a disk store', () => {
  it('keeps what it makes to its owner, unless the root was opened to the group', async () => {
    const modeOf = async (name: string): Promise<number> => (await stat(path.join(directory, name))).mode & 0o777;
    expect([await modeOf('repository'), await modeOf('repository/wal'), await modeOf('repository/wal/there')]).toEqual([
      0o700, 0o700, 0o600,
    ]);
    await mkdir(path.join(directory, 'shared'), {});
    await chmod(path.join(directory, 'shared'), 0o750);
    const shared = await openDiskStore(path.join(directory, 'shared'));
    await shared.create('wal/there', CONTENT);
    expect([await modeOf('shared/wal'), await modeOf('shared/wal/there')]).toEqual([0o750, 0o640]);
  });
});
