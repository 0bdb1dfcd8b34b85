import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { BlobIndex } from '../../src/repository/blob-index.ts';
import { BlobReader } from '../../src/repository/blob-reader.ts';
import { seal } from '../../src/repository/envelope.ts';
import { listClusters } from '../../src/repository/identity.ts';
import type { Unlock } from '../../src/repository/key-objects.ts';
import { CLEAR } from '../../src/repository/keys.ts';
import { listBackups, readManifest, writeManifest, type FileEntry, type ManifestEntry } from '../../src/repository/manifest.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { WalArchive } from '../../src/repository/wal-archive.ts';
import { readCoverage } from '../../src/repository/wal-coverage.ts';
import { openDiskStore } from '../../src/storage/disk.ts';

/** Repositories written by each released format, which every later version reads. They are never written again. */
const GOLDEN = path.resolve(import.meta.dirname, '..', 'golden');
const EXTRACTOR = path.resolve(import.meta.dirname, '..', '..', 'extractor', 'dbadmin-extract.mjs');
const SYSTEM = '7000000000000000001';
const CONF = "listen_addresses = '127.0.0.1'\n";

/** Page `n` of the golden clusters. */
function page(n: number): Buffer {
  const bytes = Buffer.alloc(8192);
  for (let at = 0; at < 8192; at += 4) bytes.writeUInt32LE((n * 2654435761 + at * at) >>> 0, at);
  return bytes;
}

const zeros = Buffer.alloc(16384);
const none: Unlock = { kind: 'none' };
const passphrase: Unlock = { kind: 'passphrase', passphrase: new Secret('golden passphrase') };
const keyFile: Unlock = { kind: 'key-file', content: new Secret('golden key file') };

describe.each([
  ['format-1', none],
  ['format-2', none],
  ['format-2-encrypted', passphrase],
  ['format-2-encrypted', keyFile],
] as const)('the golden repository %s (%#)', (name, unlock) => {
  test('is read to its last byte', async () => {
    const repository = await openRepository(await openDiskStore(path.join(GOLDEN, name)), unlock);
    const [cluster] = await listClusters(repository);
    expect(cluster).toEqual({ systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: 1048576 });
    const backups = await listBackups(repository, SYSTEM);
    expect(backups.map(({ label, kind, startLsn }) => [label, kind, startLsn])).toEqual([
      ['20261121T000000Z-full', 'full', '0/100028'],
      ['20261121T010000Z-incr', 'incremental', '0/200028'],
    ]);
    const blobs = new BlobReader(repository, SYSTEM, await BlobIndex.load(repository, SYSTEM));
    const files = new Map<string, Buffer>();
    for (const { label } of backups) {
      for await (const entry of readManifest(repository, SYSTEM, label)) {
        if (entry.type !== 'file') continue;
        const content = Buffer.alloc(entry.sizeBytes);
        for (const [offset, length, hash, from = 0] of entry.extents)
          for await (const plain of blobs.readAll([hash])) plain.copy(content, offset, from, from + length);
        files.set(`${label.slice(-4)} ${entry.path}`, content);
      }
    }
    expect(files.get('full postgresql.conf')?.toString()).toBe(CONF);
    expect(files.get('full base/5/1259')?.equals(Buffer.concat([page(1), page(2), zeros]))).toBe(true);
    expect(files.get('incr base/5/1259')?.equals(Buffer.concat([page(1), page(9), zeros]))).toBe(true);
    if (name === 'format-1') expect(files.get('full pg_tblspc/16400/PG_18_202506291/5/16401')?.equals(page(2))).toBe(true);
    else expect(files.get('incr na\udce9me')?.toString()).toBe(CONF);

    const archive = new WalArchive(repository, SYSTEM, 1048576);
    expect((await archive.readSegment('000000010000000000000001'))?.readBigUInt64LE(8)).toBe(0x100000n);
    expect((await archive.readParts('000000010000000000000002'))?.byteLength).toBe(1000);
    expect((await archive.readHistory(2))?.toString()).toBe('1\t0/2003E8\tno recovery target specified\n');
    const coverage = await readCoverage(repository, SYSTEM, 1048576);
    // Of a version that took it from messages which do not prove it.
    expect(coverage.timelines.get(1)?.horizon).toBeUndefined();
    expect(coverage.timelines.get(1)?.unprovenHorizon).toEqual({ lsn: 0x2003e8n, at: new Date('2026-11-21T00:00:05Z') });
    await repository.store.close();
  });
});

