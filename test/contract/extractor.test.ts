import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { writeIndex } from '../../src/repository/blob-index.ts';
import { formatEmergencyKey } from '../../src/repository/emergency-key.ts';
import { seal } from '../../src/repository/envelope.ts';
import { addKey } from '../../src/repository/key-objects.ts';
import { CLEAR, RepositoryKeys } from '../../src/repository/keys.ts';
import { writeManifest, type BackupSummary, type ManifestEntry } from '../../src/repository/manifest.ts';
import type { PackedBlob } from '../../src/repository/pack.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { WalArchive } from '../../src/repository/wal-archive.ts';
import { createDiskStore } from '../../src/storage/disk.ts';
import { SEGMENT_BYTES, segmentBytes, segmentOf, SYSTEM_IDENTIFIER, writePack } from '../backup/full-repository.ts';
import { makeMemoryRepository } from '../backup/memory-repository.ts';
import { summaryOf } from '../backup/small-backups.ts';

const EXTRACTOR = path.resolve(import.meta.dirname, '..', '..', 'extractor', 'dbadmin-extract.mjs');
const LABEL = '20261121T000000Z-full';
const OTHER = '7600000000000000002';
const PACK = '0a'.repeat(16);
const TIMES = { receivedAt: new Date(1000), coveredUntil: undefined };
const FILES = { 'global/pg_control': 'control', PG_VERSION: '18\n' };

let directory = '';
let place = '';
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'dbadmin-extractor-'));
  place = path.join(directory, 'repository');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Made {
  readonly repository: Repository;
  readonly summary: BackupSummary;
  readonly entries: readonly ManifestEntry[];
  readonly blobs: readonly PackedBlob[];
  readonly archive: WalArchive;
}

/** A repository with one backup of these files, which needs the segments 2 and 3 up to its first 1000 bytes; segment 2 is stored. */
async function make(files: Readonly<Record<string, string>> = FILES, said: Partial<BackupSummary> = {}, encrypted = false): Promise<Made> {
  const repository = await makeMemoryRepository(encrypted, await createDiskStore(place));
  if (repository.keys !== undefined) {
    await addKey(
      repository.store,
      repository.keys,
      { kind: 'key-file', content: new Secret('secret') },
      { note: '', createdAt: new Date() },
    );
    writeFileSync(path.join(directory, 'key'), 'secret\n');
  }
  const blobs = await writePack(
    repository,
    PACK,
    Object.values(files).map((text) => Buffer.from(text)),
  );
  await writeIndex(repository, SYSTEM_IDENTIFIER, `20261121T000000Z-${'1'.repeat(16)}`, [{ pack: PACK, blobs }]);
  const parents = new Set(Object.keys(files).flatMap((name) => (name.includes('/') ? [path.dirname(name)] : [])));
  const entries: readonly ManifestEntry[] = [
    ...[...parents]
      .filter((name) => !name.startsWith('.'))
      .map((each) => ({ path: each, type: 'directory' as const, mode: 0o700, modifiedAt: 1 })),
    ...Object.entries(files).map(([name, { length }], n) => ({
      path: name,
      type: 'file' as const,
      sizeBytes: length,
      mode: 0o600,
      modifiedAt: 1,
      extents: [[0, length, blobs[n]?.hash ?? ''] as const],
    })),
  ];
  const summary = {
    ...summaryOf(LABEL, { startLsn: '0/200028', stopLsn: '0/3003E8' }),
    systemIdentifier: SYSTEM_IDENTIFIER,
    walSegmentBytes: SEGMENT_BYTES,
    ...said,
  };
  await writeManifest(repository, summary, entries);
  const archive = new WalArchive(repository, SYSTEM_IDENTIFIER, SEGMENT_BYTES);
  await archive.putSegment(segmentOf(2), segmentBytes(2), TIMES);
  return { repository, summary, entries, blobs, archive };
}

function run(...words: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(process.execPath, [EXTRACTOR, ...words], { encoding: 'utf8', timeout: 20_000 });
}

const into = (): string => path.join(directory, 'into');
const extract = (...options: readonly string[]): ReturnType<typeof run> => run('extract', place, LABEL, into(), ...options);
const key = (): readonly string[] => ['--key-file', path.join(directory, 'key')];
const laid = (name: string): string => readFileSync(path.join(into(), name), 'utf8');
const wal = (): readonly string[] => readdirSync(path.join(into(), 'pg_wal')).filter((name) => name !== 'archive_status');
const stored = (name: string): string => path.join(place, SYSTEM_IDENTIFIER, name);
const spoil = (name: string): void => writeFileSync(stored(name), 'garbage');
const partName = (from: number, to: number): string => {
  const range = [from, to].map((at) => at.toString(16).toUpperCase().padStart(8, '0')).join('-');
  const name = readdirSync(stored('wal/00000001')).find((each) => each.startsWith(`${segmentOf(3)}.part.${range}-`));
  return `wal/00000001/${name ?? 'none'}`;
};

