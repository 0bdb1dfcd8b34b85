import { rm } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { inspectLineage, readLineage } from '../../src/backup/lineage-inspect.ts';
import { candidatesOf, type Candidate } from '../../src/backup/restore/candidates.ts';
import { isCommit } from '../../src/backup/restore/commits-inspect.ts';
import type { Lineage } from '../../src/backup/restore/recover-along.ts';
import { readStoredRecords } from '../../src/backup/restore/stored-records.ts';
import { TransactionEnds, type TransactionEnd, type TransactionOutcome } from '../../src/postgres/wal-records.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { clusterAddress } from '../postgres/address.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startTestCluster } from '../postgres/fixture.ts';
import { backUp, makeRepository, restore, startReceiver } from './repository.ts';

const CLIENTS = 4;

/** Deterministic numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

/** All that the stored WAL of a timeline and its ancestors says, from the first backup on. */
export interface BranchStory {
  readonly lineage: Lineage;
  readonly oldest: Candidate;
  readonly ends: readonly TransactionEnd[];
  readonly commits: readonly TransactionOutcome[];
  /** Where each record begins. */
  readonly records: readonly bigint[];
  readonly validUntil: bigint;
}

/** Transactions of every kind, numbered by client, until told to stop: plain, in a subtransaction, prepared, rolled back; with restore points among them. */
async function write(url: string, name: string, random: () => number, isOver: () => boolean): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    for (let n = 1; !isOver(); n += 1) {
      const insert = `insert into numbered values ('${name}', ${n}, pg_current_xact_id()::text::bigint)`;
      const kind = random();
      if (kind < 0.5) await sql.unsafe(`begin; ${insert}; commit`);
      else if (kind < 0.65) await sql.unsafe(`begin; savepoint a; ${insert}; savepoint b; release a; commit`);
      else if (kind < 0.8) {
        await sql.unsafe(`begin; ${insert}; prepare transaction '${name}'`);
        await sql.unsafe(`commit prepared '${name}'`);
      } else if (kind < 0.9) await sql.unsafe(`begin; ${insert}; rollback`);
      else await sql.unsafe(`select pg_create_restore_point('${name} ${n}')`);
      await new Promise((resolve) => setTimeout(resolve, random() * 20));
    }
  } finally {
    await sql.end({ timeout: 1 }).catch(() => undefined);
  }
}

/** Leaves a transaction prepared for the next branch, and ends the one that the branch before left. */
async function handOver(url: string, branch: number): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  if (branch > 1) await sql.unsafe(`commit prepared 'held ${branch - 1}'`);
  await sql.unsafe(
    `begin; insert into numbered values ('held', ${branch}, pg_current_xact_id()::text::bigint); prepare transaction 'held ${branch}'`,
  );
  await sql.end();
}

async function writeFor(ms: number, url: string, branch: number, random: () => number): Promise<void> {
  let over = false;
  const clients = Array.from({ length: CLIENTS }, async (_, client) => await write(url, `b${branch}c${client}`, random, () => over));
  await new Promise((resolve) => setTimeout(resolve, ms));
  over = true;
  await Promise.all(clients);
}

/**
 * A cluster that is lost, restored to an earlier moment and promoted, twice: three timelines, of which the ends of the first
 * two were abandoned; with a backup on each of the first two. Everything is stopped when it returns.
 */
export async function makeBranches(major: number, directory: string, random: () => number, writingMs: number): Promise<Repository> {
  const repository = await makeRepository(path.join(directory, 'repository'));
  const cluster = await startTestCluster({ major, provider: 'embedded', settings: { max_prepared_transactions: 20 } });
  let receiver = startReceiver(cluster, repository);
  try {
    const sql = postgres(cluster.url(), { max: 1 });
    await sql`create table numbered (client text, n int, xid bigint, primary key (client, n))`;
    await backUp(cluster, repository);
    await sql.end();
    await handOver(cluster.url(), 1);
    await writeFor(writingMs, cluster.url(), 1, random);
    await new Promise((resolve) => setTimeout(resolve, 600));
    await cluster.crash();
    await receiver.stop();
  } finally {
    await cluster.stop();
  }
  for (const timeline of [2, 3]) {
    const { commits } = await readBranch(repository, timeline - 1);
    const at = commits[Math.floor(commits.length * (0.6 + random() * 0.3))];
    if (at === undefined) throw new Error('nothing was committed');
    const into = path.join(directory, `promoted-${timeline}`);
    const promoted = await restore({ repository, target: { kind: 'lsn', lsn: at.lsn }, timeline: timeline - 1, into });
    try {
      const clone = clusterAddress(Number(new URL(promoted.url).port), undefined) as unknown as TestCluster;
      receiver = startReceiver(clone, repository);
      await handOver(promoted.url, timeline);
      if (timeline === 2) {
        await writeFor(writingMs / 2, promoted.url, 2, random);
        await backUp(clone, repository);
        await writeFor(writingMs / 2, promoted.url, 22, random);
      } else await writeFor(writingMs, promoted.url, 3, random);
      await new Promise((resolve) => setTimeout(resolve, 600));
      await promoted.stop();
      await receiver.stop();
    } finally {
      await promoted.stop();
      await rm(into, { recursive: true, force: true });
    }
  }
  return repository;
}

/** Reads a timeline's story from the stored WAL. */
export async function readBranch(repository: Repository, timeline: number): Promise<BranchStory> {
  const contents = await inspectLineage(repository, 'main');
  const lineage = await readLineage(contents, timeline);
  const oldest = candidatesOf(contents.backups, lineage, contents.coverage).at(-1);
  if (oldest === undefined) throw new Error(`no backup leads to timeline ${timeline}`);
  const major = Math.floor(oldest.backup.serverVersion / 10_000);
  const reader = new TransactionEnds(major);
  const ends: TransactionEnd[] = [];
  const records: bigint[] = [];
  let validUntil = oldest.startLsn;
  const stretch = { archive: contents.archive, lineage, major, fromLsn: oldest.startLsn, untilLsn: oldest.reach };
  for await (const record of readStoredRecords(stretch, () => true)) {
    records.push(record.lsn);
    validUntil = record.endLsn;
    const end = reader.take(record);
    if (end !== undefined) ends.push(end);
  }
  return { lineage, oldest, ends, commits: ends.filter(isCommit), records, validUntil };
}
