import { hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { DbadminError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { ObjectStore } from '../storage/store.ts';
import { damaged, seal, unseal } from './envelope.ts';
import type { RepositoryIdentity } from './identity.ts';
import { CLEAR, decrypt, encrypt, KEY_BYTES, NONCE_BYTES, RepositoryKeys, TAG_BYTES } from './keys.ts';
import { keyObjectKey, KEYS_PREFIX } from './layout.ts';
import { readOr, type DamagedObject } from './passed-over.ts';

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
/** 1 GiB of memory in blocks of 128 bytes, and eight times as long as that takes: more than anybody asks for. */
const MAX_SCRYPT_BLOCKS = 2 ** 23;
const MAX_SCRYPT_PARALLEL = 8;

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

/** What lies under keys/. */
export interface StoredKeys {
  /** Every way to open the repository that can be tried, oldest first. */
  readonly keys: readonly KeyObject[];
  /** Objects that cannot be read: they open nothing, and keep no other from opening. */
  readonly damaged: readonly DamagedObject[];
}

/** A key that is removed meanwhile is left out. */
export async function listKeys(store: ObjectStore): Promise<StoredKeys> {
  const keys: KeyObject[] = [];
  const found: DamagedObject[] = [];
  for await (const { key } of store.list(KEYS_PREFIX)) {
    const object = await readOr({ store }, key, found, async () => await readKeyObject(store, key));
    if (object !== undefined) keys.push(object);
  }
  return { keys: keys.sort((a, b) => a.createdAt.localeCompare(b.createdAt)), damaged: found };
}

/** The last part of the key of an object under keys/. */
export function keyIdOf({ key }: DamagedObject): string {
  return key.slice(KEYS_PREFIX.length);
}

async function readKeyObject(store: ObjectStore, key: string): Promise<KeyObject> {
  const { header } = await unseal(CLEAR, 'key', await store.read(key), key, MAX_KEY_OBJECT_BYTES);
  const problem = problemOfKey(header, key.slice(KEYS_PREFIX.length));
  if (problem !== undefined) throw damaged(key, problem);
  return header as unknown as KeyObject;
}

/** Anybody may have put it there: what it asks for is looked at before it is done. */
function problemOfKey(header: Readonly<Record<string, unknown>>, id: string): string | undefined {
  if (header['id'] !== id) return `It says that it is key ${String(header['id'])}.`;
  const { kind, createdAt, note, salt, nonce, wrapped, scrypt: cost } = header as Partial<Record<keyof KeyObject, unknown>>;
  if (typeof createdAt !== 'string' || typeof note !== 'string') return 'Its header is incomplete.';
  if (!isHex(id, 8) || !isHex(nonce, NONCE_BYTES) || !isHex(wrapped, KEY_BYTES + TAG_BYTES) || !isHex(salt, undefined))
    return 'Its header is incomplete.';
  if (kind === 'key-file') return undefined;
  if (kind !== 'passphrase') return `It is of a kind that this version does not know: ${JSON.stringify(kind)}.`;
  return isPossibleCost(cost) ? undefined : 'It asks for more work than opening a repository may take, or for what scrypt cannot do.';
}

/** What scrypt accepts, within what anybody asks for. @see RFC 7914, section 2 */
function isPossibleCost(cost: unknown): boolean {
  const { N, r, p } = (cost ?? {}) as Partial<Record<'N' | 'r' | 'p', unknown>>;
  if (!isCount(N) || !isCount(r) || !isCount(p) || p > MAX_SCRYPT_PARALLEL) return false;
  return N >= 2 && Number.isInteger(Math.log2(N)) && N < 2 ** (16 * r) && (N + p) * r <= MAX_SCRYPT_BLOCKS;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function isHex(value: unknown, bytes: number | undefined): boolean {
  return typeof value === 'string' && /^(?:[0-9a-f]{2})+$/.test(value) && (bytes === undefined || value.length === 2 * bytes);
}

/** The repository key out of one key object, or undefined when `secret` does not open it. */
export async function unwrapKey(object: KeyObject, secret: UnlockingSecret): Promise<RepositoryKeys | undefined> {
  if (object.kind !== secret.kind) return undefined;
  let wrapping: Buffer;
  try {
    wrapping = await wrappingKey(secret, Buffer.from(object.salt, 'hex'), object.scrypt);
  } catch (error) {
    // Nobody can have wrapped anything at a cost that scrypt refuses.
    if ((error as NodeJS.ErrnoException).code === 'ERR_CRYPTO_INVALID_SCRYPT_PARAMS') return undefined;
    throw error;
  }
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
  const { keys: objects, damaged: unreadable } = await listKeys(store);
  for (const object of objects) {
    const keys = await unwrapKey(object, unlock);
    // A key object left by a repository that was begun and not finished opens another repository key.
    if (keys?.check === identity.keyCheck) return keys;
  }
  const what = unlock.kind === 'passphrase' ? 'passphrase' : 'key file';
  throw new DbadminError('key-wrong', `the ${what} does not open the repository in ${store.description}`, {
    detail: `It has ${objects.length} key${objects.length === 1 ? '' : 's'}: ${objects.map((each) => `${each.id} (${each.kind}${each.note === '' ? '' : `, ${each.note}`})`).join(', ') || 'none'}.${unreadable.map(({ key, error }) => ` ${key} cannot be read and may be the one: ${error.detail ?? error.message}`).join('')}`,
    hint: 'Give the right one, or another that dbadmin repository key list names; with an exported emergency key, dbadmin repository key add --emergency FILE makes a new one. Without any of them the content cannot be read by anybody.',
  });
}

/** One after the other: a process that opens several repositories at once would take the memory of each. */
let lastDerived: Promise<unknown> = Promise.resolve();

async function wrappingKey(secret: UnlockingSecret, salt: Buffer, cost: KeyObject['scrypt']): Promise<Buffer> {
  if (secret.kind === 'key-file') {
    return Buffer.from(hkdfSync('sha256', secret.content.reveal().trim(), salt, 'dbadmin key file', KEY_BYTES));
  }
  const { N, r, p } = cost ?? SCRYPT;
  const derived = lastDerived.then(
    async () =>
      await new Promise<Buffer>((resolve, reject) => {
        // Twice what scrypt itself needs: OpenSSL counts its bookkeeping too.
        scrypt(secret.passphrase.reveal().normalize('NFC'), salt, KEY_BYTES, { N, r, p, maxmem: 256 * (N + p + 2) * r }, (error, key) =>
          error === null ? resolve(key) : reject(error),
        );
      }),
  );
  lastDerived = derived.catch(() => undefined);
  return await derived;
}