test.each([
  ['a place that is not there', false],
  ['an empty place', true],
])('without the WAL that the backup needs nothing is made in %s, and the command that it advises works there', async (_, isThere) => {
  await make();
  if (isThere) mkdirSync(into());
  expect(extract()).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/needs WAL up to 0\/3003E8.*--no-wal extracts the files alone/),
  });
  expect(existsSync(into())).toBe(isThere);
  if (isThere) expect(readdirSync(into())).toEqual([]);
  expect(extract('--no-wal')).toMatchObject({ status: 0, stderr: '' });
  expect(laid('PG_VERSION')).toBe('18\n');
  expect(wal()).toEqual([]);
});

test('a backup of a standby follows nobody, listens to nobody, and leads out of its directory nowhere', async () => {
  const outer = "data_directory = '/var/lib/production'\nport = 5433\n";
  const files = {
    ...FILES,
    'standby.signal': '',
    'recovery.signal': '\n',
    'dbadmin_restore.json': '{}',
    'postgresql.conf': `${outer}hba_file = '/etc/hba.conf'\ninclude_dir '/etc/conf.d'\ninclude 'own.conf'\n`,
    'postgresql.auto.conf': "primary_conninfo = 'host=primary'\nprimary_slot_name = 'one'\narchive_mode = 'on'\nlisten_addresses = '*'\n",
    '.dbadmin/config/etc/postgresql/postgresql.conf': outer,
    '.dbadmin/linked/conf.d/memory.conf': 'work_mem = 5MB\n',
    '.dbadmin/other': 'not of the data directory',
  };
  await make(files, { includedDirectories: ['conf.d', 'empty.d', '/etc/empty.d', '../escaped'] });
  const { status, stdout } = extract('--no-wal');
  expect(status).toBe(0);
  for (const name of ['standby.signal', 'recovery.signal', 'dbadmin_restore.json', '.dbadmin'])
    expect([name, existsSync(path.join(into(), name))]).toEqual([name, false]);
  const settings = new Map(
    laid('postgresql.auto.conf')
      .split('\n')
      .map((line) => line.split(' = ') as [string, string]),
  );
  for (const name of ['primary_conninfo', 'primary_slot_name', 'listen_addresses', 'synchronous_standby_names'])
    expect([name, settings.get(name)]).toEqual([name, "''"]);
  expect(settings.get('archive_mode')).toBe('off');
  expect(settings.get('max_logical_replication_workers')).toBe('0');
  const inForce = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(inForce(laid('postgresql.conf'))).toEqual(['port = 5433', "include 'own.conf'"]);
  expect(inForce(laid('../into.config/etc/postgresql/postgresql.conf'))).toEqual(['port = 5433']);
  expect(laid('pg_hba.conf')).toBe('local all all peer\n');
  expect(laid('conf.d/memory.conf')).toBe('work_mem = 5MB\n');
  expect(readdirSync(path.join(into(), 'empty.d'))).toEqual([]);
  expect(existsSync(path.join(into(), '../escaped'))).toBe(false);
  expect(stdout).toContain(`extracted ${SYSTEM_IDENTIFIER}/${LABEL}`);
  expect(stdout).toContain('into.config');
  expect(stdout).toContain('postgresql.auto.conf');
});

test('names that lead out of the directory are refused before anything is written', async () => {
  await make({ ...FILES, '../escaped': 'x' });
  expect(extract('--no-wal')).toMatchObject({ status: 1, stderr: expect.stringContaining('unsafe file "../escaped"') });
  expect(existsSync(into())).toBe(false);
});

test('a tablespace comes to a directory beside, whatever the manifest says that it was; a link elsewhere is refused', async () => {
  const { repository, summary, entries, blobs } = await make();
  const root: ManifestEntry = { path: 'pg_tblspc/16400', type: 'symlink', target: '/srv/original' };
  const extents = [[0, 3, blobs[1]?.hash ?? ''] as const];
  const table: ManifestEntry = { path: 'pg_tblspc/16400/1', type: 'file', sizeBytes: 3, mode: 0o600, modifiedAt: 1, extents };
  const [within, elsewhere] = ['20261121T000001Z-full', '20261121T000002Z-full'] as const;
  await writeManifest(repository, { ...summary, label: within }, [...entries, root, table, { ...root, path: 'pg_tblspc/other' }]);
  await writeManifest(repository, { ...summary, label: elsewhere }, [...entries, { ...root, path: 'base' }]);
  expect(run('extract', place, within, into(), '--no-wal').status).toBe(0);
  expect(laid('../into.tablespaces/16400/1')).toBe('18\n');
  expect(laid('pg_tblspc/16400/1')).toBe('18\n');
  // No tablespace: builds of before the first release kept such a link.
  expect(readdirSync(path.join(into(), 'pg_tblspc'))).toEqual(['16400']);
  const refused = run('extract', place, elsewhere, path.join(directory, 'again'), '--no-wal');
  expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('unsafe symlink "base"') });
});

