import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import { makeDirectories } from '../../base/make-directories.ts';
import { openSignIn, sealSignIn, type SignIn, type TokenKey } from './sign-in.ts';

const RANDOM_BYTES = 28;
const KEY_BYTES = 32;

export interface SignInPlaces {
  /** One file for each listener. */
  readonly directory: string;
  /** The key file: apart from the tokens, so that a copy of one of the two says nothing. */
  readonly keyFile: string;
  /** From `DBADMIN_SPOTIFY_KEY`: used instead of the key file. */
  readonly passphrase: Secret | undefined;
}

/** Where sign-ins are kept: tokens in the user's state directory, their key in the configuration directory. */
export function signInPlaces(env: Readonly<Record<string, string | undefined>>, cwd: string): SignInPlaces {
  const home = env['HOME'] ?? cwd;
  const base = (name: string, fallback: string): string => {
    const value = env[name];
    // As the specification has it: a relative one is to be ignored.
    return path.join(value !== undefined && path.isAbsolute(value) ? value : path.join(home, fallback), 'dbadmin');
  };
  const passphrase = env['DBADMIN_SPOTIFY_KEY'];
  return {
    directory: path.join(base('XDG_STATE_HOME', '.local/state'), 'spotify'),
    keyFile: path.join(base('XDG_CONFIG_HOME', '.config'), 'spotify.key'),
    passphrase: passphrase === undefined || passphrase === '' ? undefined : new Secret(passphrase),
  };
}

/** The names of listeners are people's names: the files are named by their hash. */
function fileOf(places: SignInPlaces, listener: string): string {
  return path.join(places.directory, `${createHash('sha256').update(listener).digest('hex').slice(0, 32)}.json`);
}

/** All that are kept, by the names of their listeners; without tokens, and without any need of the key. */
export async function listSignIns(places: SignInPlaces): Promise<readonly SignIn[]> {
  const names = await readdir(places.directory).catch((error: unknown) => absent(error, [], places.directory));
  const kept: SignIn[] = [];
  for (const name of names.filter((each) => /^[0-9a-f]{32}\.json$/.test(each))) {
    const file = path.join(places.directory, name);
    const text = await readFile(file, 'utf8');
    kept.push(openSignIn(JSON.stringify({ ...(JSON.parse(text) as object), sealed: null }), file, neverAsked));
  }
  return kept.sort((a, b) => (a.listener < b.listener ? -1 : 1));
}

const neverAsked = (): never => {
  throw new DbadminError('internal', 'a key was asked for where nothing is encrypted');
};

/** @throws {DbadminError} `key-wrong`, `file-unreadable`; undefined when the listener never signed in here. */
export async function readSignIn(places: SignInPlaces, listener: string): Promise<SignIn | undefined> {
  const file = fileOf(places, listener);
  const text = await readFile(file, 'utf8').catch((error: unknown) => absent(error, undefined, file));
  if (text === undefined) return undefined;
  const key = await readKey(places);
  return openSignIn(text, file, () => {
    if (key !== undefined) return key;
    throw new DbadminError('key-wrong', `the key of the tokens is not there: ${places.keyFile}`, {
      hint: 'Put the file back, or sign in again: dbadmin spotify login.',
    });
  });
}

/** Keeps a sign-in in the place of the one before, whole or not at all, for the user's eyes only. */
export async function writeSignIn(places: SignInPlaces, signIn: SignIn): Promise<void> {
  const key = (await readKey(places)) ?? (await makeKey(places));
  await replaceFile(fileOf(places, signIn.listener), sealSignIn(signIn, key, randomBytes(RANDOM_BYTES)));
}

/** Says whether there was one. */
export async function removeSignIn(places: SignInPlaces, listener: string): Promise<boolean> {
  const file = fileOf(places, listener);
  return await rm(file).then(
    () => true,
    (error: unknown) => absent(error, false, file),
  );
}

async function readKey({ keyFile, passphrase }: SignInPlaces): Promise<TokenKey | undefined> {
  if (passphrase !== undefined) return { kind: 'passphrase', passphrase };
  const text = await readFile(keyFile, 'utf8').catch((error: unknown) => absent(error, undefined, keyFile));
  if (text === undefined) return undefined;
  if (Buffer.from(text, 'base64').length === KEY_BYTES) return { kind: 'bytes', bytes: new Secret(text.trim()) };
  throw new DbadminError('key-wrong', `${keyFile} does not hold a key of ${KEY_BYTES} bytes in base64`);
}

async function makeKey({ keyFile }: SignInPlaces): Promise<TokenKey> {
  const text = randomBytes(KEY_BYTES).toString('base64');
  await replaceFile(keyFile, `${text}\n`);
  return { kind: 'bytes', bytes: new Secret(text) };
}

async function replaceFile(file: string, text: string): Promise<void> {
  try {
    await makeDirectories(path.dirname(file), 0o700);
    const beside = `${file}.${randomBytes(6).toString('hex')}.tmp`;
    const handle = await open(beside, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (error) {
    throw new DbadminError('file-unwritable', `cannot write ${file}`, { detail: messageOf(error), cause: error });
  }
}

function absent<T>(error: unknown, value: T, file: string): T {
  if (systemCodeOf(error) === 'ENOENT') return value;
  throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: messageOf(error), cause: error });
}
