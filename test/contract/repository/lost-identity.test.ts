import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeDumpManifest } from '../../../src/backup/dump/stored-dump.ts';
import { Secret } from '../../../src/base/secret.ts';
import { formatEmergencyKey } from '../../../src/repository/emergency-key.ts';
import { seal, unseal } from '../../../src/repository/envelope.ts';
import { readIdentity, type RepositoryIdentity } from '../../../src/repository/identity.ts';
import { addKey, type Unlock } from '../../../src/repository/key-objects.ts';
import { CLEAR, RepositoryKeys } from '../../../src/repository/keys.ts';
import { IDENTITY_KEY } from '../../../src/repository/layout.ts';
import { writeReport } from '../../../src/repository/reports.ts';
import { openRepository, type Repository } from '../../../src/repository/repository.ts';
import { createDiskStore, openDiskStore } from '../../../src/storage/disk.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import type { CommandEnd } from '../../backup/command.ts';
import { fillRepository, plainHash, SYSTEM_IDENTIFIER } from '../../backup/full-repository.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';

const SECRET = 'a passphrase that is right';
const KEY_FILE = 'the content of a key file, which nobody else has';
/** The key file lies beside the configuration. */
const ENCRYPTED = ', encryption: { key_file: key }';
const KINDS = [
  ['encrypted', ENCRYPTED],
  ['clear', ''],
] as const;

let directory: string;
let place: string;

beforeEach(async () => {
  directory = await makeDirectory();
  place = path.join(directory, 'repository');
  await writeFile(path.join(directory, 'key'), KEY_FILE, { mode: 0o600 });
});

afterEach(async () => {
  await removeDirectory(directory);
});

async function dbadmin(words: string, secret = SECRET): Promise<CommandEnd> {
  return await runInProcess([...words.split(' '), '--config', path.join(directory, 'dbadmin.yaml')], { SECRET: secret });
}

/** Makes the repository with `backup init` and fills it; `encryption` is what stands in the configuration. */
async function fill(encryption: string): Promise<void> {
  await configure(encryption);
  expect(await dbadmin('backup init')).toMatchObject({ status: 0, stdout: expect.stringContaining('made') });
  const repository = await openRepository(await openDiskStore(place), unlockOf(encryption));
  await fillRepository(repository);
  const at = new Date('2026-11-21T09:00:00Z');
  await writeReport(repository, SYSTEM_IDENTIFIER, 'verification', at, (label) => ({
    header: { label, systemIdentifier: SYSTEM_IDENTIFIER, finishedAt: at.toISOString() },
    body: {},
  }));
  await writeDump(repository);
  await repository.store.close();
}

function unlockOf(encryption: string): Unlock {
  if (encryption === '') return { kind: 'none' };
  if (encryption === ENCRYPTED) return { kind: 'key-file', content: new Secret(KEY_FILE) };
  return { kind: 'passphrase', passphrase: new Secret(SECRET) };
}

/** A dump of no database. */
async function writeDump(repository: Repository): Promise<void> {
  const label = '20261121T050000Z-dump';
  const key = `${SYSTEM_IDENTIFIER}/dumps/${label}/globals.sql`;
  const plain = Buffer.from('CREATE ROLE reader;\n');
  const content = repository.keys === undefined ? plain : await seal(repository, 'dump', { key }, plain);
  await repository.store.create(key, content);
  const hashes = { blake3: plainHash(content), sha256: createHash('sha256').update(content).digest('hex') };
  const at = '2026-11-21T05:00:00.000Z';
  await writeDumpManifest(repository, `${SYSTEM_IDENTIFIER}/`, {
    format: 2,
    label,
    cluster: 'main',
    systemIdentifier: SYSTEM_IDENTIFIER,
    serverVersion: '17.10',
    programVersion: '17.10',
    tool: 'test',
    startedAt: at,
    finishedAt: at,
    globals: { key, sizeBytes: content.byteLength, ...hashes },
    databases: [],
  });
}

async function configure(encryption: string): Promise<void> {
  await writeFile(
    path.join(directory, 'dbadmin.yaml'),
    `version: 1
clusters: { main: { url: "postgresql://nobody@127.0.0.1:1/none", repositories: [local] } }
repositories:
  local: { type: disk, path: ${JSON.stringify(place)}${encryption} }
`,
    { mode: 0o600 },
  );
}