test('WAL that cannot be read behind the backup ends it there, and says so', async () => {
  const { archive } = await make();
  for (const n of [3, 4, 5]) await archive.putSegment(segmentOf(n), segmentBytes(n), TIMES);
  spoil(`wal/00000001/${segmentOf(4)}`);
  writeFileSync(stored(`wal/00000001/${segmentOf(3)}.part.00000000-000003E8-0123abcd.0123456789abcdef.tmp`), 'torn');
  const { status, stdout } = extract();
  expect(status).toBe(0);
  expect(wal()).toEqual([segmentOf(2), segmentOf(3)]);
  expect(stdout).toMatch(new RegExp(`2 WAL segments[^]*ends at 0/400000; what follows cannot be read \\(.*${segmentOf(4)}: `));
});

test('WAL that the backup itself needs is missed, with the name of what is damaged', async () => {
  const { archive } = await make();
  await archive.putSegment(segmentOf(3), segmentBytes(3), TIMES);
  spoil(`wal/00000001/${segmentOf(3)}`);
  expect(extract()).toMatchObject({ status: 1, stderr: expect.stringMatching(new RegExp(`needs WAL up to 0/3003E8.*${segmentOf(3)}`)) });
  expect(existsSync(path.join(into(), 'global/pg_control'))).toBe(false);
});

test('parts are joined from the first byte as far as they reach, whatever lies beside them', async () => {
  const { archive } = await make();
  const bytes = segmentBytes(3);
  for (const [from, to] of [
    [0, 500],
    [0, 800],
    [700, 2000],
    [3000, 4000],
  ] as const)
    await archive.putPart(segmentOf(3), from, bytes.subarray(from, to), TIMES);
  spoil(partName(0, 500));
  writeFileSync(stored(`${partName(0, 800)}.0123456789abcdef.tmp`), 'torn');
  // A genuine part under another range's name.
  cpSync(stored(partName(0, 800)), stored(`wal/00000001/${segmentOf(3)}.part.000007D0-00000AF0-0123abcd`));
  const { status, stderr, stdout } = extract();
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain('says that its from is 0');
  const joined = readFileSync(path.join(into(), 'pg_wal', segmentOf(3)));
  expect(joined.equals(Buffer.concat([bytes.subarray(0, 2000), Buffer.alloc(SEGMENT_BYTES - 2000)]))).toBe(true);
});

test('a backup that began on one timeline and ended on the next gets WAL and history of both', async () => {
  const { archive } = await make(FILES, { stopTimeline: 2, stopLsn: '0/4003E8' });
  await archive.putHistory(2, Buffer.from('1\t0/3003E8\tpromoted\n'));
  const onSecond = (n: number): string => segmentOf(n).replace('00000001', '00000002');
  for (const n of [3, 4]) await archive.putSegment(onSecond(n), segmentBytes(n), TIMES);
  await archive.putSegment(segmentOf(3), segmentBytes(3), TIMES);
  expect(extract().status).toBe(0);
  expect(wal()).toEqual([segmentOf(2), '00000002.history', onSecond(3), onSecond(4)]);
});

test('of two clusters with one label each is found by its system identifier, without anything under clusters/', async () => {
  const { repository, summary, entries } = await make();
  await writeManifest(repository, { ...summary, systemIdentifier: OTHER }, entries);
  for (const each of ['packs', 'indexes']) cpSync(stored(each), path.join(place, OTHER, each), { recursive: true });
  expect(existsSync(path.join(place, 'clusters'))).toBe(false);
  const message = `several clusters have a backup ${LABEL}: say ${SYSTEM_IDENTIFIER}/${LABEL} or ${OTHER}/${LABEL}`;
  expect(extract('--no-wal')).toMatchObject({ status: 1, stderr: expect.stringContaining(message) });
  const { status, stdout } = run('extract', place, `${OTHER}/${LABEL}`, into(), '--no-wal');
  expect([status, stdout]).toEqual([0, expect.stringContaining(`extracted ${OTHER}/${LABEL}`)]);
  expect(run('list', place).stdout).toContain(`${LABEL}  cluster ${OTHER}`);
});

