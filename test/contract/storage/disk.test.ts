import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDiskStore, openDiskStore } from '../../../src/storage/disk.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { describeObjectStore } from './suite.ts';

const isRoot = process.geteuid?.() === 0;
let directory: string;
let store: ObjectStore;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-disk-store-'));
  store = await createDiskStore(path.join(directory, 'deep', 'root'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

describeObjectStore('disk store', () => store);

describe('disk store, as files', () => {
  it('never makes a root that is not there, at opening or later', async () => {
    const root = path.join(directory, 'unmounted');
    await expect(openDiskStore(root)).rejects.toMatchObject({ code: 'repository-missing', exitStatus: 10 });
    const gone = await createDiskStore(root);
    await gone.create('a/b', Buffer.from('x'));
    await rename(root, `${root}-away`);
    for (const call of [
      async () => await gone.create('a/c', Buffer.from('x')),
      async () => await gone.read('a/b'),
      async () => await gone.stat('a/b'),
      async () => await gone.delete('a/b'),
      async () => await gone.freeBytes(),
      async () => await gone.probe(),
      async () => await keysOf(gone, 'a'),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'repository-missing' });
    }
    await expect(openDiskStore(root)).rejects.toMatchObject({ code: 'repository-missing' });
  });

  it('refuses a root that is a file', async () => {
    await writeFile(path.join(directory, 'file'), '');
    await expect(openDiskStore(path.join(directory, 'file'))).rejects.toMatchObject({ code: 'repository-missing' });
  });

  it('neither lists nor reads what an interrupted create left, and removes it when it is old', async () => {
    const own = await createDiskStore(path.join(directory, 'leftovers'));
    await own.create('wal/1', Buffer.from('x'));
    const left = path.join(directory, 'leftovers', 'wal', '2.0123456789abcdef.tmp');
    await writeFile(left, 'half');
    expect(await keysOf(own, '')).toEqual(['wal/1']);
    expect(await own.removeUnfinished(new Date(Date.now() - 3_600_000))).toBe(0);
    await utimes(left, new Date(0), new Date(0));
    // Somebody's own: in a directory that is shared there may be some.
    const others = ['2.0123456789ABCDEF.tmp', 'dump.0123.tmp', 'notes.tmp'];
    for (const name of others) {
      const file = path.join(directory, 'leftovers', 'wal', name);
      await writeFile(file, 'kept');
      await utimes(file, new Date(0), new Date(0));
    }
    expect(await own.removeUnfinished(new Date(Date.now() - 3_600_000))).toBe(1);
    expect((await readdir(path.join(directory, 'leftovers', 'wal'))).sort()).toEqual(['1', ...others]);
  });

  it('leaves no temporary file behind, whether a create succeeds or fails', async () => {
    const files = await readdir(path.join(directory, 'deep', 'root'), { recursive: true });
    expect(files.length).toBeGreaterThan(1000);
    expect(files.filter((file) => file.endsWith('.tmp'))).toEqual([]);
  });

  it('makes directories again that were removed while it was open', async () => {
    const own = await createDiskStore(path.join(directory, 'swept'));
    await own.create('a/b/c', Buffer.from('x'));
    await rm(path.join(directory, 'swept', 'a'), { recursive: true });
    await own.create('a/b/c', Buffer.from('y'));
    expect(Buffer.from(await own.read('a/b/c')).toString()).toBe('y');
  });

  it('follows a directory that is a link to another disk, and ignores files that have no key', async () => {
    const root = path.join(directory, 'linked');
    const own = await createDiskStore(root);
    await mkdir(path.join(directory, 'other disk'));
    await symlink(path.join(directory, 'other disk'), path.join(root, 'wal'));
    await writeFile(path.join(root, 'not a key'), '');
    await own.create('wal/1', Buffer.from('x'));
    expect(await keysOf(own, '')).toEqual(['wal/1']);
    expect(await readdir(path.join(directory, 'other disk'))).toEqual(['1']);
  });

  it('does not look into directories that cannot be its own, such as lost+found', async () => {
    const root = path.join(directory, 'disk root');
    const own = await createDiskStore(root);
    await own.create('a/b', Buffer.from('x'));
    await mkdir(path.join(root, 'lost+found'), { mode: 0o000 });
    await chmod(root, 0o755);
    await chmod(path.join(root, 'a'), 0o755);
    await chmod(directory, 0o755);
    await asOrdinaryUser(async () => {
      expect(await keysOf(own, '')).toEqual(['a/b']);
      expect(await own.removeUnfinished(new Date())).toBe(0);
    });
  });

  it('does not take a key below another object, or one that is a directory, for an object', async () => {
    const own = await createDiskStore(path.join(directory, 'nested'));
    await own.create('a', Buffer.from('x'));
    await own.create('d/e', Buffer.from('x'));
    expect(await own.stat('a/b')).toBeUndefined();
    expect(await own.stat('d')).toBeUndefined();
    await expect(own.read('d')).rejects.toMatchObject({ code: 'storage-failed' });
    await expect(own.create('a/b', Buffer.from('y'))).rejects.toMatchObject({ code: 'storage-failed' });
  });
});

if (isRoot) describe('disk store on a full disk', describeFullDisk);
else it('disk store on a full disk', (context) => context.skip('only root can mount the small tmpfs this needs'));

function describeFullDisk(): void {
  let mount: string;
  beforeAll(async () => {
    mount = path.join(directory, 'small');
    await mkdir(mount);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,nr_inodes=40', 'tmpfs', mount]);
  });
  afterAll(() => {
    execFileSync('umount', [mount]);
  });

  it('says that there is no room, leaves nothing behind and goes on with what fits', async () => {
    const own = await openDiskStore(mount);
    await own.create('fits/1', randomBytes(2 * 1024 * 1024));
    await expect(own.create('fits/2', randomBytes(6 * 1024 * 1024))).rejects.toMatchObject({ code: 'storage-full', retryable: false });
    expect(await readdir(path.join(mount, 'fits'))).toEqual(['1']);
    expect(await own.freeBytes()).toBeGreaterThan(1_500_000);
    await own.create('fits/2', randomBytes(1024 * 1024));
    expect(await keysOf(own, '')).toEqual(['fits/1', 'fits/2']);
  });

  it('says the same when the file system has no inodes left', async () => {
    const own = await openDiskStore(mount);
    const filling = async (): Promise<void> => {
      for (let number = 0; number < 60; number += 1) await own.create(`inodes/${number}`, new Uint8Array());
    };
    await expect(filling()).rejects.toMatchObject({ code: 'storage-full' });
  });

  it('says that the file system is read-only, and still reads', async () => {
    execFileSync('mount', ['-o', 'remount,ro', mount]);
    const own = await openDiskStore(mount);
    await expect(own.create('late', Buffer.from('x'))).rejects.toMatchObject({ code: 'storage-read-only', retryable: false });
    await expect(own.delete('fits/1')).rejects.toMatchObject({ code: 'storage-read-only' });
    expect((await own.read('fits/1')).byteLength).toBe(2 * 1024 * 1024);
  });
}

describe('disk store whose root is another directory than the one that was opened', () => {
  const IDENTITY = 'identity';
  let root: string;
  let own: ObjectStore;
  let number = 0;

  beforeEach(async () => {
    number += 1;
    root = path.join(directory, `rotated-${number}`);
    const making = await createDiskStore(root);
    await making.create(IDENTITY, Buffer.from(`repository ${number}`));
    await making.create('1/wal/a', Buffer.from('x'));
    own = await openDiskStore(root, IDENTITY);
  });

  /** Puts an empty directory where the root was: what an unmounted file system leaves. */
  async function unmount(): Promise<void> {
    await rename(root, `${root}-away`);
    await mkdir(root);
  }

  it('calls nothing absent there, makes nothing there, and lists nothing', async () => {
    await unmount();
    for (const call of [
      async () => await own.stat('1/wal/a'),
      async () => await own.stat('1/wal/b'),
      async () => await own.read('1/wal/a'),
      async () => await own.create('1/wal/b', Buffer.from('x')),
      async () => await own.create('new', Buffer.from('x')),
      async () => await own.delete('1/wal/a'),
      async () => await own.removeUnfinished(new Date()),
      async () => await own.freeBytes(),
      async () => await own.probe(),
      async () => await keysOf(own, ''),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'repository-missing', message: expect.stringContaining(root) });
    }
    expect(await readdir(root)).toEqual([]);
  });

  it('goes on when the same directory is back', async () => {
    await unmount();
    await expect(own.create('1/wal/b', Buffer.from('x'))).rejects.toMatchObject({ code: 'repository-missing' });
    await rm(root, { recursive: true });
    await rename(`${root}-away`, root);
    await own.create('1/wal/b', Buffer.from('x'));
    expect(await keysOf(own, '1/')).toEqual(['1/wal/a', '1/wal/b']);
  });

  it('writes and deletes nothing in another repository, which has the same directories', async () => {
    await rename(root, `${root}-away`);
    const other = await createDiskStore(root);
    await other.create(IDENTITY, Buffer.from('another repository'));
    await other.create('1/wal/a', Buffer.from('of the other'));
    for (const call of [
      async () => await own.create('1/wal/b', Buffer.from('x')),
      async () => await own.create('1/wal/a', Buffer.from('x')),
      async () => await own.stat('1/wal/a'),
      async () => await own.delete('1/wal/a'),
      async () => await keysOf(own, ''),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'repository-missing', detail: expect.stringContaining('another') });
    }
    expect(await keysOf(other, '')).toEqual(['1/wal/a', IDENTITY]);
  });

  it('goes on where the repository is the same, as when NFS is mounted again under another number', async () => {
    await rename(root, `${root}-away`);
    await cp(`${root}-away`, root, { recursive: true });
    await own.create('1/wal/b', Buffer.from('x'));
    expect((await own.stat('1/wal/c')) ?? 'absent').toBe('absent');
    expect(await keysOf(own, '1/')).toEqual(['1/wal/a', '1/wal/b']);
  });

  it('says so, too, where the root changed while an object was written or listed', async () => {
    const changing = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      await unmount();
      await mkdir(path.join(root, '1', 'wal'), { recursive: true });
    };
    await expect(own.create('1/wal/b', { stream: changing() })).rejects.toMatchObject({ code: 'repository-missing' });
    expect((await readdir(root, { recursive: true })).sort()).toEqual(['1', '1/wal']);
    await rm(root, { recursive: true });
    await rename(`${root}-away`, root);
    const listing = (async () => {
      for await (const { key } of own.list('')) if (key === '1/wal/a') await unmount();
    })();
    await expect(listing).rejects.toMatchObject({ code: 'repository-missing' });
  });

  it.runIf(isRoot)('says so when a file system is unmounted and mounted again', async () => {
    const behind = path.join(directory, `behind-${number}`);
    await rename(root, behind);
    await mkdir(root);
    execFileSync('mount', ['--bind', behind, root]);
    try {
      const mounted = await openDiskStore(root, IDENTITY);
      await mounted.create('1/wal/b', Buffer.from('x'));
      execFileSync('umount', [root]);
      await expect(mounted.create('1/wal/c', Buffer.from('x'))).rejects.toMatchObject({ code: 'repository-missing' });
      expect(await readdir(root)).toEqual([]);
      execFileSync('mount', ['--bind', behind, root]);
      await mounted.create('1/wal/c', Buffer.from('x'));
      expect(await keysOf(mounted, '1/wal/')).toEqual(['1/wal/a', '1/wal/b', '1/wal/c']);
    } finally {
      execFileSync('umount', [root]);
    }
  });
});

