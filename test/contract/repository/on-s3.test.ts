import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { expireLineage } from '../../../src/backup/expire/run.ts';
import type { Retention } from '../../../src/backup/expire/retention.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { FORMAT } from '../../../src/repository/identity.ts';
import { packPrefix } from '../../../src/repository/layout.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import { readMarks } from '../../../src/repository/marks.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { openS3Store } from '../../../src/storage/s3.ts';
import { fileOf, readAllBackups, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';
import { findMoto, MOTO_ABSENT, startMoto } from '../../s3/moto.ts';
import type { TestS3 } from '../../s3/server.ts';

const CLUSTER = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: 1024 * 1024 };
const content = (n: number): Buffer => Buffer.from(`page ${n} `.repeat(30));

const command = findMoto();
if (command === undefined) it('leases and collection on moto', (context) => context.skip(MOTO_ABSENT));
else {
  describe('on moto', () => {
    let server: TestS3;
    let repository: Repository;

    beforeAll(async () => {
      server = await startMoto(command);
      const store = await openS3Store(server.options({ conditionalCreate: true }));
      const identity = {
        format: FORMAT,
        id: '0'.repeat(32),
        createdAt: '',
        tool: 'x',
        encryption: 'none',
        conditionalCreate: true,
      } as const;
      repository = { store, identity, keys: undefined };
    });

    afterAll(async () => {
      await repository.store.close();
      await server.stop();
    });

    const acquire = async (): Promise<Awaited<ReturnType<typeof acquireLease>>> =>
      await acquireLease(repository, SYSTEM, 'backup', { clock: systemClock, log: silentLog, command: 'backup run' });

    test('one of many gets a lease, and the next when it is released', async () => {
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, acquire));
      const leases = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(leases).toHaveLength(1);
      for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'locked' });
      await leases[0]?.check();
      await leases[0]?.release();
      await (await acquire()).release();
    });

    test('what retention lets go is removed, and content that nothing needs is marked, then freed', async () => {
      for (const n of [1, 2, 3]) {
        await writePacks(repository, [content(n), content(n + 10)], new Date());
        const lsns = { startLsn: `0/${n}000028`, stopLsn: `0/${n}000100` };
        await writeManifest(repository, summaryOf(`b${n}`, { finishedAt: new Date().toISOString(), ...lsns }), [
          fileOf([content(n), content(n + 10)]),
        ]);
      }
      const keep = { last: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
      const retention: Retention = { windowMs: undefined, keep, minimum: 1, dumps: undefined, timeZone: 'UTC' };
      // The store's times are of whole seconds.
      const options = { retention, graceMs: 1000, clock: systemClock, log: silentLog, signal: new AbortController().signal };
      await systemClock.sleep(2000);
      const first = await expireLineage(repository, CLUSTER, options);
      expect(first).toMatchObject({ expired: { backups: ['b1', 'b2'] }, collected: { marked: { packs: 2 }, deleted: { packs: 0 } } });
      await systemClock.sleep(2000);
      expect(await expireLineage(repository, CLUSTER, options)).toMatchObject({ collected: { deleted: { packs: 2 } } });
      expect(await readAllBackups(repository)).toEqual(['b3']);
      expect((await readMarks(repository, SYSTEM)).size).toBe(0);
      const packs: string[] = [];
      for await (const { key } of repository.store.list(packPrefix(SYSTEM))) packs.push(key);
      expect(packs).toHaveLength(1);
    });
  });
}