/** All objects, as hex. */
async function objects(): Promise<ReadonlyMap<string, string>> {
  const store = await openDiskStore(place);
  const found = new Map<string, string>();
  for await (const { key } of store.list('')) found.set(key, Buffer.from(await store.read(key)).toString('hex'));
  return found;
}

async function identityOf(): Promise<RepositoryIdentity> {
  return await readIdentity(await openDiskStore(place));
}

/** The header of a key object. */
async function read(store: ObjectStore, key: string): Promise<Readonly<Record<string, unknown>>> {
  return (await unseal(CLEAR, 'key', await store.read(key), key, 1024)).header;
}

/** Replaces a file, whatever its permissions. */
async function put(file: string, bytes: Buffer): Promise<void> {
  await rm(file);
  await writeFile(file, bytes);
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return copy;
}

describe.each(KINDS)('a repository, %s, that lost its identity', (_, encryption) => {
  test('is not made anew over what it holds, and every command says what it is', async () => {
    await fill(encryption);
    await rm(path.join(place, IDENTITY_KEY));
    const before = await objects();
    expect(await dbadmin('backup list')).toMatchObject({ status: 10, stderr: expect.stringContaining('has lost its identity') });
    expect(await dbadmin('backup init')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is a repository without its identity'),
    });
    expect(await objects()).toEqual(before);
  });

  test.each([...(encryption === '' ? [] : ['keys']), 'clusters', SYSTEM_IDENTIFIER])(
    'is not made anew where only %s/ was copied',
    async (part) => {
      await fill(encryption);
      const whole = path.join(directory, 'whole');
      await cp(place, whole, { recursive: true });
      await removeDirectory(place);
      await cp(path.join(whole, part), path.join(place, part), { recursive: true });
      expect(await dbadmin('backup init')).toMatchObject({ status: 1, stderr: expect.stringContaining('without its identity') });
      expect((await objects()).has(IDENTITY_KEY)).toBe(false);
    },
  );
});

test('repository list sends nobody to a lineage without a name that has no backup', async () => {
  await fill('');
  await rm(path.join(place, 'clusters', SYSTEM_IDENTIFIER));
  await mkdir(path.join(place, '5', 'gaps'), { recursive: true });
  await writeFile(path.join(place, '5', 'gaps', 'one'), 'garbage');
  const { stdout } = await dbadmin('repository list');
  expect(stdout).toMatch(/lineage 5 is \(0 backups, [^)]*\)\n/);
  expect(stdout).toContain(`--system-identifier ${SYSTEM_IDENTIFIER} finds it`);
});

