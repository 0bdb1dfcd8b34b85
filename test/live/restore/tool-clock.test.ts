import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { systemClock, type Clock } from '../../../src/base/clock.ts';
import { inspectLineage, readLineage } from '../../../src/backup/lineage-inspect.ts';
import { recoverableWindows } from '../../../src/backup/windows.ts';
import { preflightOf } from '../../backup/preflight.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** That of a machine which is 90 s behind the server's. */
const behind: Clock = { ...systemClock, now: () => new Date(Date.now() - 90_000) };

const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

test.each(drawn(import.meta.filename, [15, 18]))(
  'PostgreSQL %i: a backup that was taken after the moment is not taken for one from before it, though the clock of its tool says so',
  async (major) => {
    const directory = await makeDirectory();
    const repository = await makeRepository(path.join(directory, 'repository'));
    const cluster = await startTestCluster({ major });
    const receiver = startReceiver(cluster, repository);
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    try {
      await sql`create table step as select 1 as n`;
      await pause(50);
      const moment = new Date();
      await pause(50);
      await sql`delete from step`;
      await pause(1100);
      const later = await backUp(cluster, repository, { clock: behind });
      expect(new Date(later.finishedAt).getTime()).toBeLessThan(moment.getTime());
      expect(new Date(later.checkpointAt ?? 0).getTime()).toBeGreaterThan(moment.getTime() - 1);
      const covered = async (): Promise<boolean> =>
        ((await inspectLineage(repository, 'main')).coverage.timelines.get(1)?.horizon?.at ?? new Date(0)) > moment;
      await expect.poll(covered, { timeout: 20_000 }).toBe(true);
      const into = path.join(directory, 'clone');
      await expect(preflightOf(repository, into, { target: { kind: 'time', at: moment } })).rejects.toMatchObject({
        code: 'target-unreachable',
      });
      // From the moments after it, it is taken.
      await pause(2500);
      const after = new Date();
      const isLater = async (): Promise<boolean> =>
        ((await inspectLineage(repository, 'main')).coverage.timelines.get(1)?.horizon?.at ?? new Date(0)) > after;
      await expect.poll(isLater, { timeout: 20_000 }).toBe(true);
      const { resolution } = await preflightOf(repository, into, { target: { kind: 'time', at: after } });
      expect(resolution.backup.label).toBe(later.label);
      // What is offered first can be had.
      const contents = await inspectLineage(repository, 'main');
      const [window] = recoverableWindows(contents, await readLineage(contents), contents.coverage);
      const first = { kind: 'time', at: new Date(window?.from ?? 0) } as const;
      expect((await preflightOf(repository, into, { target: first })).resolution.backup.label).toBe(later.label);
      expect(first.at.getTime()).toBeGreaterThan(moment.getTime());
    } finally {
      await sql.end();
      await receiver.stop();
      await cluster.stop();
      await removeDirectory(directory);
    }
  },
  120_000,
);
