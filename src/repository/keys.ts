import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { blake3, blake3Keyed } from './hash.ts';

/** The cipher of everything encrypted here, as Node names it. */
const CIPHER = 'aes-256-gcm';
export const KEY_BYTES = 32;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/**
 * What an encrypted repository's key opens: names of blobs and the content of packs and sealed objects.
 *
 * Every pack and object has a key of its own, derived from the repository key, so that no nonce can meet the same key twice.
 *
 * @see FORMAT.md "Encryption"
 */
export class RepositoryKeys {
  /** The key of blob names. */
  readonly hashKey: Buffer;
  readonly #repositoryKey: Buffer;

  /** `repositoryKey` is 32 random bytes, made with the repository and never changed. */
  constructor(repositoryKey: Uint8Array) {
    this.#repositoryKey = Buffer.from(repositoryKey);
    this.hashKey = this.#derive(Buffer.alloc(0), 'dbadmin blob names');
  }

  static generate(): RepositoryKeys {
    return new RepositoryKeys(randomBytes(KEY_BYTES));
  }

  /** The key of the blobs in a pack; `pack` is its name, 32 hex digits. */
  packKey(pack: string): Buffer {
    return this.#derive(Buffer.from(pack, 'hex'), 'dbadmin pack');
  }

  /** The key of a sealed object; `salt` is stored in front of its body. */
  objectKey(salt: Uint8Array): Buffer {
    return this.#derive(salt, 'dbadmin object');
  }

  /** The repository key itself: to be wrapped, to be given to a worker thread, and for nothing else. */
  exposeRepositoryKey(): Buffer {
    return Buffer.from(this.#repositoryKey);
  }

  /** Tells this repository key from others and nothing more: 32 hex digits. */
  get check(): string {
    return this.#derive(Buffer.alloc(0), 'dbadmin key check').toString('hex').slice(0, 32);
  }

  #derive(salt: Uint8Array, purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#repositoryKey, salt, purpose, KEY_BYTES));
  }
}

/** Whoever has keys, or none: a repository, or what is read before there are any. */
export interface Sealing {
  readonly keys: RepositoryKeys | undefined;
}

/** For objects that are read before a key is known, and for repositories that have none. */
export const CLEAR: Sealing = { keys: undefined };

/** The name of content: BLAKE3-256 of the plain bytes, keyed where the repository is encrypted, so that it tells nothing. */
export function contentHash(sealing: Sealing, plain: Uint8Array): Buffer {
  return sealing.keys === undefined ? blake3(plain) : blake3Keyed(sealing.keys.hashKey, plain);
}

/** Whether equal content has equal names in both: neither has a key, or both have the same. */
export function sharesNames(a: Sealing, b: Sealing): boolean {
  return a.keys?.check === b.keys?.check;
}

/** AES-256-GCM: ciphertext with the tag behind it. A pair of key and nonce is used once. */
export function encrypt(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, associated: Uint8Array): Buffer {
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(associated);
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** The inverse of {@link encrypt}, or undefined when key, nonce, associated bytes and content do not belong together. */
export function decrypt(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Buffer | undefined {
  if (sealed.byteLength < TAG_BYTES) return undefined;
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(associated);
  decipher.setAuthTag(sealed.subarray(sealed.byteLength - TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, sealed.byteLength - TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** A blob's stored bytes, encrypted for a pack: nonce, ciphertext, tag. `hash` is the blob's name, 32 bytes. */
export function encryptBlob(packKey: Uint8Array, hash: Uint8Array, stored: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  return Buffer.concat([nonce, encrypt(packKey, nonce, stored, hash)]);
}

/** The inverse of {@link encryptBlob}; undefined when it does not open. */
export function decryptBlob(packKey: Uint8Array, hash: Uint8Array, sealed: Uint8Array): Buffer | undefined {
  if (sealed.byteLength < NONCE_BYTES + TAG_BYTES) return undefined;
  return decrypt(packKey, sealed.subarray(0, NONCE_BYTES), sealed.subarray(NONCE_BYTES), hash);
}
