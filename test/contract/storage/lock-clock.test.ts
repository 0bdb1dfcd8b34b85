import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { checkLocks } from '../../../src/backup/check-locks-inspect.ts';
import { lockBackup } from '../../../src/repository/lock-backup.ts';
import { IDENTITY_KEY } from '../../../src/repository/layout.ts';
import { lockEnd, withRetention } from '../../../src/repository/retained-store.ts';
import { openStore } from '../../../src/storage/open.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { summaryOf, SYSTEM } from '../../backup/small-backups.ts';
import { startFaultyProxy, type FaultyProxy } from '../../s3/faulty-proxy.ts';
import { findMoto, LOCKING_BUCKET, MOTO_ABSENT, startMoto } from '../../s3/moto.ts';
import type { TestS3 } from '../../s3/server.ts';

const DAY_MS = 86_400_000;
const LOCK_DAYS = 30;
const moto = findMoto();
if (moto === undefined) it('locks where a clock is wrong', (context) => context.skip(MOTO_ABSENT));
else describe('locks where the clock of this machine is wrong', () => describeLockClock(moto));

function describeLockClock(command: readonly string[]): void {
  let server: TestS3;
  let way: FaultyProxy;

  beforeAll(async () => {
    server = await startMoto(command);
    way = await startFaultyProxy(server.endpoint);
  });

  afterAll(async () => {
    await way.stop();
    await server.stop();
  });

  /** Works on a store whose server says that it is so much later than it is here. */
  async function whereAhead(aheadMs: number, prefix: string, work: (store: ObjectStore) => Promise<void>): Promise<void> {
    way.plan(() => ({ kind: 'other-time', aheadMs }));
    const place = server.options({ endpoint: way.endpoint, bucket: LOCKING_BUCKET, prefix, lockMode: 'compliance' });
    const store = await openStore({ type: 's3', ...place }, { clock: systemClock, random: () => 0, conditionalCreate: true });
    try {
      await work(withRetention(store, { lockDays: LOCK_DAYS, clock: systemClock }));
    } finally {
      await store.close();
    }
  }

  /** The ends that are right around now: a day of the server's may end between. */
  function endsAt(aheadMs: number): readonly Date[] {
    return [-60_000, 0, 60_000].map((offMs) => lockEnd(new Date(Date.now() + aheadMs + offMs), LOCK_DAYS));
  }

  it.each([
    ['ahead', -10 * DAY_MS],
    ['behind', 10 * DAY_MS],
  ])('%s, they end so many days from now by the clock of the server', async (name, aheadMs) => {
    await whereAhead(aheadMs, name, async (store) => {
      const pack = `${SYSTEM}/packs/ab/${'ab'.repeat(16)}`;
      const made = [IDENTITY_KEY, `clusters/${SYSTEM}`, pack];
      for (const key of made) await store.create(key, Buffer.from('content'));
      for (const key of made) expect(endsAt(aheadMs)).toContainEqual((await store.stat(key))?.lockedUntil);
      const manifest = `${SYSTEM}/backups/20261121T203001Z-full`;
      await store.create(manifest, Buffer.from('content'));
      const identity = { format: 2, id: 'f'.repeat(32), createdAt: '', tool: 'test', encryption: 'none', conditionalCreate: true } as const;
      const backup = { summary: summaryOf('20261121T203001Z-full'), packs: ['ab'.repeat(16)] };
      const report = await lockBackup({ store, identity, keys: undefined }, backup, systemClock);
      expect(endsAt(aheadMs)).toContainEqual(report?.until);
      expect(endsAt(aheadMs)).toContainEqual((await store.stat(manifest))?.lockedUntil);
    });
  });

  it('by minutes, the object that is tried is locked by the clock of the server', async () => {
    await whereAhead(5 * 60_000, 'minutes', async (store) => {
      expect(await checkLocks('repository far', store)).toMatchObject([{ state: 'ok' }]);
      for await (const { key } of store.list('check-lock-'))
        expect((await store.stat(key))?.lockedUntil?.getTime()).toBeGreaterThan(Date.now() + 5 * 60_000);
    });
  });
}