describe.each(KINDS)('repository recover, %s', (kind, encryption) => {
  test('writes the lost identity anew, proven by what is there, and everything reads as before', async () => {
    await fill(encryption);
    const { createdAt } = await identityOf();
    const before = await dbadmin('backup list --json');
    await rm(path.join(place, IDENTITY_KEY));
    const content = await objects();

    const dry = await dbadmin('repository recover --dry-run');
    expect(dry).toMatchObject({ status: 0, stdout: expect.stringContaining('Nothing was written') });
    expect(await objects()).toEqual(content);

    const end = await dbadmin('repository recover --json');
    expect(end).toMatchObject({ status: 0, stderr: '' });
    const { provenBy, ...said } = JSON.parse(end.stdout) as { provenBy: string[] };
    expect(said).toMatchObject({
      was: 'missing',
      written: true,
      strangers: [],
      isMended: false,
      identity: { format: 2, encryption: kind === 'clear' ? 'none' : 'aes-256-gcm' },
    });
    for (const area of ['backups', 'indexes', 'packs', 'wal', 'dumps', 'verifications'])
      expect(provenBy).toContainEqual(expect.stringContaining(`/${area}/`));
    expect(new Date((await identityOf()).createdAt).getTime()).toBeLessThanOrEqual(new Date(createdAt).getTime());

    expect(await dbadmin('backup list --json')).toEqual(before);
    expect(await dbadmin('backup verify --read-data')).toMatchObject({ status: 0 });
    const after = await objects();
    for (const [key, bytes] of content) expect(after.get(key), key).toBe(bytes);
    expect(await dbadmin('backup init')).toMatchObject({ status: 0, stdout: expect.stringContaining('is there already') });
    expect(await dbadmin('repository recover')).toMatchObject({ status: 1, stderr: expect.stringContaining('it is whole') });
  });

  test('mends an identity in which one bit was flipped, wherever it was, as it was', async () => {
    await fill(encryption);
    const file = path.join(place, IDENTITY_KEY);
    const whole = await readFile(file);
    for (let bit = 3; bit < 8 * whole.byteLength; bit += 271) {
      await put(file, flipped(whole, bit));
      const found = await dbadmin('backup list');
      expect(found, `bit ${bit}`).toMatchObject({ status: 1, stderr: expect.stringContaining('dbadmin repository recover') });
      expect(await dbadmin('repository recover')).toMatchObject({ status: 1, stderr: expect.stringContaining('--yes') });
      expect(await readFile(file)).toEqual(flipped(whole, bit));
      expect(await dbadmin('repository recover --yes')).toMatchObject({ status: 0, stdout: expect.stringContaining('one bit of it') });
      expect((await readFile(file)).equals(whole), `bit ${bit}`).toBe(true);
    }
  });

  test.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, 100)],
    ['empty', () => Buffer.alloc(0)],
    ['overwritten', (bytes: Buffer) => Buffer.alloc(bytes.byteLength, 0x5a)],
  ] as const)('replaces an identity that is %s', async (_, change) => {
    await fill(encryption);
    const file = path.join(place, IDENTITY_KEY);
    await put(file, change(await readFile(file)));
    expect(await dbadmin('repository recover --yes')).toMatchObject({ status: 0 });
    expect(await dbadmin('backup verify --read-data')).toMatchObject({ status: 0 });
  });

  test('passes over what is damaged, and proves nothing where nothing is whole', async () => {
    await fill(encryption);
    await rm(path.join(place, IDENTITY_KEY));
    const content = [...(await objects()).keys()].filter((key) => key.startsWith(SYSTEM_IDENTIFIER));
    const [spared] = content.filter((key) => key.includes('/wal/') && !key.includes('.'));
    for (const key of content)
      if (key !== spared) await put(path.join(place, key), Buffer.from((await readFile(path.join(place, key))).subarray(0, 20)));
    const end = await dbadmin('repository recover --json');
    expect(end).toMatchObject({ status: 0 });
    expect(JSON.parse(end.stdout)).toMatchObject({ provenBy: [spared], strangers: [] });
    await rm(path.join(place, IDENTITY_KEY));
    await put(path.join(place, spared ?? ''), Buffer.alloc(30));
    expect(await dbadmin('repository recover')).toMatchObject({ status: 1, stderr: expect.stringContaining('nothing whole is in') });
    expect((await objects()).has(IDENTITY_KEY)).toBe(false);
  });
});

