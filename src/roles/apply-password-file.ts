import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { makeDirectories } from '../base/make-directories.ts';

export type RandomBytes = (size: number) => Uint8Array;

const GENERATED_BYTES = 24;

/** A password that nobody guesses: 32 characters that need no quoting anywhere. */
export function generatePassword(randomBytes: RandomBytes): Secret {
  return new Secret(Buffer.from(randomBytes(GENERATED_BYTES)).toString('base64url'));
}

/**
 * Makes `file`, which must not be there, with the password in it; only its owner may read it, and it is on disk afterwards.
 *
 * @throws {DbadminError} `file-unwritable`.
 */
export async function createPasswordFile(file: string, password: Secret): Promise<void> {
  try {
    await makeDirectories(path.dirname(file), 0o700);
    await writeNew(file, password);
    await syncDirectory(file);
  } catch (error) {
    throw unwritable(file, error);
  }
}

/**
 * Puts the password into `file`, in place of what is in it: at no moment is it half written or away.
 *
 * @throws {DbadminError} `file-unwritable`; then `file` is as it was.
 */
export async function replacePasswordFile(file: string, password: Secret): Promise<void> {
  const beside = `${file}.new`;
  try {
    await makeDirectories(path.dirname(file), 0o700);
    await rm(beside, { force: true });
    await writeNew(beside, password);
    await rename(beside, file);
    await syncDirectory(file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw unwritable(file, error);
  }
}

/** Moves a password file over another one, on disk afterwards. */
export async function publishPasswordFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
    await syncDirectory(to);
  } catch (error) {
    throw unwritable(to, error);
  }
}

async function writeNew(file: string, password: Secret): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(`${password.reveal()}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncDirectory(file: string): Promise<void> {
  const handle = await open(path.dirname(file), 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unwritable(file: string, error: unknown): DbadminError {
  return new DbadminError('file-unwritable', `cannot write the password to ${file}`, { detail: messageOf(error), cause: error });
}