test('a manifest that lies under the key of another cluster is refused', async () => {
  await make();
  cpSync(stored('.'), path.join(place, OTHER), { recursive: true });
  expect(run('extract', place, `${OTHER}/${LABEL}`, into())).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('says that its systemIdentifier is'),
  });
  expect(run('list', place)).toMatchObject({ status: 0, stderr: expect.stringContaining(`${OTHER}/backups/${LABEL}`) });
});

test('a key is refused where the repository says that it is not encrypted', async () => {
  await make();
  writeFileSync(path.join(directory, 'key'), 'secret\n');
  expect(run('list', place, ...key())).toMatchObject({ status: 1, stderr: expect.stringContaining('says that it is not encrypted') });
});

test('an encryption that it does not know is refused by name', async () => {
  const { repository } = await make();
  rmSync(path.join(place, 'dbadmin-repository'));
  writeFileSync(
    path.join(place, 'dbadmin-repository'),
    await seal(CLEAR, 'identity', { ...repository.identity, encryption: 'rot-13' }, Buffer.alloc(0)),
  );
  expect(run('list', place)).toMatchObject({ status: 1, stderr: expect.stringContaining('rot-13') });
});

test('in an encrypted repository a manifest in the clear, or of a salt alone, is nothing', async () => {
  const { repository, summary } = await make(FILES, {}, true);
  const written = readFileSync(stored(`backups/${LABEL}`));
  writeFileSync(stored(`backups/${LABEL}`), await seal(CLEAR, 'manifest', summary, Buffer.from('{}\n')));
  expect(extract(...key())).toMatchObject({ status: 1, stderr: expect.stringContaining('is not encrypted, and the repository is') });
  const { blake3 } = await import('../../src/repository/hash.ts');
  const start = Buffer.concat([written.subarray(0, 16 + written.readUInt32BE(12)), Buffer.alloc(32)]);
  writeFileSync(stored(`backups/${LABEL}`), Buffer.concat([start, blake3(start)]));
  expect(run('list', place, ...key())).toMatchObject({ stdout: '', stderr: expect.stringContaining('cut short') });
  await repository.store.close();
});

test('in an encrypted repository an index in the clear fills gaps and misleads nobody', async () => {
  const { repository, blobs } = await make(FILES, {}, true);
  const clear = { ...repository, keys: undefined };
  const wrong = blobs.map((blob) => ({ ...blob, offset: 9 }));
  for (const name of ['20261120T000000Z-0000000000000000', '20261122T000000Z-2222222222222222'])
    await writeIndex(clear, SYSTEM_IDENTIFIER, name, [{ pack: PACK, blobs: wrong }]);
  expect(extract(...key(), '--no-wal')).toMatchObject({ status: 0, stderr: '' });
  for (const name of readdirSync(stored('indexes'))) rmSync(stored(`indexes/${name}`));
  await writeIndex(clear, SYSTEM_IDENTIFIER, '20261123T000000Z-3333333333333333', [{ pack: PACK, blobs }]);
  expect(run('extract', place, LABEL, path.join(directory, 'again'), ...key(), '--no-wal').status).toBe(0);
});

test('an object of another kind, or with flags that it does not know, is refused', async () => {
  const { summary } = await make();
  writeFileSync(stored(`backups/${LABEL}`), await seal(CLEAR, 'hold', summary, Buffer.from('{}\n')));
  expect(extract()).toMatchObject({ status: 1, stderr: expect.stringContaining('of kind T where one of kind M belongs') });
  const { blake3 } = await import('../../src/repository/hash.ts');
  const bytes = Buffer.from(await seal(CLEAR, 'manifest', summary, Buffer.from('{}\n'))).subarray(0, -32);
  bytes.writeUInt8(5, 9);
  writeFileSync(stored(`backups/${LABEL}`), Buffer.concat([bytes, blake3(bytes)]));
  expect(extract()).toMatchObject({ status: 1, stderr: expect.stringContaining('flags 5') });
});

test('what speaks against a backup is said by list and extract', async () => {
  await make(FILES, {
    audit: { comparedWith: 'earlier', pages: 9, mismatches: [{ path: 'base/1', block: 0 }], benign: 0 },
    cutsUnknownSince: '0/100',
  });
  const audit = `1 pages of ${LABEL} and earlier differ`;
  expect(run('list', place).stdout).toContain(audit);
  expect(run('list', place).stdout).toContain('VACUUM cut back after 0/100');
  expect(extract('--no-wal')).toMatchObject({ status: 0, stderr: expect.stringContaining(audit) });
});