test.each([
  ['format-2', []],
  ['format-2-encrypted', ['golden passphrase']],
] as const)('the extractor takes a backup out of %s', (name, secret) => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'dbadmin-golden-'));
  try {
    const file = path.join(directory, 'secret');
    const options = secret.length === 0 ? [] : ['--passphrase-file', file];
    if (secret[0] !== undefined) execFileSync('sh', ['-c', 'printf %s "$1" > "$2"', 'sh', secret[0], file]);
    const into = path.join(directory, 'into');
    execFileSync(process.execPath, [EXTRACTOR, 'extract', path.join(GOLDEN, name), '20261121T010000Z-incr', into, ...options]);
    expect(readFileSync(path.join(into, 'base/5/1259')).equals(Buffer.concat([page(1), page(9), zeros]))).toBe(true);
    expect(readFileSync(Buffer.concat([Buffer.from(`${into}/na`), Buffer.from([0xe9]), Buffer.from('me')])).toString()).toBe(CONF);
    expect(readFileSync(path.join(into, 'pg_wal/000000010000000000000002')).readBigUInt64LE(8)).toBe(0x200000n);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('the extractor takes a backup out of format-1', async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'dbadmin-golden-'));
  try {
    const place = path.join(directory, 'repository');
    cpSync(path.join(GOLDEN, 'format-1'), place, { recursive: true });
    const run = (...words: readonly string[]): ReturnType<typeof spawnSync> =>
      spawnSync(process.execPath, [EXTRACTOR, ...words], { encoding: 'utf8' });
    expect(run('list', place)).toMatchObject({ status: 0, stdout: expect.stringContaining('20261121T010000Z-incr') as string });
    // Those that it has are without pg_control and a tablespace's directories, and the extractor takes out nothing that no server would start.
    const repository = await openRepository(await openDiskStore(place), none);
    const [first] = await listBackups(repository, SYSTEM);
    if (first === undefined) throw new Error('no backup');
    const entries: ManifestEntry[] = [];
    for await (const entry of readManifest(repository, SYSTEM, first.label)) if (!entry.path.startsWith('pg_tblspc/')) entries.push(entry);
    const { path: _, ...conf } = entries.find((entry) => entry.path === 'postgresql.conf') as FileEntry;
    const label = '20261121T020000Z-full';
    const directories = ['global', 'pg_wal'].map((each) => ({ path: each, type: 'directory', mode: 0o700, modifiedAt: 0 }) as const);
    const added = [...directories, { path: 'global/pg_control', ...conf }].filter(
      (each) => !entries.some((there) => there.path === each.path),
    );
    await writeManifest(repository, { ...first, label }, [...entries, ...added]);
    await repository.store.close();
    const into = path.join(directory, 'into');
    const { status, stderr } = run('extract', place, label, into);
    expect(`${status} ${String(stderr)}`).toMatch(/^0 /);
    expect(readFileSync(path.join(into, 'postgresql.conf')).toString()).toBe(CONF);
    expect(readFileSync(path.join(into, 'base/5/1259')).equals(Buffer.concat([page(1), page(2), zeros]))).toBe(true);
    expect(readFileSync(path.join(into, 'pg_wal/000000010000000000000001')).readBigUInt64LE(8)).toBe(0x100000n);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('the extractor takes nothing out of an encrypted repository that somebody put there without its key', async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'dbadmin-golden-'));
  try {
    const place = path.join(directory, 'repository');
    cpSync(path.join(GOLDEN, 'format-2-encrypted'), place, { recursive: true });
    writeFileSync(path.join(directory, 'secret'), 'golden passphrase');
    const run = (...args: readonly string[]): ReturnType<typeof spawnSync> =>
      spawnSync(process.execPath, [EXTRACTOR, ...args, '--passphrase-file', path.join(directory, 'secret')], { encoding: 'utf8' });
    const label = '20261121T090000Z-full';
    writeFileSync(path.join(place, SYSTEM, 'backups', label), await seal(CLEAR, 'manifest', { label }, Buffer.from('{}\n')));
    const refusal = expect.stringContaining(`${SYSTEM}/backups/${label}: it is not encrypted, and the repository is`) as string;
    expect(run('list', place)).toMatchObject({ status: 0, stdout: expect.not.stringContaining(label) as string, stderr: refusal });
    expect(run('extract', place, label, path.join(directory, 'into'))).toMatchObject({ status: 1, stderr: refusal });
    // An index that is not encrypted may be one that was written anew without the key, and misplaces nothing.
    const packs = path.join(place, SYSTEM, 'packs');
    const [pack = ''] = readdirSync(packs, { recursive: true, encoding: 'utf8' }).filter((name) => name.length > 32);
    const footer = readFileSync(path.join(packs, pack)).subarray(0, -40);
    const blobs = footer.readUInt32BE(footer.byteLength - 4);
    const entries = Buffer.from(footer.subarray(-4 - 48 * blobs, -4));
    for (let n = 0; n < blobs; n += 1) entries.writeUInt32BE(9, 48 * n + 32);
    const body = Buffer.concat([Buffer.from(pack.slice(-32), 'hex'), footer.subarray(-4), entries]);
    writeFileSync(path.join(place, SYSTEM, 'indexes', '20200101T000000-0'), await seal(CLEAR, 'index', {}, body));
    expect(run('extract', place, '20261121T010000Z-incr', path.join(directory, 'into'))).toMatchObject({ status: 0 });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('the extractor passes over an index that is damaged, and says when that is what is missing', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'dbadmin-golden-'));
  try {
    const place = path.join(directory, 'repository');
    cpSync(path.join(GOLDEN, 'format-2'), place, { recursive: true });
    const indexes = path.join(place, SYSTEM, 'indexes');
    const extract = (into: string): ReturnType<typeof spawnSync> =>
      spawnSync(process.execPath, [EXTRACTOR, 'extract', place, '20261121T010000Z-incr', path.join(directory, into)], { encoding: 'utf8' });
    for (const name of readdirSync(indexes)) {
      copyFileSync(path.join(indexes, name), path.join(indexes, `${name}-copy`));
      truncateSync(path.join(indexes, name), 60);
    }
    expect(extract('whole')).toMatchObject({ status: 0, stderr: expect.stringContaining('passed over: ') });
    expect(readFileSync(path.join(directory, 'whole/base/5/1259')).equals(Buffer.concat([page(1), page(9), zeros]))).toBe(true);
    for (const name of readdirSync(indexes)) truncateSync(path.join(indexes, name), 60);
    expect(extract('nothing')).toMatchObject({ status: 1, stderr: expect.stringContaining('is in no index that can be read') });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

/** What the extractor is run with: a system that writes at most `mostBytes` at a time, and says at the end what was synced, in order. */
function oddSystem(mostBytes: number): string {
  return `data:text/javascript,${encodeURIComponent(`
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    const { writeSync, fsyncSync, readlinkSync } = fs;
    const synced = [];
    fs.writeSync = (handle, bytes, from, length, offset) =>
      typeof bytes === 'string' ? writeSync(handle, bytes) : writeSync(handle, bytes, from, Math.min(length, ${mostBytes}), offset);
    fs.fsyncSync = (handle) => {
      synced.push(readlinkSync('/proc/self/fd/' + handle));
      fsyncSync(handle);
    };
    process.on('exit', () => writeSync(2, JSON.stringify(synced)));
    syncBuiltinESMExports();
  `)}`;
}

test.runIf(process.platform === 'linux')(
  'the extractor writes on where the system takes less than it was given, fails where it takes nothing, and syncs pg_control last',
  () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'dbadmin-golden-'));
    try {
      const extract = (name: string, mostBytes: number): ReturnType<typeof spawnSync> => {
        const words = ['extract', path.join(GOLDEN, 'format-2'), '20261121T010000Z-incr', path.join(directory, name)];
        return spawnSync(process.execPath, ['--import', oddSystem(mostBytes), EXTRACTOR, ...words], { encoding: 'utf8' });
      };
      const { status, stderr } = extract('whole', 1000);
      expect(status).toBe(0);
      const into = path.join(directory, 'whole');
      expect(readFileSync(path.join(into, 'base/5/1259')).equals(Buffer.concat([page(1), page(9), zeros]))).toBe(true);
      const synced = (JSON.parse(String(stderr)) as readonly string[]).map((file) => path.relative(into, file));
      expect(synced.slice(-2)).toEqual(['global/pg_control', 'global']);
      const before = synced.slice(0, -2);
      for (const each of ['..', '', 'base', 'base/5', 'global', 'pg_wal', 'base/5/1259']) expect(before).toContain(each);
      expect(extract('nothing', 0)).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('nothing more can be written at offset 0'),
      });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
);
