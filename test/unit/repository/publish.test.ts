import { describe, expect, it } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { backupKey } from '../../../src/repository/layout.ts';
import { acquireLease, shutOut, type Lease } from '../../../src/repository/leases.ts';
import { readLease } from '../../../src/repository/lease-objects.ts';
import { readSummary } from '../../../src/repository/manifest.ts';
import { publishBackup } from '../../../src/repository/publish.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { withFaults, type StoreCall } from '../../backup/failing-store.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { fileOf, summaryOf, SYSTEM } from '../../backup/small-backups.ts';

const KEY = backupKey(SYSTEM, 'a');
const OUTAGE = new DbadminError('storage-failed', 'the storage does not answer');

interface World {
  readonly clock: ManualClock;
  /** Without faults. */
  readonly plain: Repository;
  readonly repository: Repository;
  readonly lease: Lease;
}

/** `fault` is asked about each call from the moment on when the manifest is there. */
async function world(fault: (call: StoreCall) => void, signal?: AbortSignal): Promise<World> {
  const clock = new ManualClock();
  const identity = { format: 2, id: '0'.repeat(32), createdAt: '', tool: 'x', encryption: 'none', conditionalCreate: true } as const;
  const memory = createMemoryStore(clock);
  let isPublished = false;
  const store = withFaults(memory, (call) => {
    if (isPublished) fault(call);
    if (call.operation === 'create' && call.key === KEY) isPublished = true;
  });
  const repository = { store, identity, keys: undefined };
  const lease = await acquireLease(repository, SYSTEM, 'backup', {
    clock,
    log: silentLog,
    command: 'backup run',
    ...(signal === undefined ? {} : { signal }),
  });
  return { clock, plain: { ...repository, store: memory }, repository, lease };
}

async function publish({ clock, repository, lease }: World): Promise<unknown> {
  const publishing = publishBackup(repository, lease, summaryOf('a'), [fileOf([Buffer.from('x')])]);
  return await clock.until(publishing.then(() => 'published').catch((error: unknown) => error));
}

describe('publishBackup', () => {
  it('asks again while the storage does not answer after the manifest, and keeps the backup when the lease was held', async () => {
    let failures = 0;
    const at = await world(({ operation }) => {
      if (operation !== 'list' || failures >= 8) return;
      failures += 1;
      throw OUTAGE;
    });
    expect(await publish(at)).toBe('published');
    expect(failures).toBe(8);
    expect(await at.plain.store.stat(KEY)).toBeDefined();
  });

  it('keeps a complete backup through an outage that does not end, and says that it is there and what is not known', async () => {
    const at = await world(() => {
      throw OUTAGE;
    });
    const begun = at.clock.now().getTime();
    expect(await publish(at)).toMatchObject({
      code: 'partly-done',
      message: expect.stringContaining('backup a is in memory'),
      detail: expect.stringContaining('the storage does not answer'),
      hint: expect.stringContaining('backup verify'),
    });
    expect(at.clock.now().getTime() - begun).toBeGreaterThan(120_000);
    expect(await at.plain.store.stat(KEY)).toBeDefined();
  });

  it('says that the backup is there when it is interrupted while the storage does not answer', async () => {
    const stop = new AbortController();
    const at = await world(() => {
      throw OUTAGE;
    }, stop.signal);
    const publishing = publish(at);
    await at.clock.advance(1000);
    stop.abort(new DbadminError('interrupted', 'interrupted by SIGINT'));
    expect(await publishing).toMatchObject({
      code: 'interrupted',
      message: 'interrupted by SIGINT',
      detail: expect.stringContaining('Backup a is in memory, but it is not known whether all of it stays'),
      hint: expect.stringContaining('backup verify'),
    });
    expect(await at.plain.store.stat(KEY)).toBeDefined();
  });

  it('keeps in the manifest whether the storage locks, whatever a summary that is copied says of another one', async () => {
    const at = await world(() => undefined);
    const { store } = at.plain;
    const locking = { ...at.repository, store: { ...at.repository.store, capabilities: { ...store.capabilities, lockDays: 30 } } };
    await publishBackup(locking, at.lease, summaryOf('a'), []);
    await publishBackup(at.repository, at.lease, summaryOf('b', { lockDays: 7 }), []);
    expect(await readSummary(at.plain, SYSTEM, 'a')).toHaveProperty('lockDays', 30);
    expect(await readSummary(at.plain, SYSTEM, 'b')).not.toHaveProperty('lockDays');
    await at.lease.release();
  });

  it('takes the manifest back when the lease was lost meanwhile, also when the outage came first', async () => {
    let failures = 0;
    const at = await world(({ operation }) => {
      if (operation !== 'list' || failures >= 3) return;
      failures += 1;
      throw OUTAGE;
    });
    const held = await readLease(at.plain.store, SYSTEM, 'backup');
    if (held === undefined) throw new Error('there is no lease');
    const publishing = publish(at);
    await at.clock.advance(1000);
    await shutOut(at.plain, SYSTEM, 'backup', held);
    expect(await publishing).toMatchObject({ code: 'locked', message: expect.stringContaining('was lost') });
    expect(await at.plain.store.stat(KEY)).toBeUndefined();
  });

  it('names the manifest to remove when it may not be taken back, and says that the lease was lost', async () => {
    let at: World | undefined;
    let isShutOut = false;
    at = await world(({ operation, key }) => {
      if (operation === 'list' && !isShutOut) throw OUTAGE;
      if (operation === 'delete' && key === KEY) throw new DbadminError('storage-denied', 'the storage denies access: deleting it');
    });
    const held = await readLease(at.plain.store, SYSTEM, 'backup');
    if (held === undefined) throw new Error('there is no lease');
    const publishing = publish(at);
    await at.clock.advance(1000);
    await shutOut(at.plain, SYSTEM, 'backup', held);
    isShutOut = true;
    expect(await publishing).toMatchObject({
      code: 'locked',
      message: expect.stringContaining('was lost'),
      detail: expect.stringContaining('denies access'),
      hint: expect.stringContaining(KEY),
    });
  });
});