test('bad pages that the server found are said by list and extract', async () => {
  await make(FILES, { damage: 'checksum verification failed' });
  expect(run('list', place).stdout).toContain('checksum verification failed');
  expect(extract('--no-wal')).toMatchObject({ status: 0, stderr: expect.stringContaining('checksum verification failed') });
});

test('a key object that asks for endless work, or for what scrypt refuses, opens nothing and keeps nobody out', async () => {
  const { repository } = await make(FILES, {}, true);
  if (repository.keys === undefined) throw new Error('it is encrypted');
  const secret = { kind: 'passphrase', passphrase: new Secret('words') } as const;
  const right = await addKey(repository.store, repository.keys, secret, { note: '', createdAt: new Date() });
  for (const [id, scrypt] of [
    ['0000000000000000', { N: 2 ** 20, r: 8, p: 2 ** 20 }],
    ['0000000000000001', { N: 3, r: 8, p: 1 }],
  ] as const)
    writeFileSync(path.join(place, 'keys', id), await seal(CLEAR, 'key', { ...right, id, scrypt }, Buffer.alloc(0)));
  // What is behind the first line is no part of it, as for the tool.
  writeFileSync(path.join(directory, 'words'), 'words\r\nof the shop\n');
  const { status, stdout, stderr } = run('list', place, '--passphrase-file', path.join(directory, 'words'));
  expect([status, stdout]).toEqual([0, expect.stringContaining(LABEL)]);
  expect(stderr).toContain('more work than a key may');
});

test.each([false, true])('content that is damaged is refused by the name of its pack (encrypted: %s)', async (encrypted) => {
  const { blobs } = await make({ ...FILES, 'base/5/1': 'row '.repeat(2000) }, {}, encrypted);
  const pack = stored(path.join('packs', PACK.slice(0, 2), PACK));
  const whole = readFileSync(pack);
  const [{ offset, storedBytes } = { offset: 0, storedBytes: 0 }] = blobs.slice(-1);
  for (const at of [offset, offset + storedBytes - 1]) {
    const bytes = Buffer.from(whole);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
    writeFileSync(pack, bytes);
    const options = encrypted ? key() : [];
    expect(extract('--no-wal', ...options)).toMatchObject({ status: 1, stderr: expect.stringContaining(PACK) });
    rmSync(into(), { recursive: true, force: true });
  }
});

test('of several keys those that do not open are named, and the one that does opens', async () => {
  const { repository } = await make(FILES, {}, true);
  const first = readdirSync(path.join(place, 'keys'))[0] ?? '';
  // Tried before it.
  const other = '0'.repeat(16);
  const wrapped = { kind: 'key-file', salt: '00', scrypt: null, nonce: '0'.repeat(24), wrapped: '0'.repeat(96) };
  await repository.store.create(`keys/${other}`, await seal(CLEAR, 'key', { id: other, ...wrapped }, Buffer.alloc(0)));
  await repository.store.create('keys/00000000000000ff', await seal(CLEAR, 'key', null as unknown as object, Buffer.alloc(0)));
  const { status, stderr } = extract('--no-wal', ...key());
  expect(status).toBe(0);
  expect(stderr).toContain(`passed over: keys/${other}: it does not open with this key`);
  expect(stderr).toContain('passed over: keys/00000000000000ff: its header is no object');
  expect(stderr).not.toContain(first);
});

test('an emergency key opens when no key object is left; with a slip, or of another repository, it is told as such', async () => {
  const { repository } = await make(FILES, {}, true);
  rmSync(path.join(place, 'keys'), { recursive: true });
  const { identity, keys = RepositoryKeys.generate() } = repository;
  const text = formatEmergencyKey(identity, keys, new Date());
  const given = (content: string): ReturnType<typeof run> => {
    writeFileSync(path.join(directory, 'emergency'), content);
    return run('list', place, '--emergency', path.join(directory, 'emergency'));
  };
  expect(given(text)).toMatchObject({ status: 0, stdout: expect.stringContaining(LABEL), stderr: '' });
  expect(given(text.replaceAll('\n', '\r\n'))).toMatchObject({ status: 0, stderr: '' });
  const slipped = text.replace(/^(dbadmin-\S+ \S+ )(.)/m, (_, before: string, digit: string) => `${before}${digit === '0' ? '1' : '0'}`);
  expect(given(slipped)).toMatchObject({ status: 1, stderr: expect.stringContaining('with a slip') });
  expect(given(formatEmergencyKey(identity, RepositoryKeys.generate(), new Date()))).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('of another repository'),
  });
});
