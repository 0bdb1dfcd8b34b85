import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { BlobIndex, readIndex } from '../../src/repository/blob-index.ts';
import { collect, type Collected } from '../../src/repository/collection.ts';
import { backupKey, indexPrefix, packPrefix } from '../../src/repository/layout.ts';
import { acquireLease } from '../../src/repository/leases.ts';
import { listLabels } from '../../src/repository/live-blobs.ts';
import { readMarks, verifyPacks } from '../../src/repository/marks.ts';
import { publishBackup } from '../../src/repository/publish.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { createMemoryStore } from '../../src/storage/memory.ts';
import type { ObjectStore } from '../../src/storage/store.ts';
import { Interleaving } from '../backup/interleaving.ts';
import { ManualClock } from '../backup/manual-clock.ts';
import { fileOf, hashOf, readAllBackups, summaryOf, SYSTEM, writePacks } from '../backup/small-backups.ts';

/** The full measure: DBADMIN_TEST_INTERLEAVINGS=2000. */
const RUNS = Number(process.env['DBADMIN_TEST_INTERLEAVINGS'] ?? '12');
const STEPS = 2000;
const DAY_MS = 86_400_000;
const IDENTITY = { format: 2, id: '0'.repeat(32), createdAt: '', tool: 'x', encryption: 'none', conditionalCreate: true } as const;

const content = (n: number): Buffer => Buffer.from(`content ${n} `.repeat(20 + (n % 7)));

/** A backup as `backup run` writes one: what the repository has is adopted, the rest stored. */
async function backUp(repository: Repository, clock: Clock, label: string, contents: readonly Buffer[]): Promise<void> {
  const lease = await acquireLease(repository, SYSTEM, 'backup', { clock, log: silentLog, command: 'backup run' });
  try {
    const known = await BlobIndex.load(repository, SYSTEM, { skipPacks: await readMarks(repository, SYSTEM) });
    const adopted = new Set(contents.flatMap((each) => known.find(hashOf(each))?.pack ?? []));
    const missing = contents.filter((each) => known.find(hashOf(each)) === undefined);
    await writePacks(repository, missing, clock.now());
    await verifyPacks(repository, SYSTEM, adopted);
    await publishBackup(repository, lease, summaryOf(label), [fileOf(contents)]);
  } finally {
    await lease.release();
  }
}

/** As `backup expire --apply` does it, with `removed` as what retention lets go. */
async function expireAndCollect(
  repository: Repository,
  clock: Clock,
  graceMs: number,
  removed: (labels: readonly string[]) => readonly string[],
): Promise<Collected> {
  const lease = await acquireLease(repository, SYSTEM, 'expire', { clock, log: silentLog, command: 'backup expire' });
  try {
    for (const label of removed(await listLabels(repository, SYSTEM))) await repository.store.delete(backupKey(SYSTEM, label));
    const signal = new AbortController().signal;
    return await collect(repository, SYSTEM, { lease, graceMs, clock, log: silentLog, signal });
  } finally {
    await lease.release();
  }
}

/** Evenly distributed numbers in [0, 1). @see https://en.wikipedia.org/wiki/Xorshift */
function randomOf(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  };
}

interface Tally {
  backups: number;
  crashes: number;
  packsDeleted: number;
  packsCompacted: number;
  jumps: number;
}

