import { createHook } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { formatEmergencyKey, parseEmergencyKey } from '../../../src/repository/emergency-key.ts';
import { seal } from '../../../src/repository/envelope.ts';
import { createRepository } from '../../../src/repository/identity.ts';
import { addProvenKey, findOpeningKey, removeKey, rotateKey } from '../../../src/repository/key-changes.ts';
import { addKey, listKeys, unwrapKey, type UnlockingSecret } from '../../../src/repository/key-objects.ts';
import { CLEAR, RepositoryKeys } from '../../../src/repository/keys.ts';
import { openRepository, type Repository } from '../../../src/repository/repository.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { damage, flipBody, HEAD_DAMAGES, SEEMS_ENCRYPTED } from '../../backup/damage.ts';
import { withFaults } from '../../backup/failing-store.ts';

const NOW = new Date('2026-11-21T20:30:00Z');
const WORDS = { note: 'test', createdAt: NOW };

function keyFile(): UnlockingSecret {
  return { kind: 'key-file', content: new Secret(randomBytes(32).toString('hex')) };
}

async function encrypted(first: UnlockingSecret, store: ObjectStore = createMemoryStore()): Promise<Repository> {
  const keys = RepositoryKeys.generate();
  await addKey(store, keys, first, WORDS);
  await createRepository(store, {
    format: 2,
    id: 'ab'.repeat(16),
    createdAt: NOW.toISOString(),
    tool: 'test',
    encryption: 'aes-256-gcm',
    conditionalCreate: true,
    keyCheck: keys.check,
  });
  return await openRepository(store, first);
}

const opens = async ({ store, identity }: Repository, secret: UnlockingSecret): Promise<boolean> =>
  (await findOpeningKey(store, identity, secret)) !== undefined;

