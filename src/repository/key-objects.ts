import { hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { DbadminError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { ObjectStore } from '../storage/store.ts';
import { seal, unseal } from './envelope.ts';
import type { RepositoryIdentity } from './identity.ts';
import { CLEAR, decrypt, encrypt, KEY_BYTES, NONCE_BYTES, RepositoryKeys } from './keys.ts';
import { keyObjectKey, KEYS_PREFIX } from './layout.ts';

/** What opens a repository: nothing, somebody's passphrase, or the content of a key file. */
export type Unlock =
  | { readonly kind: 'none' }
  | { readonly kind: 'passphrase'; readonly passphrase: Secret }
  | { readonly kind: 'key-file'; readonly content: Secret };

export type UnlockingSecret = Exclude<Unlock, { readonly kind: 'none' }>;

/** One way to open the repository: its key, wrapped. The header of a key object. @see FORMAT.md "Encryption" */
export interface KeyObject {
  /** 16 hex digits. */
  readonly id: string;
  readonly kind: 'passphrase' | 'key-file';
  readonly createdAt: string;
  /** Who or what it is for; people's words. */
  readonly note: string;
  readonly salt: string;
  /** Cost of scrypt for a passphrase, null for a key file. */
  readonly scrypt: { readonly N: number; readonly r: number; readonly p: number } | null;
  readonly nonce: string;
  /** The repository key, encrypted; hex. */
  readonly wrapped: string;
}

/** 128 MiB and a third of a second for each guess. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1 } as const;
const MAX_KEY_OBJECT_BYTES = 64 * 1024;

/** Adds a way to open the repository. `createdAt` is the tool's clock. */
export async function addKey(
  store: ObjectStore,
  keys: RepositoryKeys,
  secret: UnlockingSecret,
  words: { readonly note: string; readonly createdAt: Date },
): Promise<KeyObject> {
  const salt = randomBytes(16);
  const cost = secret.kind === 'passphrase' ? SCRYPT : null;
  const nonce = randomBytes(NONCE_BYTES);
  const id = randomBytes(8).toString('hex');
  const wrapped = encrypt(await wrappingKey(secret, salt, cost), nonce, keys.exposeRepositoryKey(), Buffer.from(id, 'hex'));
  const object: KeyObject = {
    id,
    kind: secret.kind,
    createdAt: words.createdAt.toISOString(),
    note: words.note,
    salt: salt.toString('hex'),
    scrypt: cost,
    nonce: nonce.toString('hex'),
    wrapped: wrapped.toString('hex'),
  };
  await store.create(keyObjectKey(id), await seal(CLEAR, 'key', object, Buffer.alloc(0)));
  return object;
}

/** Every way to open the repository, oldest first. */
export async function listKeys(store: ObjectStore): Promise<readonly KeyObject[]> {
  const objects: KeyObject[] = [];
  for await (const { key } of store.list(KEYS_PREFIX)) {
    const { header } = await unseal(CLEAR, 'key', await store.read(key), key, MAX_KEY_OBJECT_BYTES);
    objects.push(header as unknown as KeyObject);
  }
  return objects.sort((a, b) => a.createdAt.localeCompare(b.createdAt));
}

/** The repository key out of one key object, or undefined when `secret` does not open it. */
export async function unwrapKey(object: KeyObject, secret: UnlockingSecret): Promise<RepositoryKeys | undefined> {
  if (object.kind !== secret.kind) return undefined;
  const wrapping = await wrappingKey(secret, Buffer.from(object.salt, 'hex'), object.scrypt);
  const key = decrypt(wrapping, Buffer.from(object.nonce, 'hex'), Buffer.from(object.wrapped, 'hex'), Buffer.from(object.id, 'hex'));
  return key === undefined ? undefined : new RepositoryKeys(key);
}

/**
 * What opens the content of a repository, or undefined when nothing has to.
 *
 * @throws {DbadminError} `key-wrong` (exit 12), `repository-format` when a secret is given for a repository without encryption.
 */
export async function unlockRepository(
  store: ObjectStore,
  identity: RepositoryIdentity,
  unlock: Unlock,
): Promise<RepositoryKeys | undefined> {
  if (identity.encryption === 'none') {
    if (unlock.kind === 'none') return undefined;
    throw new DbadminError('repository-format', `encryption is configured for ${store.description}, and that repository is not encrypted`, {
      detail: 'A repository is encrypted from its beginning or not at all.',
      hint: 'Make a new one with dbadmin backup init at another place and copy with dbadmin repository sync, or take encryption out of the configuration.',
    });
  }
  if (unlock.kind === 'none') {
    throw new DbadminError('key-wrong', `the repository in ${store.description} is encrypted and the configuration has no key for it`, {
      hint: 'Give it under repositories → encryption: a passphrase or a key_file.',
    });
  }
  const objects = await listKeys(store);
  for (const object of objects) {
    const keys = await unwrapKey(object, unlock);
    // A key object left by a repository that was begun and not finished opens another repository key.
    if (keys?.check === identity.keyCheck) return keys;
  }
  const what = unlock.kind === 'passphrase' ? 'passphrase' : 'key file';
  throw new DbadminError('key-wrong', `the ${what} does not open the repository in ${store.description}`, {
    detail: `It has ${objects.length} key${objects.length === 1 ? '' : 's'}: ${objects.map((each) => `${each.id} (${each.kind}${each.note === '' ? '' : `, ${each.note}`})`).join(', ') || 'none'}.`,
    hint: 'Give the right one, or another that dbadmin repository key list names. Without any of them the content cannot be read by anybody.',
  });
}

async function wrappingKey(secret: UnlockingSecret, salt: Buffer, cost: KeyObject['scrypt']): Promise<Buffer> {
  if (secret.kind === 'key-file') {
    return Buffer.from(hkdfSync('sha256', secret.content.reveal().trim(), salt, 'dbadmin key file', KEY_BYTES));
  }
  const { N, r, p } = cost ?? SCRYPT;
  return await new Promise<Buffer>((resolve, reject) => {
    // Twice what scrypt itself needs: OpenSSL counts its bookkeeping too.
    scrypt(secret.passphrase.reveal().normalize('NFC'), salt, KEY_BYTES, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}