describe('disk store without permission', () => {
  it('says that the directory may not be written, listed or entered', async () => {
    const root = path.join(directory, 'closed');
    const own = await createDiskStore(root);
    await own.create('a/b', Buffer.from('x'));
    await chmod(root, 0o755);
    await chmod(path.join(root, 'a'), 0o000);
    await chmod(directory, 0o755);
    await asOrdinaryUser(async () => {
      const denied = await openDiskStore(root);
      await expect(denied.create('a/c', Buffer.from('x'))).rejects.toMatchObject({ code: 'storage-denied' });
      await expect(denied.read('a/b')).rejects.toMatchObject({ code: 'storage-denied' });
      await expect(denied.stat('a/b')).rejects.toMatchObject({ code: 'storage-denied' });
      await expect(keysOf(denied, 'a/')).rejects.toMatchObject({ code: 'storage-denied' });
      await expect(keysOf(denied, '')).rejects.toMatchObject({ code: 'storage-denied' });
    });
    await chmod(path.join(root, 'a'), 0o755);
  });
});

/** Permissions do not bind root: there, the work is done with the effective user of `nobody`. */
async function asOrdinaryUser(work: () => Promise<void>): Promise<void> {
  if (!isRoot) {
    await work();
    return;
  }
  process.seteuid?.('nobody');
  try {
    await work();
  } finally {
    process.seteuid?.(0);
  }
}

async function keysOf(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}