describe('keys of a repository', () => {
  it('several open it, with the same content behind each, passphrases among them', async () => {
    const first = keyFile();
    const repository = await encrypted(first);
    const passphrase: UnlockingSecret = { kind: 'passphrase', passphrase: new Secret('correct horse battery') };
    const added = await addProvenKey(repository, passphrase, { ...WORDS, note: 'Ana' });
    expect(added).toMatchObject({ kind: 'passphrase', note: 'Ana', createdAt: NOW.toISOString() });
    const opened = await openRepository(repository.store, passphrase);
    expect(opened.keys?.check).toBe(repository.keys?.check);
    expect(await opens(repository, first)).toBe(true);
  });

  it('passphrases of several repositories are worked out one after the other: each takes 128 MB meanwhile', async () => {
    const passphrase: UnlockingSecret = { kind: 'passphrase', passphrase: new Secret('correct horse battery') };
    const jobs = new Set<number>();
    const seen: string[] = [];
    const hook = createHook({
      init: (job, type) => void (type === 'SCRYPTREQUEST' && jobs.add(job) && seen.push('begun')),
      before: (job) => void (jobs.has(job) && seen.push('done')),
    }).enable();
    try {
      const repositories = await Promise.all([encrypted(passphrase), encrypted(passphrase)]);
      expect(repositories.every(({ keys }) => keys !== undefined)).toBe(true);
    } finally {
      hook.disable();
    }
    // Each is made with it, and opened with it.
    expect(seen).toEqual(Array.from({ length: 4 }, () => ['begun', 'done']).flat());
  });

  it('one that opens it already, one that is too short, and any for a repository without encryption are refused', async () => {
    const first = keyFile();
    const repository = await encrypted(first);
    await expect(addProvenKey(repository, first, WORDS)).rejects.toMatchObject({ code: 'refused' });
    const short: UnlockingSecret = { kind: 'key-file', content: new Secret(`${'a'.repeat(31)}\n`) };
    await expect(addProvenKey(repository, short, WORDS)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('31 characters'),
    });
    await expect(addProvenKey({ ...repository, keys: undefined }, keyFile(), WORDS)).rejects.toMatchObject({ code: 'refused' });
    expect((await listKeys(repository.store)).keys).toHaveLength(1);
  });

  it('the last is never removed, nor the one without which this configuration would not open it, nor one that is not there', async () => {
    const [first, second] = [keyFile(), keyFile()];
    const repository = await encrypted(first);
    const [only] = (await listKeys(repository.store)).keys;
    await expect(removeKey(repository, only?.id ?? '', first, WORDS)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('only one'),
    });
    const other = await addProvenKey(repository, second, WORDS);
    await expect(removeKey(repository, only?.id ?? '', first, WORDS)).rejects.toMatchObject({ code: 'refused' });
    await expect(removeKey(repository, 'f'.repeat(16), first, WORDS)).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining(other.id),
    });
    await removeKey(repository, other.id, first, WORDS);
    expect(await opens(repository, second)).toBe(false);
    expect(await opens(repository, first)).toBe(true);
  });

  it('two that are removed at one moment do not leave it without any', async () => {
    const [first, second] = [keyFile(), keyFile()];
    const store = createMemoryStore();
    const repository = await encrypted(first, store);
    const other = await addProvenKey(repository, second, WORDS);
    const [own] = (await listKeys(store)).keys.filter(({ id }) => id !== other.id);
    // While the first removal deletes the other key, somebody else deletes the one that it relies on.
    const racing: ObjectStore = Object.assign(Object.create(store) as ObjectStore, {
      create: store.create.bind(store),
      read: store.read.bind(store),
      list: store.list.bind(store),
      delete: async (key: string) => {
        await store.delete(key);
        await store.delete(`keys/${own?.id}`);
      },
    });
    await removeKey({ ...repository, store: racing }, other.id, first, WORDS);
    expect(await opens(repository, first)).toBe(true);
  });

  it.each([...HEAD_DAMAGES, SEEMS_ENCRYPTED, ['its end is damaged', flipBody] as const])(
    'one that is damaged closes the repository to nobody else, and can be replaced and removed: %s',
    async (_, of) => {
      const [first, second] = [keyFile(), keyFile()];
      const repository = await encrypted(first);
      const other = await addProvenKey(repository, second, WORDS);
      const key = `keys/${other.id}`;
      await damage(repository.store, key, async (bytes) => await of(bytes, 'key'));
      await repository.store.create('keys/planted', Buffer.from('garbage'));
      expect(await opens(repository, first)).toBe(true);
      await expect(openRepository(repository.store, second)).rejects.toMatchObject({
        code: 'key-wrong',
        detail: expect.stringContaining(`${key} cannot be read and may be the one`),
      });
      // As `key add --emergency` does it: the repository's key is known, and none of those that are stored.
      const again = await addProvenKey(repository, second, WORDS);
      expect(await opens(repository, second)).toBe(true);
      await expect(removeKey(repository, other.id, keyFile(), WORDS)).rejects.toMatchObject({ code: 'refused' });
      expect(await removeKey(repository, other.id, first, WORDS)).toEqual({ id: other.id, kind: 'damaged', note: '' });
      await removeKey(repository, 'planted', second, WORDS);
      const { keys, damaged } = await listKeys(repository.store);
      expect([keys.map(({ id }) => id).includes(again.id), keys.length, damaged]).toEqual([true, 2, []]);
      await removeKey(repository, again.id, first, WORDS);
      const [only] = (await listKeys(repository.store)).keys;
      await expect(removeKey(repository, only?.id ?? '', first, WORDS)).rejects.toMatchObject({ code: 'refused' });
    },
  );

  it('one that asks for the memory of a data centre, or is nonsense, is not tried', async () => {
    const passphrase: UnlockingSecret = { kind: 'passphrase', passphrase: new Secret('correct horse battery') };
    const first = keyFile();
    const repository = await encrypted(first);
    const sound = await addProvenKey(repository, passphrase, WORDS);
    for (const [n, parts] of [
      { scrypt: { N: 2 ** 40, r: 8, p: 1 } },
      { scrypt: { N: 1000, r: 8, p: 1 } },
      // Within the bounds one by one, and not what scrypt accepts: the first key to be tried closed the repository to every passphrase.
      { scrypt: { N: 2 ** 17, r: 1, p: 1 }, createdAt: '2020-01-01T00:00:00.000Z' },
      { scrypt: { N: 2 ** 16, r: 1, p: 1 }, createdAt: '2020-01-01T00:00:00.000Z' },
      { scrypt: { N: 2, r: 2 ** 22, p: 8 }, createdAt: '2020-01-01T00:00:00.000Z' },
      { scrypt: { N: 2 ** 20, r: 8, p: 8 }, createdAt: '2020-01-01T00:00:00.000Z' },
      { scrypt: null },
      { nonce: '00' },
      { wrapped: 'zz' },
      { kind: 'fingerprint' },
    ].entries()) {
      const id = `${n}`.padStart(16, '0');
      await repository.store.create(`keys/${id}`, await seal(CLEAR, 'key', { ...sound, id, ...parts }, Buffer.alloc(0)));
    }
    expect(await opens(repository, passphrase)).toBe(true);
    expect(await opens(repository, first)).toBe(true);
    expect((await listKeys(repository.store)).damaged).toHaveLength(10);
  });

  it('one whose cost scrypt refuses opens nothing, and is no failure', async () => {
    const passphrase: UnlockingSecret = { kind: 'passphrase', passphrase: new Secret('correct horse battery') };
    const sound = await addProvenKey(await encrypted(keyFile()), passphrase, WORDS);
    for (const scrypt of [
      { N: 2 ** 17, r: 1, p: 1 },
      { N: 3, r: 8, p: 1 },
    ])
      expect(await unwrapKey({ ...sound, scrypt }, passphrase)).toBeUndefined();
  });

  it('the smallest costs that scrypt knows are tried', async () => {
    const passphrase: UnlockingSecret = { kind: 'passphrase', passphrase: new Secret('correct horse battery') };
    const repository = await encrypted(passphrase);
    const [sound] = (await listKeys(repository.store)).keys;
    for (const [n, scrypt] of [
      { N: 2, r: 1, p: 1 },
      { N: 2, r: 1, p: 8 },
      { N: 2 ** 15, r: 1, p: 1 },
    ].entries()) {
      const id = `${n}`.padStart(16, '0');
      const planted = { ...sound, id, scrypt, createdAt: '2020-01-01T00:00:00.000Z' };
      await repository.store.create(`keys/${id}`, await seal(CLEAR, 'key', planted, Buffer.alloc(0)));
    }
    expect((await listKeys(repository.store)).damaged).toEqual([]);
    expect(await opens(repository, passphrase)).toBe(true);
  });

  it('one that is removed while keys are read is no failure for whoever has another', async () => {
    const [first, second] = [keyFile(), keyFile()];
    const repository = await encrypted(first);
    const other = await addProvenKey(repository, second, WORDS);
    const store: ObjectStore = Object.assign(Object.create(repository.store) as ObjectStore, {
      list: repository.store.list.bind(repository.store),
      read: async (key: string) => {
        if (key === `keys/${other.id}`) await repository.store.delete(key);
        return await repository.store.read(key);
      },
    });
    expect((await openRepository(store, first)).keys?.check).toBe(repository.keys?.check);
  });

  it('a rotation puts the new one in the place of the old', async () => {
    const [first, second] = [keyFile(), keyFile()];
    const repository = await encrypted(first);
    const { added, removed } = await rotateKey(repository, first, second, WORDS);
    expect(await opens(repository, first)).toBe(false);
    expect((await openRepository(repository.store, second)).keys?.check).toBe(repository.keys?.check);
    expect((await listKeys(repository.store)).keys.map(({ id }) => id)).toEqual([added.id]);
    expect(removed.id).not.toBe(added.id);
    await expect(openRepository(repository.store, first)).rejects.toMatchObject({ code: 'key-wrong', exitStatus: 12 });
  });

  it('a secret that two add at one moment is added, and a rotation takes all of it away', async () => {
    const [first, second] = [keyFile(), keyFile()];
    const repository = await encrypted(first);
    const added = await Promise.all([addProvenKey(repository, second, WORDS), addProvenKey(repository, second, WORDS)]);
    expect(new Set(added.map(({ id }) => id)).size).toBe(2);
    const third = keyFile();
    await rotateKey(repository, second, third, WORDS);
    expect(await opens(repository, second)).toBe(false);
    expect([await opens(repository, first), await opens(repository, third)]).toEqual([true, true]);
  });

  it('a rotation that stops at any call of the storage leaves one that opens it', async () => {
    let stopped = 0;
    for (let at = 1; ; at += 1) {
      const [first, second] = [keyFile(), keyFile()];
      const store = createMemoryStore();
      const repository = await encrypted(first, store);
      let calls = 0;
      const failing = withFaults(store, () => {
        calls += 1;
        if (calls >= at) throw new Error('gone');
      });
      const outcome = await rotateKey({ ...repository, store: failing }, first, second, WORDS).catch(() => 'stopped' as const);
      expect((await opens(repository, first)) || (await opens(repository, second)), `stopped at call ${at}`).toBe(true);
      if (outcome !== 'stopped') break;
      stopped += 1;
    }
    expect(stopped).toBeGreaterThan(5);
  });

  it('a rotation that cannot take the old one away says that both work', async () => {
    const [first, second] = [keyFile(), keyFile()];
    const store = createMemoryStore();
    const repository = await encrypted(first, store);
    const failing = withFaults(store, ({ operation }) => {
      if (operation === 'delete') throw new Error('denied');
    });
    await expect(rotateKey({ ...repository, store: failing }, first, second, WORDS)).rejects.toMatchObject({
      code: 'partly-done',
      exitStatus: 3,
    });
    expect(await opens(repository, first)).toBe(true);
    expect(await opens(repository, second)).toBe(true);
  });
});

