import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { listDumps, readDumpManifest, spoolDumped } from '../../src/backup/dump/stored-dump.ts';
import { fetchSegment } from '../../src/backup/wal/get-run.ts';
import { formatLsn, parseLsn } from '../../src/postgres/lsn.ts';
import { treeOf } from '../backup/tree.ts';
import type { Acknowledged } from './sweep-child.ts';
import type { Swept } from './sweep-operations.ts';
import { clusterOf, faultsOf, knownUntil, labelsOf, openPlain, reachesOf, reachOf, type Outcome, type Scene } from './sweep-scene.ts';

/** What an operation comes to when nothing goes wrong. */
export interface Reference {
  readonly before: readonly string[];
  /** Up to where each of them could be recovered. */
  readonly reaches: ReadonlyMap<string, bigint>;
  readonly acknowledged: readonly string[];
  /** What a restore lays down, by the backup that it begins from. */
  readonly trees: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

type Promised = (scene: Scene, outcome: Outcome, reference: Reference, what: string) => Promise<void>;

/**
 * What holds after an operation that met a fault, and after it was done again: what it acknowledged is so, what it did not acknowledge does
 * not look done unless it is, and everything that was there is there and whole.
 */
export const PROMISES: Readonly<Record<Swept, Promised>> = {
  backup: async (scene, outcome, { before, reaches }, what) => {
    const labels = await labelsOf(await scene.repository());
    expect(labels, what).toEqual(expect.arrayContaining([...before, ...acknowledgedBy(outcome)]));
    await expectWalKept(scene, reaches, what);
    await expectWhole(scene, 'repository', what);
    for (const label of acknowledgedBy(outcome)) expect(await layDown(scene), what).toEqual([label]);
  },
  receive: async (scene, _, reference, what) => {
    const repository = await scene.repository();
    await expectWhole(scene, 'repository', what);
    expect(await labelsOf(repository), what).toEqual(expect.arrayContaining([...reference.before]));
    await expectWalKept(scene, reference.reaches, what);
    const [slot] = await scene.sql<{ lsn: string }[]>`
      select restart_lsn::text as lsn from pg_replication_slots where slot_name = 'dbadmin'`;
    const acknowledged = parseLsn(slot?.lsn ?? '0/0');
    expect(await reachOf(repository), `${what}: WAL up to ${slot?.lsn} was acknowledged`).toBeGreaterThanOrEqual(acknowledged);
  },
  expire: async (scene, outcome, { before, reaches }, what) => {
    const labels = await labelsOf(await scene.repository());
    expect(labels, what).toEqual(expect.arrayContaining(before.slice(-2)));
    if (isDone(outcome)) expect(labels, what).toEqual(before.slice(-2));
    await expectWalKept(scene, reaches, what);
    await expectWhole(scene, 'repository', what);
  },
  restore: async (scene, outcome, { acknowledged, trees }, what) => {
    const restored = path.join(scene.work, 'restored');
    const looksDone = existsSync(path.join(restored, 'global', 'pg_control')) && !existsSync(path.join(restored, 'dbadmin_restore.json'));
    if (isDone(outcome)) expect(looksDone, what).toBe(true);
    const [label = ''] = acknowledgedBy(outcome);
    // From another backup it comes to the same, and takes longer: then it says why.
    if (isDone(outcome) && label !== acknowledged[0]) expect(outcome.passedOver, what).not.toEqual([]);
    if (looksDone) {
      const tree = await restoredTree(scene);
      const same = [...trees].filter(([of, expected]) => (!isDone(outcome) || of === label) && isDeepStrictEqual(tree, expected));
      expect(same, `${what}: what is there is what a restore gives`).toHaveLength(1);
    }
    // It is no cluster that anybody would go over with the same restore.
    if (looksDone && !isDone(outcome)) await rm(restored, { recursive: true });
  },
  push: async (scene, outcome, { reaches }, what) => {
    const name = path.basename(scene.place.pushed);
    const source = { repository: await scene.repository(), clusterName: 'main', systemIdentifier: undefined };
    const stored = await fetchSegment(source, name);
    if (isDone(outcome) || stored !== undefined) expect(stored?.equals(await readFile(scene.place.pushed)), what).toBe(true);
    await expectWalKept(scene, reaches, what);
    await expectWhole(scene, 'repository', what);
  },
  get: async (_, outcome, { acknowledged }, what) => {
    if (isDone(outcome)) expect(acknowledgedBy(outcome), what).toEqual(acknowledged);
    return await Promise.resolve();
  },
  sync: async (scene, outcome, { before, reaches }, what) => {
    const copy = await openPlain(path.join(scene.work, 'copy'));
    const labels = await labelsOf(copy);
    expect(before, what).toEqual(expect.arrayContaining([...labels]));
    if (isDone(outcome)) expect(labels, what).toEqual(before);
    if (isDone(outcome) || labels.length > 0) await expectWhole(scene, 'copy', what);
    await expectWalKept(scene, reaches, what);
    if (!isDone(outcome)) return;
    const [from, to] = [await scene.repository(), copy];
    expect(await reachesOf(to), `${what}: the copy reaches as far as what it is of`).toEqual(await reachesOf(from));
    expect(await knownUntil(to), `${what}: up to when the copy is known to be complete`).toEqual(await knownUntil(from));
    await layDown(scene, 'copy');
  },
  dump: async (scene, outcome, reference, what) => {
    const repository = await scene.repository();
    const { systemIdentifier } = await clusterOf(repository);
    const labels = await listDumps(repository, `${systemIdentifier}/`);
    expect(labels, what).toEqual(expect.arrayContaining([...acknowledgedBy(outcome)]));
    const file = path.join(scene.work, 'dumped');
    for (const label of labels) {
      const { databases, globals } = await readDumpManifest(repository, `${systemIdentifier}/`, label);
      expect(databases.map(({ database }) => database)).toEqual(['postgres']);
      for (const each of [globals, ...databases]) {
        await rm(file, { force: true });
        await spoolDumped(repository, each, file, new AbortController().signal);
        expect(
          createHash('sha256')
            .update(await readFile(file))
            .digest('hex'),
          what,
        ).toBe(each.sha256);
      }
    }
    expect(await labelsOf(repository), what).toEqual(reference.before);
    await expectWalKept(scene, reference.reaches, what);
    await expectWhole(scene, 'repository', what);
  },
  rebuild: async (scene, _, { before, reaches }, what) => {
    expect(await labelsOf(await scene.repository()), what).toEqual(before);
    await expectWalKept(scene, reaches, what);
    await expectWhole(scene, 'repository', what);
  },
};

export function isDone(outcome: Outcome): outcome is Acknowledged {
  return outcome !== undefined && 'acknowledged' in outcome;
}

function acknowledgedBy(outcome: Outcome): readonly string[] {
  return isDone(outcome) ? outcome.acknowledged : [];
}

/** Each backup that is still there can be recovered at least as far as before: whatever is listed is whole without its WAL, too. */
async function expectWalKept(scene: Scene, reaches: Reference['reaches'], what: string): Promise<void> {
  const now = await reachesOf(await scene.repository());
  const shorter = [...reaches].flatMap(([label, reach]) => {
    const after = now.get(label);
    return after === undefined || after >= reach ? [] : [`${label}: ${formatLsn(after)} instead of ${formatLsn(reach)}`];
  });
  expect(shorter, `${what}: WAL is lost`).toEqual([]);
}

/** Everything that is listed is whole. */
async function expectWhole(scene: Scene, name: 'repository' | 'copy', what: string): Promise<void> {
  expect(await faultsOf(await openPlain(path.join(scene.work, name))), what).toEqual([]);
}

/** Restores what there is, and gives from which backup. */
async function layDown(scene: Scene, name: 'repository' | 'copy' = 'repository'): Promise<readonly string[]> {
  const labels = await scene.run('restore', { from: name });
  await clearRestored(scene);
  return labels;
}

/** What a restore from each backup gives. */
export async function restoredTrees(scene: Scene): Promise<Reference['trees']> {
  const trees = new Map<string, ReadonlyMap<string, string>>();
  for (const label of await labelsOf(await scene.repository())) {
    await clearRestored(scene);
    await scene.run('restore', { backup: label });
    trees.set(label, await restoredTree(scene));
  }
  return trees;
}

async function clearRestored({ work }: Scene): Promise<void> {
  await rm(path.join(work, 'restored'), { recursive: true, force: true });
  await rm(path.join(work, 'restored.wal'), { recursive: true, force: true });
}

/** What was restored, but for the list that has the time of it. */
async function restoredTree({ work }: Scene): Promise<ReadonlyMap<string, string>> {
  const [data, wal] = [await treeOf(path.join(work, 'restored'), ['backup_manifest']), await treeOf(path.join(work, 'restored.wal'))];
  return new Map([...data, ...[...wal].map(([name, content]) => [`restored.wal/${name}`, content] as const)]);
}
