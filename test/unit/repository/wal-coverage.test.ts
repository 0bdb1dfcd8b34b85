import { expect, test } from 'vitest';
import { segmentName } from '../../../src/postgres/segment.ts';
import { partKey, walKey } from '../../../src/repository/layout.ts';
import { reachFrom, readCoverage } from '../../../src/repository/wal-coverage.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';

const SYSTEM = '7300000000000000001';
const MIB = 1024 * 1024;
const name = (number: number): string => segmentName(1, BigInt(number * MIB), MIB);

test('a segment whose parts went while they were listed, because the whole of it had come, is there', async () => {
  const repository = await makeMemoryRepository();
  const { store } = repository;
  await store.create(walKey(SYSTEM, name(3)), Buffer.from('whole'));
  const part = partKey(SYSTEM, name(4), 0, 4096, '0123abcd');
  await store.create(part, Buffer.from('part'));
  let lists = 0;
  const moving = {
    ...passThrough(store),
    // As a directory is read: names first, and then what is left of them.
    list: async function* (prefix: string) {
      lists += 1;
      const listed = [];
      for await (const object of store.list(prefix)) listed.push(object);
      if (lists === 1) {
        await store.create(walKey(SYSTEM, name(4)), Buffer.from('whole'));
        await store.delete(part);
      }
      for (const object of listed) if ((await store.stat(object.key)) !== undefined) yield object;
    },
  };
  const coverage = await readCoverage({ ...repository, store: moving }, SYSTEM, MIB);
  expect(reachFrom(coverage.timelines.get(1), BigInt(3 * MIB))).toBe(BigInt(5 * MIB));
  expect(lists).toBe(2);
});
