import { expect, test } from 'vitest';
import { segmentName } from '../../../src/postgres/segment.ts';
import { partKey, walKey, walPrefix } from '../../../src/repository/layout.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { reachFrom, readCoverage } from '../../../src/repository/wal-coverage.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';

const SYSTEM = '7300000000000000001';
const MIB = 1024 * 1024;
const name = (number: number): string => segmentName(1, BigInt(number * MIB), MIB);

/** The repository, whose WAL is listed as a directory is read: names first, and then what is left of them; `move` comes between, the first time. */
function moving(repository: Repository, move: () => Promise<void>): { readonly repository: Repository; readonly lists: () => number } {
  const { store } = repository;
  let lists = 0;
  const list = async function* (prefix: string) {
    if (prefix === walPrefix(SYSTEM)) lists += 1;
    const listed = [];
    for await (const object of store.list(prefix)) listed.push(object);
    if (prefix === walPrefix(SYSTEM) && lists === 1) await move();
    for (const object of listed) if ((await store.stat(object.key)) !== undefined) yield object;
  };
  return { repository: { ...repository, store: { ...passThrough(store), list } }, lists: () => lists };
}

test('a segment whose parts went while they were listed, because the whole of it had come, is there', async () => {
  const repository = await makeMemoryRepository();
  const { store } = repository;
  await store.create(walKey(SYSTEM, name(3)), Buffer.from('whole'));
  const part = partKey(SYSTEM, name(4), 0, 4096, '0123abcd');
  await store.create(part, Buffer.from('part'));
  const listed = moving(repository, async () => {
    await store.create(walKey(SYSTEM, name(4)), Buffer.from('whole'));
    await store.delete(part);
  });
  const coverage = await readCoverage(listed.repository, SYSTEM, MIB);
  expect(reachFrom(coverage.timelines.get(1), BigInt(3 * MIB))).toBe(BigInt(5 * MIB));
  expect(listed.lists()).toBe(2);
});

test('a horizon that went while it was listed, because a newer one had come, is found in that one', async () => {
  const repository = await makeMemoryRepository();
  const archive = new WalArchive(repository, SYSTEM, MIB);
  const lsn = BigInt(4 * MIB);
  await repository.store.create(walKey(SYSTEM, name(3)), Buffer.from('whole'));
  await archive.putHorizon(1, lsn, new Date(5000));
  const listed = moving(repository, async () => await archive.putHorizon(1, lsn, new Date(9000)));
  const coverage = await readCoverage(listed.repository, SYSTEM, MIB);
  expect(coverage.timelines.get(1)?.horizon).toEqual({ lsn, at: new Date(9000) });
  expect(listed.lists()).toBe(1);
});
