import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rewriteServerManifest } from '../../src/backup/restore/server-manifest.ts';
import { writeServerManifest } from '../../src/postgres/server-manifest.ts';

const HEAD = { systemIdentifier: '7710407255717780657', serverMajor: 18, timeline: 1, startLsn: '0/2000028', endLsn: '0/2000120' };

let directory = '';
let manifest = '';
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-manifest-'));
  manifest = path.join(directory, 'backup_manifest');
});
afterEach(async () => await rm(directory, { recursive: true, force: true }));

interface Listed {
  readonly Path: string;
  readonly Size: number;
  readonly Checksum?: string;
}

async function write(paths: readonly string[]): Promise<void> {
  const files = paths.map((each, n) => ({ path: each, sizeBytes: n, modifiedAt: 1_700_000_000, crc32c: n }));
  await writeFile(manifest, writeServerManifest(HEAD, files));
}

async function read(): Promise<readonly Listed[]> {
  const text = await readFile(manifest, 'utf8');
  const parsed = JSON.parse(text) as { readonly Files: readonly Listed[]; readonly 'Manifest-Checksum': string };
  const body = text.slice(0, text.lastIndexOf('"Manifest-Checksum"'));
  expect(parsed['Manifest-Checksum']).toBe(createHash('sha256').update(body, 'utf8').digest('hex'));
  return parsed.Files;
}

test('files that changed are listed as they are now, those that were not listed come first, and the rest stays as it was', async () => {
  // More than is read at a time; the names of some lie across the pieces.
  const paths = Array.from({ length: 30_000 }, (_, n) => (n === 20_000 ? 'postgresql.conf' : `base/5/${n}`));
  await write(paths);
  const before = await read();
  await rewriteServerManifest(
    manifest,
    new Map([
      ['postgresql.conf', 'port = 1 # é'],
      ['pg_hba.conf', 'none'],
    ]),
    undefined,
  );
  const after = await read();
  expect(after[0]).toEqual({ Path: 'pg_hba.conf', Size: 4, 'Last-Modified': '1970-01-01 00:00:00 GMT' });
  expect(after[20_001]).toEqual({ Path: 'postgresql.conf', Size: 13, 'Last-Modified': '1970-01-01 00:00:00 GMT' });
  expect(after.slice(1).filter(({ Path }) => Path !== 'postgresql.conf')).toEqual(before.filter(({ Path }) => Path !== 'postgresql.conf'));
  expect(await readdir(directory)).toEqual(['backup_manifest']);
});

test('a manifest that lists nothing gets what was added', async () => {
  await write([]);
  await rewriteServerManifest(manifest, new Map([['pg_hba.conf', '']]), undefined);
  expect((await read()).map((file) => file.Path)).toEqual(['pg_hba.conf']);
});

test('what is no backup manifest is refused and left as it is', async () => {
  await writeFile(manifest, 'something else\n');
  await expect(rewriteServerManifest(manifest, new Map([['a', '']]), undefined)).rejects.toMatchObject({ code: 'restore-failed' });
  expect(await readFile(manifest, 'utf8')).toBe('something else\n');
});
