import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { shellWord } from '../../base/shell-word.ts';
import { makeDirectories } from '../../base/make-directories.ts';
import type { Environment } from '../../postgres/programs.ts';

/** Where the key that signs reports is kept when nobody says otherwise: the user's state directory. */
export function defaultKeyFile(env: Environment): string {
  const state = env['XDG_STATE_HOME'];
  return path.join(state === undefined || state === '' ? path.join(os.homedir(), '.local', 'state') : state, 'dbadmin', 'drill-key.pem');
}

/** A key to sign with, and whether it was made just now. */
export interface SigningKey {
  readonly key: KeyObject;
  readonly isNew: boolean;
}

/**
 * The private key in `file`; made there, readable by its owner alone, when there is none.
 *
 * @throws {DbadminError} `refused` when others may read it; `file-unreadable`, `file-unwritable`.
 */
export async function signingKey(file: string): Promise<SigningKey> {
  const present = await readKey(file);
  if (present !== undefined) return { key: present, isNew: false };
  const { privateKey } = generateKeyPairSync('ed25519');
  try {
    await makeDirectories(path.dirname(file), 0o700);
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(privateKey.export({ type: 'pkcs8', format: 'pem' }));
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    // Two drills at once: the one that came first made it.
    const other = systemCodeOf(error) === 'EEXIST' ? await readKey(file) : undefined;
    if (other !== undefined) return { key: other, isNew: false };
    throw new DbadminError('file-unwritable', `cannot make the key that signs drills in ${file}`, {
      detail: messageOf(error),
      hint: 'Name another place with --key or DBADMIN_DRILL_KEY.',
      cause: error,
    });
  }
  return { key: privateKey, isNew: true };
}

/** The key there is, or undefined when there is none: for who only wants to compare. */
export async function readKey(file: string): Promise<KeyObject | undefined> {
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) {
      throw new DbadminError('refused', `others may read the key that signs drills: ${file}`, {
        detail: `Its mode is ${(mode & 0o777).toString(8)}; whoever has it can sign a report of a drill that never was.`,
        hint: `chmod 600 ${shellWord(file)}, or move it away and let a new one be made.`,
      });
    }
    const key = createPrivateKey(await readFile(file, 'utf8'));
    if (key.asymmetricKeyType === 'ed25519') return key;
    throw new DbadminError('file-unreadable', `${file} is not an Ed25519 private key`);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    if (error instanceof DbadminError) throw error;
    throw new DbadminError('file-unreadable', `cannot read the key that signs drills in ${file}`, {
      detail: messageOf(error),
      cause: error,
    });
  }
}

/** The public half as PEM: what others need to verify reports. */
export function publicKeyPem(key: KeyObject): string {
  return createPublicKey(key).export({ type: 'spki', format: 'pem' });
}

/** The public half as reports carry it. */
export function publicKeyText(key: KeyObject): string {
  return createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64');
}
