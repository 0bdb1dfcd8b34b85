import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import type { UnlockingSecret } from '../../repository/key-objects.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { readUnseen } from '../read-secret.ts';

/** Bytes of randomness in a key file made here. */
const KEY_FILE_BYTES = 32;

/**
 * The new secret that the options name, or a passphrase typed twice on the terminal.
 *
 * @throws {DbadminError} `usage` for several or none, `file-unreadable`, `file-unwritable`.
 */
export async function newSecret(context: CommandContext, input: CommandInput): Promise<UnlockingSecret> {
  const variable = textOption(input, 'passphraseEnv');
  const passphraseFile = textOption(input, 'passphraseFile');
  const keyFile = textOption(input, 'keyFile');
  const given = [variable, passphraseFile, keyFile].filter((each) => each !== undefined);
  if (given.length > 1) throw new DbadminError('usage', 'give one of --passphrase-env, --passphrase-file and --key-file');
  if (flagOption(input, 'generate') && keyFile === undefined) throw new DbadminError('usage', '--generate makes the file of --key-file');
  if (keyFile !== undefined) {
    const file = path.resolve(context.cwd, keyFile);
    if (flagOption(input, 'generate')) await writeSecretFile(file, `${randomBytes(KEY_FILE_BYTES).toString('hex')}\n`);
    return { kind: 'key-file', content: new Secret(await read(file)) };
  }
  if (passphraseFile !== undefined) return passphrase(firstLine(await read(path.resolve(context.cwd, passphraseFile))), passphraseFile);
  if (variable !== undefined) return passphrase(context.env[variable] ?? '', `environment variable ${variable}`);
  return await typedTwice(context);
}

/** Writes what nobody else may read; never over another file. */
export async function writeSecretFile(file: string, text: string): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new DbadminError('file-unwritable', `cannot write ${file}`, {
      detail: systemCodeOf(error) === 'EEXIST' ? 'There is a file already, and it may be a key that is needed.' : `${messageOf(error)}.`,
      cause: error,
    });
  }
}

async function typedTwice(context: CommandContext): Promise<UnlockingSecret> {
  const typed = await readUnseen(context, 'new passphrase');
  if (typed === undefined) {
    throw new DbadminError('usage', 'there is no terminal to type a passphrase on', {
      hint: 'Give --passphrase-env NAME, --passphrase-file FILE or --key-file FILE.',
    });
  }
  const again = await readUnseen(context, 'the same again');
  if (again?.reveal() !== typed.reveal()) throw new DbadminError('usage', 'the two were not the same');
  return { kind: 'passphrase', passphrase: typed };
}

function passphrase(text: string, from: string): UnlockingSecret {
  if (text === '') throw new DbadminError('usage', `there is no passphrase in ${from}`);
  return { kind: 'passphrase', passphrase: new Secret(text) };
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? '';
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: `${messageOf(error)}.`, cause: error });
  }
}