/** One history: backups, expiries, crashes, pauses and clocks that are set, one storage call at a time. */
async function runHistory(random: () => number, tally: Tally): Promise<void> {
  const clock = new ManualClock();
  const store = createMemoryStore(clock);
  const order = new Interleaving(random);
  const repositoryOf = (on: ObjectStore): Repository => ({ store: on, identity: IDENTITY, keys: undefined });
  // Shorter than any backup, too: the leases alone must keep what is needed.
  const graceMs = [60_000, 3_600_000, 25 * 3_600_000][Math.floor(random() * 3)] ?? 0;
  let labels = 0;
  let crowd = 2;
  const start = (): void => {
    const actor = order.actor(store, clock);
    const repository = repositoryOf(actor.store);
    if (random() < 0.6) {
      const label = `backup-${(labels += 1)}`;
      const first = Math.floor(random() * 60);
      const contents = Array.from({ length: 12 }, (_, n) => content(first + n));
      actor.run(backUp(repository, actor.clock, label, contents).then(() => void (tally.backups += 1)));
    } else {
      const keep = 1 + Math.floor(random() * 4);
      actor.run(
        expireAndCollect(repository, actor.clock, graceMs, (all) =>
          all.slice(0, Math.max(0, all.length - keep)).filter(() => random() < 0.7),
        ).then((collected) => {
          tally.packsDeleted += collected.deleted.packs;
          tally.packsCompacted += collected.compacted.packs;
        }),
      );
    }
  };
  for (let step = 0; step < STEPS; step += 1) {
    if (random() < 0.02) crowd = Math.floor(random() * 4);
    if (order.running < crowd && random() < 0.2) start();
    if (random() < 0.003 && order.crashOne()) tally.crashes += 1;
    if (random() < 0.004) order.pauseOne();
    if (random() < 0.01) order.resumeAll();
    if (random() < 0.02) await clock.advance(random() * 30 * 3_600_000);
    if (random() < 0.004) {
      tally.jumps += 1;
      clock.set(clock.now().getTime() + (random() < 0.5 ? DAY_MS : -DAY_MS));
    }
    if (!(await order.step())) await clock.advance(random() * 60_000);
  }
  order.resumeAll();
  for (let rest = 0; order.running > 0 && rest < 100_000; rest += 1) if (!(await order.step())) await clock.advance(60_000);
  expect(order.running).toBe(0);
  // What failed must have failed for a reason that is foreseen: a lease not had or lost, or a pack about to go.
  for (const failure of order.failures)
    expect(failure, failure instanceof Error ? failure.stack : '').toMatchObject({
      code: expect.stringMatching(/^(locked|backup-failed|repository-damaged)$/),
    });
  const repository = repositoryOf(store);
  const listed = await readAllBackups(repository);
  await collectTheRest(repository, clock);
  expect(await readAllBackups(repository)).toEqual(listed);
}

/** Left alone, collections get rid of everything that nothing needs. */
async function collectTheRest(repository: Repository, clock: ManualClock): Promise<void> {
  if ((await listLabels(repository, SYSTEM)).length === 0) return;
  let last: Collected | undefined;
  for (let day = 0; day < 12; day += 1) {
    await clock.advance(2 * DAY_MS);
    last = await clock.until(expireAndCollect(repository, clock, DAY_MS, () => []));
    if (day > 4 && last.marked.packs + last.deleted.packs + last.waiting.packs === 0) break;
  }
  expect(last).toMatchObject({ marked: { packs: 0 }, deleted: { packs: 0 }, waiting: { packs: 0 }, unindexed: [] });
  const needed = new Set<string>();
  const index = await BlobIndex.load(repository, SYSTEM);
  for (let n = 0; n < 120; n += 1) needed.add(index.find(hashOf(content(n)))?.pack ?? '');
  const there = new Set<string>();
  for await (const { key } of repository.store.list(packPrefix(SYSTEM))) there.add(key.slice(-32));
  for (const pack of there) expect(needed).toContain(pack);
  // Nor does an index promise what is gone: the next backup would rely on it.
  for await (const { key } of repository.store.list(indexPrefix(SYSTEM)))
    for await (const { pack } of readIndex(repository, key)) expect(there).toContain(pack);
}

test(`collection beside writers, crashes, pauses and clocks set by a day, ${RUNS} interleavings: no listed backup ever loses a blob`, async () => {
  const tally: Tally = { backups: 0, crashes: 0, packsDeleted: 0, packsCompacted: 0, jumps: 0 };
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => await runHistory(randomOf(seed), tally)),
    { seed: Number(process.env['DBADMIN_TEST_SEED'] ?? '20261121'), numRuns: RUNS, endOnFailure: true },
  );
  process.stderr.write(`${RUNS} interleavings: ${JSON.stringify(tally)}\n`);
  expect(tally.packsDeleted).toBeGreaterThan(RUNS / 2);
  expect(tally.packsCompacted).toBeGreaterThan(0);
}, 1_800_000);
