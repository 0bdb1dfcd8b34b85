import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore, startReceiver } from '../../backup/repository.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const CLIENTS = 4;
/** A restore each; `npm run test:pitr` takes 20. */
const MOMENTS = Number(process.env['DBADMIN_TEST_MOMENTS'] ?? 8);
const WRITING_MS = 6000;

/** A commit as its client knows it: when it was begun, and when COMMIT had returned. */
interface Acknowledged {
  readonly client: number;
  readonly n: number;
  readonly begunMs: number;
  readonly returnedMs: number;
}

/** Writes numbered commits until told to stop or the server is gone; the log stays here, outside of the cluster. */
async function writeNumbered(url: string, client: number, log: Acknowledged[], isOver: () => boolean): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    for (let n = 1; !isOver(); n += 1) {
      const begunMs = performance.timeOrigin + performance.now();
      await sql.begin(
        async (transaction) => await transaction`insert into numbered values (${client}, ${n}, pg_current_xact_id()::text::bigint)`,
      );
      log.push({ client, n, begunMs, returnedMs: performance.timeOrigin + performance.now() });
    }
  } catch (error) {
    if (!isOver()) throw error;
  } finally {
    await sql.end({ timeout: 1 }).catch(() => undefined);
  }
}

/** Deterministic numbers in [0, 1). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

test.each(drawn(import.meta.filename, [17, 18]))(
  'PostgreSQL %i: each of many moments gives a prefix of the commits, with all acknowledged before it and none begun after it',
  async (major) => {
    const directory = await makeDirectory();
    const cluster = await startTestCluster({ major, settings: { fsync: 'on', checkpoint_timeout: '1h', max_wal_size: '4GB' } });
    let isLost = false;
    try {
      const repository = await makeRepository(path.join(directory, 'repository'));
      const sql = postgres(cluster.url(), { max: 1 });
      await sql`create table numbered (client int, n int, xid bigint, primary key (client, n))`;
      const receiver = startReceiver(cluster, repository);
      const log: Acknowledged[] = [];
      let over = false;
      const clients = Array.from({ length: CLIENTS }, async (_, client) => await writeNumbered(cluster.url(), client, log, () => over));
      await backUp(cluster, repository);
      await sql.end();
      const fromMs = Date.now();
      await new Promise((resolve) => setTimeout(resolve, WRITING_MS));
      const untilMs = Date.now();
      // Longer than the receiver's rpo: what is promised is everything older than that.
      await new Promise((resolve) => setTimeout(resolve, 1000));
      over = true;
      await cluster.crash();
      await Promise.all(clients);
      await receiver.stop();
      await cluster.stop();
      isLost = true;
      const seed = 20_261_121 + major;
      const random = seeded(seed);
      const moments = Array.from({ length: MOMENTS }, () => Math.floor(fromMs + random() * (untilMs - fromMs))).sort((a, b) => a - b);
      process.stderr.write(`point in time on ${major}: ${log.length} commits by ${CLIENTS} clients, seed ${seed}\n`);
      let earlier = new Set<string>();
      for (const [index, moment] of moments.entries()) {
        const clone = await restore({
          repository,
          target: { kind: 'time', at: new Date(moment) },
          into: path.join(directory, `clone-${index}`),
        });
        const reader = postgres(clone.url, { max: 1 });
        const rows = await reader<{ client: number; n: number; xid: string }[]>`select client, n, xid::text from numbered`;
        await reader.end();
        const present = new Set(rows.map(({ client, n }) => `${client}/${n}`));
        const missing = log.filter(({ client, n, returnedMs }) => returnedMs < moment && !present.has(`${client}/${n}`));
        const early = log.filter(({ client, n, begunMs }) => begunMs > moment + 1 && present.has(`${client}/${n}`));
        expect(missing, `acknowledged before ${moment} and lost`).toEqual([]);
        expect(early, `begun after ${moment} and there`).toEqual([]);
        for (let client = 0; client < CLIENTS; client += 1) {
          const mine = rows.filter((row) => row.client === client).map(({ n }) => n);
          expect(Math.max(0, ...mine)).toBe(mine.length);
        }
        // Prefixes of one order lie inside each other.
        expect([...earlier].filter((each) => !present.has(each))).toEqual([]);
        earlier = present;
        const { before } = clone.preflight.resolution;
        if (before !== undefined && rows.length > 0) expect(rows.some(({ xid }) => xid === before.xid)).toBe(true);
        await clone.stop();
        await removeDirectory(path.join(directory, `clone-${index}`));
      }
      expect(earlier.size).toBeGreaterThan(100);
    } finally {
      if (!isLost) await cluster.stop();
      await removeDirectory(directory);
    }
  },
  600_000,
);
