import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectLineage } from '../../../src/backup/lineage-inspect.ts';
import { inspectRecovery } from '../../../src/backup/recovery-inspect.ts';
import { seal } from '../../../src/repository/envelope.ts';
import { historyKey } from '../../../src/repository/layout.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { makeBranches, seeded } from '../../backup/branches.ts';
import { damage, flipBody } from '../../backup/damage.ts';
import { preflightOf } from '../../backup/preflight.ts';
import { makeDirectory, removeDirectory, restore } from '../../backup/repository.ts';

/** Three timelines, each of which came from the one before; what restores and promotes makes one of its own. */
describe('a timeline whose history is damaged', () => {
  let directory: string;
  let repository: Repository;
  let lineage: string;
  const told = new Set<string>();
  const place = (name: string): string => path.join(directory, name);

  beforeAll(async () => {
    directory = await makeDirectory();
    repository = {
      ...(await makeBranches(18, directory, seeded(7), 400)),
      onDamaged: ({ key }) => void told.add(key),
    };
    lineage = (await inspectLineage(repository, 'main')).cluster.systemIdentifier;
  }, 120_000);
  afterAll(async () => {
    await removeDirectory(directory);
  });

  /** The timeline that a restore to the end of `along` goes on as. */
  async function promotedAlong(along: number, name: string): Promise<number> {
    const restored = await restore({ repository, target: { kind: 'latest' }, timeline: along, into: place(name) });
    const sql = postgres(restored.url, { max: 1 });
    try {
      expect((await sql`select from numbered limit 1`).count).toBe(1);
      const [row] = await sql<{ segment: string }[]>`select pg_walfile_name(pg_current_wal_lsn()) as segment`;
      return Number.parseInt(row?.segment.slice(0, 8) ?? '', 16);
    } finally {
      await sql.end();
      await restored.stop();
    }
  }

  test('in the middle: restores along the one before and the one after it end, and no promotion takes its number', async () => {
    await damage(repository.store, historyKey(lineage, 2), flipBody);
    expect(await promotedAlong(3, 'after')).toBe(4);
    expect(await promotedAlong(1, 'before')).toBe(4);
    expect([...told]).toEqual([historyKey(lineage, 2)]);
  });

  test('along itself a restore is refused before anything is written', async () => {
    await expect(preflightOf(repository, place('itself'), { timeline: 2 })).rejects.toMatchObject({
      code: 'repository-damaged',
      message: `${historyKey(lineage, 2)} is damaged`,
    });
  });

  test('a restore goes over what is there, and by what a whole one says that makes no sense nothing goes', async () => {
    const key = historyKey(lineage, 3);
    const header = { systemIdentifier: lineage, timeline: 3, hash: '' };
    await damage(repository.store, key, async () => await seal(repository, 'history', header, Buffer.from('3\t0/500000\tmade up\n')));
    const over = { timeline: 1, delta: true, target: { kind: 'immediate' } } as const;
    expect((await preflightOf(repository, place('before'), over)).state.kind).toBe('over');
    // All of these before it would be four thousand million files.
    const last = historyKey(lineage, 0xffff_ffff);
    await repository.store.create(last, Buffer.from('garbage'));
    expect(await promotedAlong(1, 'again')).toBe(4);
    await repository.store.delete(last);
    expect([...told].sort()).toEqual([historyKey(lineage, 2), key, last].sort());
    expect([...(await inspectRecovery(repository, await inspectLineage(repository, 'main'))).histories]).toEqual([]);
  });
});
