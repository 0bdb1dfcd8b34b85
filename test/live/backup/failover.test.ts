import { existsSync } from 'node:fs';
import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore, startReceiver } from '../../backup/repository.ts';
import { startStandby } from '../../backup/standby.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** A primary of the story: what is written to it, where that lies in the WAL, and what its standby has of it. */
class Primary {
  readonly cluster: TestCluster;
  readonly #sql: postgres.Sql;

  constructor(cluster: TestCluster) {
    this.cluster = cluster;
    this.#sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  }

  /** Inserts a row; gives the position behind its commit. */
  async write(n: number): Promise<string> {
    await this.#sql`insert into step values (${n})`;
    const [row] = await this.#sql<{ lsn: string }[]>`select pg_current_wal_insert_lsn()::text as lsn`;
    return row?.lsn ?? '';
  }

  async run(statement: string): Promise<void> {
    await this.#sql.unsafe(statement);
  }

  /** Waits until a question is answered with true. */
  async until(question: string): Promise<void> {
    await expect
      .poll(async () => (await this.#sql.unsafe<{ is: boolean }[]>(`select ${question} as is`))[0]?.is, { timeout: 30_000 })
      .toBe(true);
  }

  async end(): Promise<void> {
    await this.#sql.end();
  }
}

/** The standby has all up to a position, and gets nothing more: what the primary writes from now on is lost with it. */
async function cutOff(standby: Primary, lsn: string): Promise<void> {
  await standby.until(`pg_last_wal_replay_lsn() >= '${lsn}'`);
  await standby.run(`alter system set primary_conninfo = ''`);
  await standby.run('select pg_reload_conf()');
  await standby.until('not exists (select from pg_stat_wal_receiver)');
}

test.each(drawn(import.meta.filename, [15, 18]))(
  'PostgreSQL %i: after three failovers, the last to a server without the first history file, each of the four timelines is there, to its end and to a moment',
  async (major) => {
    const directory = await makeDirectory();
    const repository = await makeRepository(path.join(directory, 'repository'));
    const cluster = await startTestCluster({ major, provider: 'embedded' });
    const stops: (() => Promise<void>)[] = [async () => await cluster.stop()];
    const moments = new Map<number, string>();
    try {
      const first = new Primary(cluster);
      await first.run('create table step (n int)');
      let receiver = startReceiver(cluster, repository);
      await backUp(cluster, repository);
      let primary = first;
      for (const timeline of [1, 2, 3]) {
        const made = await startStandby(primary.cluster, repository, path.join(directory, `standby-${timeline}`));
        stops.push(async () => await made.stop());
        const standby = new Primary(made.standby);
        moments.set(timeline, await primary.write(timeline * 10));
        await cutOff(standby, await primary.write(timeline * 10 + 1));
        // Acknowledged, in the repository, and on no server any more after what follows.
        const lost = await primary.write(-timeline);
        await primary.until(`(select flush_lsn >= '${lost}' from pg_stat_replication where application_name = 'dbadmin wal receive')`);
        await primary.end();
        await (timeline === 1 ? cluster.crash() : stops.at(-2)?.());
        await receiver.stop();
        await standby.run('select pg_promote(true, 60)');
        receiver = startReceiver(made.standby, repository);
        // What is made from a backup of timeline 3 gets the histories from there on.
        if (timeline === 3) expect(existsSync(path.join(directory, 'standby-3', 'pg_wal', '00000002.history'))).toBe(false);
        else await backUp(made.standby, repository);
        primary = standby;
      }
      moments.set(4, await primary.write(40));
      const end = await primary.write(41);
      await primary.until(`(select flush_lsn >= '${end}' from pg_stat_replication where application_name = 'dbadmin wal receive')`);
      await receiver.stop();
      await primary.end();
      const expected: readonly (readonly [timeline: number, toEnd: readonly number[], toMoment: readonly number[]])[] = [
        [1, [10, 11, -1], [10]],
        [2, [10, 11, 20, 21, -2], [10, 11, 20]],
        [3, [10, 11, 20, 21, 30, 31, -3], [10, 11, 20, 21, 30]],
        [4, [10, 11, 20, 21, 30, 31, 40, 41], [10, 11, 20, 21, 30, 31, 40]],
      ];
      for (const [timeline, toEnd, toMoment] of expected) {
        const lsn = parseLsn(moments.get(timeline) ?? '');
        for (const [target, rows] of [
          [{ kind: 'latest' }, toEnd],
          [{ kind: 'lsn', lsn }, toMoment],
        ] as const) {
          const into = path.join(directory, `${timeline}-${target.kind}`);
          const clone = await restore({ repository, target, timeline, into, ...(target.kind === 'lsn' ? { exclusive: true } : {}) });
          const reader = postgres(clone.url, { max: 1 });
          expect(
            (await reader<{ n: number }[]>`select n from step`).map(({ n }) => n),
            `${target.kind} on ${timeline}`,
          ).toEqual(rows);
          expect(clone.started.timeline).toBe(5);
          await reader.end();
          await clone.stop();
        }
      }
    } finally {
      for (const stop of stops.reverse()) await stop();
      await removeDirectory(directory);
    }
  },
  300_000,
);