describe('repository recover, by what opens it', () => {
  /** Tries it, and expects that it was refused and nothing was written. */
  async function refused(words: string, status: number, text: string): Promise<void> {
    const before = await objects();
    expect(await dbadmin(words)).toMatchObject({ status, stderr: expect.stringContaining(text) });
    expect(await objects()).toEqual(before);
  }

  test('a passphrase opens it, another does not', async () => {
    await fill(', encryption: { passphrase: { from: env, name: SECRET } }');
    await rm(path.join(place, IDENTITY_KEY));
    const before = await objects();
    expect(await dbadmin('repository recover', 'a passphrase that is wrong')).toMatchObject({
      status: 12,
      stderr: expect.stringContaining('opens nothing'),
    });
    expect(await objects()).toEqual(before);
    expect(await dbadmin('repository recover')).toMatchObject({ status: 0 });
    expect(await dbadmin('backup verify --read-data')).toMatchObject({ status: 0 });
  });

  test('an emergency key opens it without any key object, and one of another repository does not', async () => {
    await fill(ENCRYPTED);
    const [own, other] = [path.join(directory, 'own.txt'), path.join(directory, 'other.txt')];
    expect(await dbadmin(`repository key export --to ${own}`)).toMatchObject({ status: 0 });
    const { id } = await identityOf();
    const stranger = RepositoryKeys.generate();
    await writeFile(other, formatEmergencyKey({ ...(await identityOf()), keyCheck: stranger.check }, stranger, new Date()));
    await removeDirectory(path.join(place, 'keys'));
    await rm(path.join(place, IDENTITY_KEY));
    await refused('repository recover', 12, 'opens nothing');
    await refused(`repository recover --emergency ${other}`, 12, 'opens nothing');
    expect(await dbadmin(`repository recover --emergency ${own}`)).toMatchObject({ status: 0 });
    expect((await identityOf()).id).toBe(id);
    const words = `repository key add --emergency ${own} --key-file ${path.join(directory, 'key')}`;
    expect(await dbadmin(words)).toMatchObject({ status: 0 });
    expect(await dbadmin('backup verify --read-data')).toMatchObject({ status: 0 });
  });

  test('an emergency key of before fits a repository that was recovered without it', async () => {
    await fill(ENCRYPTED);
    const file = path.join(directory, 'emergency.txt');
    expect(await dbadmin(`repository key export --to ${file}`)).toMatchObject({ status: 0 });
    await rm(path.join(place, IDENTITY_KEY));
    expect(await dbadmin('repository recover')).toMatchObject({ status: 0 });
    const words = `repository key add --emergency ${file} --key-file ${path.join(directory, 'second')} --generate`;
    expect(await dbadmin(words)).toMatchObject({ status: 0 });
  });

  test('a configuration that says otherwise than the content is refused', async () => {
    await fill(ENCRYPTED);
    await rm(path.join(place, IDENTITY_KEY));
    await configure('');
    await refused('repository recover', 12, 'has no key for it');
    await removeDirectory(place);
    await fill('');
    await rm(path.join(place, IDENTITY_KEY));
    await configure(ENCRYPTED);
    await refused('repository recover', 1, 'is not encrypted');
  });

  test('a repository whose making was interrupted is finished; the key of another is not taken for its own', async () => {
    await configure(ENCRYPTED);
    expect(await dbadmin('backup init')).toMatchObject({ status: 0 });
    await rm(path.join(place, IDENTITY_KEY));
    const stranger = RepositoryKeys.generate();
    const identity = {
      format: 2,
      id: '0'.repeat(32),
      createdAt: '',
      tool: '',
      encryption: 'aes-256-gcm',
      conditionalCreate: true,
    } as const;
    await writeFile(path.join(directory, 'other.txt'), formatEmergencyKey(identity, stranger, new Date()));
    await refused(`repository recover --emergency ${path.join(directory, 'other.txt')}`, 1, 'nothing whole is in');
    expect(await dbadmin('repository recover')).toMatchObject({ status: 0, stdout: expect.stringContaining('proven by nothing') });
    expect(await dbadmin('repository key list')).toMatchObject({ status: 0 });
  });

  test('a key object of another repository key is passed over, and what was written with that one is named', async () => {
    await fill(ENCRYPTED);
    const store = await openDiskStore(place);
    const stranger = RepositoryKeys.generate();
    await addKey(store, stranger, { kind: 'key-file', content: new Secret(KEY_FILE) }, { note: '', createdAt: new Date(0) });
    await rm(path.join(place, IDENTITY_KEY));
    expect(await dbadmin('repository recover')).toMatchObject({ status: 0, stderr: '' });
    await rm(path.join(place, IDENTITY_KEY));
    const key = `${SYSTEM_IDENTIFIER}/drills/20261121T000000Z-drill`;
    await store.create(key, await seal({ keys: stranger }, 'drill', {}, Buffer.from('{}')));
    await refused('repository recover', 1, '2 repository keys');
    for await (const { key: object } of store.list('keys/'))
      if ((await read(store, object))['createdAt'] === new Date(0).toISOString()) await store.delete(object);
    const end = await dbadmin('repository recover --json');
    expect(end).toMatchObject({ status: 0, stderr: expect.stringContaining(`${key} is whole and does not open`) });
    expect(JSON.parse(end.stdout)).toMatchObject({ strangers: [key] });
  });

  test('a place where nothing is has nothing to recover', async () => {
    await configure('');
    await mkdir(place);
    await refused('repository recover', 10, 'there is no repository');
  });

  test('a repository of format 1 stays one', async () => {
    await configure('');
    const store = await createDiskStore(place);
    const identity = { format: 1, id: '0'.repeat(32), createdAt: '', tool: '', encryption: 'none', conditionalCreate: true } as const;
    await fillRepository({ store, identity, keys: undefined });
    const before = await dbadmin('repository recover --json');
    expect(before).toMatchObject({ status: 0 });
    expect((await identityOf()).format).toBe(1);
    expect(await dbadmin('backup verify --read-data')).toMatchObject({ status: 0 });
  });
});

test('a directory that holds other things is made a repository', async () => {
  await configure('');
  await cp(path.join(import.meta.dirname, 'lost-identity.test.ts'), path.join(place, '2026', 'notes.txt'));
  expect(await dbadmin('backup init')).toMatchObject({ status: 0, stdout: expect.stringContaining('made') });
});
