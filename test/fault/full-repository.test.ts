import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, statfs, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expireLineage, planLineage, type ExpireOptions } from '../../src/backup/expire/run.ts';
import { systemClock } from '../../src/base/clock.ts';
import { DbadminError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { createRepository, ensureClusterIdentity } from '../../src/repository/identity.ts';
import { shutOut, acquireLease } from '../../src/repository/leases.ts';
import { readLease } from '../../src/repository/lease-objects.ts';
import { readMarks } from '../../src/repository/marks.ts';
import { writeManifest } from '../../src/repository/manifest.ts';
import { openRepository, type Repository } from '../../src/repository/repository.ts';
import { ensureReserve, RESERVE_KEY, withReserve } from '../../src/repository/reserve.ts';
import { createDiskStore } from '../../src/storage/disk.ts';
import { withFaults } from '../backup/failing-store.ts';
import { makeDirectory, removeDirectory } from '../backup/repository.ts';
import { fileOf, readAllBackups, summaryOf, SYSTEM, writePacks } from '../backup/small-backups.ts';

const CLUSTER = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: 1024 * 1024 };
const KEEP = { last: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
const OPTIONS: ExpireOptions = {
  retention: { windowMs: undefined, keep: KEEP, minimum: 1, dumps: undefined, timeZone: 'UTC' },
  graceMs: 0,
  clock: systemClock,
  log: silentLog,
  signal: new AbortController().signal,
};

if (process.geteuid?.() === 0) describe('a repository on a disk that is full', describeFull);
else it('a repository on a disk that is full', (context) => context.skip('only root can mount the small tmpfs this needs'));

function describeFull(): void {
  let directory: string;
  let mount: string;
  let repository: Repository;

  beforeEach(async () => {
    directory = await makeDirectory();
    mount = path.join(directory, 'small');
    await mkdir(mount);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=80m', 'tmpfs', mount]);
    const store = await createDiskStore(mount);
    const identity = { format: 2, id: 'f'.repeat(32), createdAt: '', tool: 'x', encryption: 'none', conditionalCreate: true } as const;
    await createRepository(store, identity);
    repository = await openRepository(store, { kind: 'none' });
    await ensureClusterIdentity(repository, CLUSTER);
    for (const n of [1, 2, 3]) {
      const content = randomBytes(100_000);
      await writePacks(repository, [content], new Date());
      const lsn = `0/${n + 1}000028`;
      const at = `2026-11-2${n}T00:00:00.000Z`;
      const times = { startedAt: at, finishedAt: at, startLsn: lsn, stopLsn: `0/${n + 1}000120` };
      await writeManifest(repository, summaryOf(`2026112${n}T000000Z-full`, times), [fileOf([content])]);
    }
  });

  afterEach(async () => {
    await repository.store.close();
    execFileSync('umount', [mount]);
    await removeDirectory(directory);
  });

  /** Takes every block that is left, as WAL that keeps coming does. */
  async function fill(): Promise<void> {
    for (let size = 1024 * 1024, n = 0; size >= 4096; n += 1) {
      const file = path.join(mount, `taken-${n}`);
      const { bavail, bsize } = await statfs(mount);
      if (bavail * bsize < size) size /= 2;
      else await writeFile(file, randomBytes(size)).catch(() => undefined);
    }
    const { bavail } = await statfs(mount);
    expect(bavail).toBe(0);
  }

  const backupsLeft = async (): Promise<number> => (await readdir(path.join(mount, SYSTEM, 'backups'))).length;

  it('expires what retention lets go, by its reserve', async () => {
    await ensureReserve(repository.store);
    expect((await repository.store.stat(RESERVE_KEY))?.sizeBytes).toBe(4 * 1024 * 1024);
    await fill();
    const outcome = await expireLineage(repository, CLUSTER, OPTIONS);
    expect(outcome.expired.backups).toHaveLength(2);
    expect(await backupsLeft()).toBe(1);
    // The second frees what the first has marked; until then WAL has taken all that was free.
    await fill();
    const next = await expireLineage(repository, CLUSTER, OPTIONS);
    expect(next.collected).toMatchObject({ deleted: { packs: 2 } });
  });

  it('deletes packs though no shorter index can be written, and the index when there is room again', async () => {
    // One index names packs that go and one that stays, so that it has to be written anew.
    const [going, staying] = [randomBytes(100_000), randomBytes(100_000)];
    await writePacks(repository, [going, staying], new Date(), 1);
    const summary = summaryOf('20261124T000000Z-full', {
      finishedAt: '2026-11-24T00:00:00.000Z',
      startLsn: '0/5000028',
      stopLsn: '0/5000120',
    });
    await writeManifest(repository, summary, [fileOf([staying])]);
    await expireLineage(repository, CLUSTER, OPTIONS);
    let isFull = true;
    const store = withFaults(repository.store, ({ operation, key }) => {
      if (isFull && operation === 'create' && key.startsWith(`${SYSTEM}/indexes/`))
        throw new DbadminError('storage-full', 'no room for it');
    });
    expect((await expireLineage({ ...repository, store }, CLUSTER, OPTIONS)).collected).toMatchObject({ deleted: { packs: 4 } });
    expect((await readMarks(repository, SYSTEM)).size).toBe(1);
    isFull = false;
    await expireLineage({ ...repository, store }, CLUSTER, OPTIONS);
    expect((await readMarks(repository, SYSTEM)).size).toBe(0);
    expect(await readAllBackups(repository)).toEqual([summary.label]);
  });

  it('shows the plan, which changes nothing', async () => {
    await fill();
    const plan = await planLineage(repository, CLUSTER, OPTIONS);
    expect(plan.backups.filter(({ reasons }) => reasons.length === 0)).toHaveLength(2);
    expect(await backupsLeft()).toBe(3);
  });

  it('has the leftovers of killed writers removed before anything else needs room', async () => {
    await ensureReserve(repository.store);
    const leftover = path.join(mount, SYSTEM, 'packs', `${'a'.repeat(32)}.0123456789abcdef.tmp`);
    await writeFile(leftover, Buffer.alloc(1024 * 1024));
    await utimes(leftover, new Date(0), new Date(0));
    await fill();
    expect((await expireLineage(repository, CLUSTER, OPTIONS)).leftovers).toBe(1);
  });

  it('has its reserve again at once, of what is left, and the whole as soon as there is room', async () => {
    await ensureReserve(repository.store);
    await fill();
    await expireLineage(repository, CLUSTER, OPTIONS);
    const { sizeBytes = 0 } = (await repository.store.stat(RESERVE_KEY)) ?? {};
    expect(sizeBytes).toBeGreaterThan(2 * 1024 * 1024);
    expect(sizeBytes).toBeLessThan(4 * 1024 * 1024);
    for (const name of await readdir(mount)) if (name.startsWith('taken-')) execFileSync('rm', [path.join(mount, name)]);
    await expireLineage(repository, CLUSTER, OPTIONS);
    expect(await repository.store.stat(RESERVE_KEY)).toMatchObject({ sizeBytes: 4 * 1024 * 1024 });
  });

  it('can be emptied again and again, though nothing stays free in between', async () => {
    await ensureReserve(repository.store);
    for (let round = 0; round < 5; round += 1) {
      await fill();
      await expireLineage(repository, CLUSTER, OPTIONS);
    }
    expect((await repository.store.stat(RESERVE_KEY))?.sizeBytes).toBeGreaterThanOrEqual(2 * 1024 * 1024);
  });

  it('has a lease broken that somebody left behind', async () => {
    await ensureReserve(repository.store);
    const lease = await acquireLease(repository, SYSTEM, 'backup', { clock: systemClock, log: silentLog, command: 'backup run' });
    await fill();
    const held = await readLease(repository.store, SYSTEM, 'backup');
    if (held === undefined) throw new Error('nobody holds the lease');
    expect(await shutOut(withReserve(repository, silentLog), SYSTEM, 'backup', held)).toBe(true);
    await lease.release();
  });

  it('makes no reserve where there is hardly room for backups', async () => {
    await writeFile(path.join(mount, 'taken'), Buffer.alloc(30 * 1024 * 1024));
    await ensureReserve(repository.store);
    expect(await repository.store.stat(RESERVE_KEY)).toBeUndefined();
  });
}
