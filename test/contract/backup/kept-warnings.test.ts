import { expect, test } from 'vitest';
import { foreignLinkWarnings, keptDamage, keptWarnings } from '../../../src/backup/take/kept-warnings.ts';
import { backupKey } from '../../../src/repository/layout.ts';
import { listBackups, writeManifest } from '../../../src/repository/manifest.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { fileOf, summaryOf, SYSTEM } from '../../backup/small-backups.ts';

test('the manifest of a cluster with ever so many damaged files can be written, and is listed without being read whole', async () => {
  const path = 'pg_tblspc/16400/PG_18_202506291/16384/'.padEnd(900, 'ü\u0001');
  const warnings = Array.from({ length: 20_000 }, (_, n) => `WARNING: checksum verification failed in file "${path}${n}", block 7`);
  const kept = keptWarnings(warnings);
  expect(kept).toHaveLength(201);
  expect(kept[0]?.startsWith('WARNING: checksum verification failed in file "pg_tblspc/16400')).toBe(true);
  expect(kept.at(-1)).toMatch(/^19800 more warnings/);
  const links = foreignLinkWarnings(Array.from({ length: 300 }, (_, n) => `pg_tblspc/${`${n}`.padEnd(255, '\u0001')}`));
  expect(links).toHaveLength(51);
  expect(links.at(-1)).toBe("250 more links in pg_tblspc are no tablespaces': they are not in the backup");
  const repository = await makeMemoryRepository();
  const damage = keptDamage(`ERROR: ${'1200 total checksum verification failures '.repeat(100)}`);
  await writeManifest(repository, summaryOf('a', { warnings: [...kept, ...links], damage }), [
    fileOf(Array.from({ length: 5000 }, (_, n) => Buffer.from(`${n} ${Math.random()}`))),
  ]);
  const { store } = repository;
  const total = (await store.read(backupKey(SYSTEM, 'a'))).byteLength;
  const read: number[] = [];
  const watched = {
    ...passThrough(store),
    readRange: async (key: string, offset: number, length: number): Promise<Uint8Array> => {
      read.push(length);
      return await store.readRange(key, offset, length);
    },
    read: async (): Promise<Uint8Array> => await Promise.reject(new Error('the whole manifest is read')),
  };
  expect(await listBackups({ ...repository, store: watched }, SYSTEM)).toMatchObject([
    { label: 'a', warnings: [...kept, ...links], damage },
  ]);
  expect(read.length).toBe(2);
  expect(total).toBeGreaterThan(0);
});

test('a few warnings are kept as they are', () => {
  expect(keptWarnings(['one', 'two'])).toEqual(['one', 'two']);
  expect(keptWarnings(Array.from({ length: 200 }, String))).toHaveLength(200);
  expect(foreignLinkWarnings(['pg_tblspc/old'])).toEqual(["the link pg_tblspc/old is no tablespace's: it is not in the backup"]);
  expect(keptDamage(undefined)).toBeNull();
});
