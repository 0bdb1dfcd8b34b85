import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { dumpFiles, layDownDump, type DumpFilesRequest } from '../../src/backup/dump/files-apply.ts';
import { readDumpManifest, spoolDumped } from '../../src/backup/dump/stored-dump.ts';
import { Secret } from '../../src/base/secret.ts';
import type { Unlock } from '../../src/repository/key-objects.ts';
import { openRepository, type Repository } from '../../src/repository/repository.ts';
import { openDiskStore } from '../../src/storage/disk.ts';

const GOLDEN = path.resolve(import.meta.dirname, '..', 'golden');
const none: Unlock = { kind: 'none' };
const keyFile: Unlock = { kind: 'key-file', content: new Secret('golden key file') };
/** In custom format, and in directory format: each of the databases `music` and `odd näme`. */
const CUSTOM = '20261123T020000Z-dump';
const DIRECTORY = '20261123T030000Z-dump';

describe.each([
  ['format-2-dumps', none, '7711417664437868901'],
  ['format-2-dumps-encrypted', keyFile, '7711417713692523240'],
] as const)('what pg_dump wrote, out of %s', (name, unlock, systemIdentifier) => {
  let repository: Repository;
  let scratch: string;

  beforeAll(async () => {
    repository = await openRepository(await openDiskStore(path.join(GOLDEN, name)), unlock);
    scratch = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-files-'));
  });
  afterAll(async () => {
    await repository.store.close();
    await rm(scratch, { recursive: true, force: true });
  });

  async function request(label: string, directory: string, more: Partial<DumpFilesRequest> = {}): Promise<DumpFilesRequest> {
    const manifest = await readDumpManifest(repository, `${systemIdentifier}/`, label);
    const databases = manifest.databases.map(({ database }) => database);
    const { signal } = new AbortController();
    return { repository, manifest, databases, globals: true, directory: path.join(scratch, directory), signal, ...more };
  }

  const modeOf = async (...place: string[]): Promise<string> => ((await stat(path.join(...place))).mode & 0o777).toString(8);

  test('lies as one file of each database and one of the globals, which their owner alone may read', async () => {
    const laid = await request(CUSTOM, 'new/custom');
    await layDownDump(laid);
    expect((await readdir(laid.directory)).sort()).toEqual(['globals.sql', 'music.dump', 'odd=20n=C3=A4me.dump']);
    expect((await readFile(path.join(laid.directory, 'music.dump'))).subarray(0, 5).toString()).toBe('PGDMP');
    expect(await readFile(path.join(laid.directory, 'globals.sql'), 'utf8')).toMatch(/CREATE ROLE/);
    expect(await modeOf(laid.directory)).toBe('700');
    for (const file of await readdir(laid.directory)) expect(await modeOf(laid.directory, file)).toBe('600');
  });

  test('lies as a directory where that is its format, with the files that a restore has', async () => {
    const laid = await request(DIRECTORY, 'directory', { databases: ['music'], globals: false });
    await mkdir(laid.directory);
    await layDownDump(laid);
    expect(await readdir(laid.directory)).toEqual(['music.dump']);
    const [music] = dumpFiles(laid);
    if (music === undefined) throw new Error('there is no music');
    const restored = path.join(scratch, 'restored');
    await spoolDumped(repository, music.dumped, restored, laid.signal);
    const place = path.join(laid.directory, 'music.dump');
    const names = (await readdir(restored)).sort();
    expect((await readdir(place)).sort()).toEqual(names);
    expect(names).toContain('toc.dat');
    expect(await modeOf(place)).toBe('700');
    for (const each of names) {
      expect(await readFile(path.join(place, each))).toEqual(await readFile(path.join(restored, each)));
      expect(await modeOf(place, each)).toBe('600');
    }
  });

  test('goes into no directory with anything in it, nor over a file', async () => {
    const laid = await request(CUSTOM, 'filled');
    await mkdir(laid.directory);
    await writeFile(path.join(laid.directory, 'music.dump'), 'mine');
    await expect(layDownDump(laid)).rejects.toMatchObject({ code: 'refused', message: `${laid.directory} is not empty` });
    expect(await readFile(path.join(laid.directory, 'music.dump'), 'utf8')).toBe('mine');
    await expect(layDownDump({ ...laid, directory: path.join(laid.directory, 'music.dump') })).rejects.toMatchObject({
      code: 'file-unwritable',
    });
  });

  test('goes through no link that somebody else laid meanwhile where others may write', async () => {
    const laid = await request(CUSTOM, 'shared', { databases: ['music'], globals: false });
    await mkdir(laid.directory);
    const [victim, link] = ['victim', 'music.dump.part'].map((each) => path.join(laid.directory, each)) as [string, string];
    const stat = repository.store.stat.bind(repository.store);
    // Once the directory was seen to be empty.
    const spy = vi.spyOn(repository.store, 'stat').mockImplementationOnce(async (key) => {
      await writeFile(victim, 'mine');
      await symlink(victim, link);
      return await stat(key);
    });
    await expect(layDownDump(laid)).rejects.toMatchObject({ code: 'refused', message: `somebody else made ${link} meanwhile` });
    spy.mockRestore();
    expect(await readFile(victim, 'utf8')).toBe('mine');
    expect((await readdir(laid.directory)).sort()).toEqual(['music.dump.part', 'victim']);
  });

  test('is not left behind in part where one of them is not what was stored', async () => {
    const laid = await request(CUSTOM, 'damaged');
    const manifest = { ...laid.manifest, globals: { ...laid.manifest.globals, sha256: '0'.repeat(64) } };
    await expect(layDownDump({ ...laid, manifest })).rejects.toMatchObject({ code: 'repository-damaged' });
    expect(await readdir(laid.directory)).toEqual([]);
    await layDownDump(laid);
    expect(await readdir(laid.directory)).toHaveLength(3);
  });
});