describe('emergency key', () => {
  it('opens the repository when every key object is gone', async () => {
    const repository = await encrypted(keyFile());
    if (repository.keys === undefined) throw new Error('it has keys');
    const text = formatEmergencyKey(repository.identity, repository.keys, NOW);
    for await (const { key } of repository.store.list('keys/')) await repository.store.delete(key);
    const keys = parseEmergencyKey(text, repository.identity);
    const fresh = keyFile();
    await addProvenKey({ ...repository, keys }, fresh, WORDS);
    expect((await openRepository(repository.store, fresh)).keys?.check).toBe(repository.keys.check);
  });

  it('is refused with a slip in any of its groups, of another repository, and when it is something else', async () => {
    const repository = await encrypted(keyFile());
    const other = await encrypted(keyFile());
    if (repository.keys === undefined || other.keys === undefined) throw new Error('they have keys');
    const text = formatEmergencyKey(repository.identity, repository.keys, NOW);
    const line = text.split('\n').at(-2) ?? '';
    for (let at = 'dbadmin-emergency-key-1 '.length; at < line.length; at += 7) {
      if (line[at] === ' ') continue;
      const slip = line.slice(0, at) + (line[at] === '0' ? '1' : '0') + line.slice(at + 1);
      expect(() => parseEmergencyKey(slip, repository.identity), slip).toThrow(expect.objectContaining({ code: 'key-wrong' }));
    }
    expect(() => parseEmergencyKey(text, other.identity)).toThrow(expect.objectContaining({ code: 'key-wrong', exitStatus: 12 }));
    expect(() => parseEmergencyKey('a shopping list', repository.identity)).toThrow(expect.objectContaining({ code: 'key-wrong' }));
    expect(parseEmergencyKey(text.replaceAll('\n', '\r\n'), repository.identity).check).toBe(repository.keys.check);
  });
});
