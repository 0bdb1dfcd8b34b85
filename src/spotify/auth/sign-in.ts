import { createCipheriv, createDecipheriv, hkdfSync, scryptSync } from 'node:crypto';
import { DbadminError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import type { SpotifyServer } from './authorization.ts';
import type { Tokens } from './tokens.ts';

/** Who signed in, where, and with what. Kept in a file; the tokens in it are encrypted. */
export interface SignIn {
  /** The name under which the warehouse knows the person. */
  readonly listener: string;
  /** Spotify's stable identifier of the account. */
  readonly accountId: string;
  readonly clientId: string;
  readonly server: SpotifyServer;
  readonly scopes: readonly string[];
  readonly authorisedAt: Date;
  /** Undefined once Spotify refused them: a new sign-in is needed. */
  readonly tokens: Tokens | undefined;
}

/** What tokens are encrypted with: random bytes from a file, or a passphrase. */
export type TokenKey = { readonly kind: 'bytes'; readonly bytes: Secret } | { readonly kind: 'passphrase'; readonly passphrase: Secret };

const CIPHER = 'aes-256-gcm';
const [SALT_BYTES, NONCE_BYTES, TAG_BYTES] = [16, 12, 16];
const MONTHS = 6;

/** When Spotify stops to renew it: six months after the authorization, whatever was refreshed. @see Spotify's announcement of 2026-06-18 */
export function endOfSignIn({ authorisedAt }: Pick<SignIn, 'authorisedAt'>): Date {
  const end = new Date(authorisedAt);
  end.setUTCMonth(end.getUTCMonth() + MONTHS);
  return end;
}

/** The sign-in as text for a file. `random` are 28 fresh random bytes. */
export function sealSignIn(signIn: SignIn, key: TokenKey, random: Buffer): string {
  const clear = clearPart(signIn);
  const { tokens } = signIn;
  if (tokens === undefined) return `${JSON.stringify({ ...clear, sealed: null }, undefined, 2)}\n`;
  const [salt, nonce] = [random.subarray(0, SALT_BYTES), random.subarray(SALT_BYTES, SALT_BYTES + NONCE_BYTES)];
  const cipher = createCipheriv(CIPHER, cipherKey(key, salt), nonce);
  // What stands in clear is bound to the tokens: they cannot be made to go to another server by an edit of the file.
  cipher.setAAD(Buffer.from(JSON.stringify(clear)));
  const plain = { access: tokens.access.reveal(), accessEndsAt: tokens.accessEndsAt, refresh: tokens.refresh.reveal() };
  const sealed = Buffer.concat([salt, nonce, cipher.update(JSON.stringify(plain)), cipher.final(), cipher.getAuthTag()]);
  return `${JSON.stringify({ ...clear, sealed: sealed.toString('base64') }, undefined, 2)}\n`;
}

/**
 * The sign-in of such a file. `key` is asked for only when there are tokens to open.
 *
 * @throws {DbadminError} `key-wrong` when the key does not open it or the file was changed, `file-unreadable` for another form.
 */
export function openSignIn(text: string, name: string, key: () => TokenKey): SignIn {
  const { sealed, signIn } = parseFile(text, name);
  if (sealed === null) return signIn;
  const bytes = Buffer.from(sealed, 'base64');
  const [salt, rest] = [bytes.subarray(0, SALT_BYTES), bytes.subarray(SALT_BYTES)];
  try {
    const decipher = createDecipheriv(CIPHER, cipherKey(key(), salt), rest.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(JSON.stringify(clearPart(signIn))));
    decipher.setAuthTag(rest.subarray(rest.length - TAG_BYTES));
    const plain = Buffer.concat([decipher.update(rest.subarray(NONCE_BYTES, rest.length - TAG_BYTES)), decipher.final()]);
    const { access, accessEndsAt, refresh } = JSON.parse(plain.toString()) as Readonly<Record<string, string>>;
    const tokens = { access: new Secret(access ?? ''), accessEndsAt: new Date(accessEndsAt ?? 0), refresh: new Secret(refresh ?? '') };
    return { ...signIn, tokens };
  } catch (error) {
    if (error instanceof DbadminError) throw error;
    throw new DbadminError('key-wrong', `the tokens of ${signIn.listener} do not open with this key`, {
      detail: `${name} was changed, or it was written with another key.`,
      hint: 'Give the key of then, or sign in again: dbadmin spotify login.',
      cause: error,
    });
  }
}

function cipherKey(key: TokenKey, salt: Buffer): Buffer {
  if (key.kind === 'passphrase') return scryptSync(key.passphrase.reveal(), salt, 32, { N: 32_768, r: 8, p: 1, maxmem: 67_108_864 });
  return Buffer.from(hkdfSync('sha256', Buffer.from(key.bytes.reveal(), 'base64'), salt, 'dbadmin spotify tokens', 32));
}

/** In a fixed order: the bytes are authenticated. */
function clearPart({ listener, accountId, clientId, server, scopes, authorisedAt }: SignIn): Readonly<Record<string, unknown>> {
  const { accountsUrl, apiUrl } = server;
  return { version: 1, listener, accountId, clientId, accountsUrl, apiUrl, scopes, authorisedAt: authorisedAt.toISOString() };
}

function parseFile(text: string, name: string): { readonly signIn: SignIn; readonly sealed: string | null } {
  try {
    const file = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const word = (key: string): string => {
      const value = file[key];
      if (typeof value !== 'string' || value === '') throw new TypeError(`${key} is not there`);
      return value;
    };
    const { sealed = null, scopes } = file;
    if (file['version'] !== 1 || !Array.isArray(scopes) || (sealed !== null && typeof sealed !== 'string'))
      throw new TypeError('wrong form');
    const server = { accountsUrl: word('accountsUrl'), apiUrl: word('apiUrl') };
    const authorisedAt = new Date(word('authorisedAt'));
    if (Number.isNaN(authorisedAt.getTime())) throw new TypeError('authorisedAt is no time');
    const who = { listener: word('listener'), accountId: word('accountId'), clientId: word('clientId') };
    return { signIn: { ...who, server, scopes: scopes.map(String), authorisedAt, tokens: undefined }, sealed };
  } catch (error) {
    throw new DbadminError('file-unreadable', `${name} is not a sign-in that dbadmin wrote`, {
      hint: 'Sign in again: dbadmin spotify login.',
      cause: error,
    });
  }
}
