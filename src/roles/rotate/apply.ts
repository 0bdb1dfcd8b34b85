import { rm } from 'node:fs/promises';
import type { Sql } from 'postgres';
import { DbadminError, messageOf } from '../../base/errors.ts';
import type { Secret } from '../../base/secret.ts';
import { openClient } from '../../postgres/client.ts';
import { takeLock, type LockOptions } from '../apply-lock.ts';
import { generatePassword, publishPasswordFile, replacePasswordFile, type RandomBytes } from '../apply-password-file.ts';
import { readScramIterations, storeVerifier } from '../apply-password-statement.ts';
import { beginRecord, type ApplyAuthor } from '../apply-record.ts';
import { CommitInDoubt, type TransactionOptions } from '../apply-transaction.ts';
import { refuseReadOnly } from '../apply-writable.ts';
import { APPLICATION_NAME } from '../inspect.ts';
import { SCRAM_SALT_BYTES, scramMatches, scramVerifier } from '../scram.ts';
import { inspectLogin, readPasswordFile, type RotatedLogin } from './inspect.ts';
import { tryLogin, type LoginAnswer } from './inspect-login.ts';

export interface RotationOptions extends TransactionOptions, LockOptions {
  readonly randomBytes: RandomBytes;
  /** The database where the lock of the cluster is. */
  readonly maintenanceDatabase: string;
  /** Go on where this host is not let in as the role, so that logging in cannot be tried. */
  readonly unproven: boolean;
  /** Who rotates, for the record in the cluster; without it none is kept. */
  readonly author?: ApplyAuthor;
}

export interface Rotation {
  readonly role: string;
  readonly file: string;
  /** How it is known that the new password works: by logging in, or only by the verifier that the server has. */
  readonly proof: 'login' | 'verifier' | 'none';
  /** Whether the server refused the old password afterwards; undefined when that could not be tried. */
  readonly oldRefused: boolean | undefined;
  /** An earlier run had died half way, and this one ended it. */
  readonly resumed: boolean;
}

/** Beside the password file while a rotation goes on: the password that is to come. */
export function pendingFile(file: string): string {
  return `${file}.next`;
}

/**
 * Gives `role` a new random password and puts it into `file`.
 *
 * The new password is on disk before the server has it, in {@link pendingFile}; then the server gets its verifier, the file is
 * replaced in one step, and logging in is tried. When that fails the old file and the old verifier are put back. A run that
 * dies in between leaves the password that works in one of the two files, and the next run ends what it began.
 *
 * @throws {DbadminError} `locked`, `refused`, `file-unwritable`, `privilege-missing`, `query-failed`; then the old password works, unless
 * the detail says that it could not be put back, or that nobody knows. `CommitInDoubt`: one of the two files has what works.
 */
export async function rotatePassword(role: string, file: string, options: RotationOptions): Promise<Rotation> {
  const connection = { ...options.connection, database: options.maintenanceDatabase };
  const sql = await openClient(connection, { applicationName: APPLICATION_NAME });
  try {
    await refuseReadOnly(sql);
    await takeLock(sql, options);
    return await recorded(sql, role, file, options, async () => await rotateLocked(sql, role, file, { ...options, connection }));
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Runs `work` between two rows of the record of applies. */
async function recorded(sql: Sql, role: string, file: string, options: RotationOptions, work: () => Promise<Rotation>): Promise<Rotation> {
  const { author, clock, log } = options;
  const change = { kind: 'password', role, action: 'generate', source: `file ${file}` } as const;
  const record = author === undefined ? undefined : await beginRecord(sql, [change], author, log);
  const startedMs = clock.now().getTime();
  const end = async (failure: string | undefined): Promise<void> =>
    await record?.end({ tookMs: clock.now().getTime() - startedMs, steps: 1, failure });
  try {
    const rotation = await work();
    await end(undefined);
    return rotation;
  } catch (error) {
    await end(messageOf(error));
    throw error;
  }
}

async function rotateLocked(sql: Sql, role: string, file: string, options: RotationOptions): Promise<Rotation> {
  const login = await inspectLogin(sql, role);
  const old = await readPasswordFile(file);
  const pending = await readPasswordFile(pendingFile(file));
  const resumed = pending !== undefined && (await holds(login, pending, options));
  if (!resumed) await refuseWithoutProof(role, old ?? generatePassword(options.randomBytes), options);
  const password = pending ?? (await prepare(file, options));
  if (!resumed) {
    try {
      const verifier = scramVerifier(password, options.randomBytes(SCRAM_SALT_BYTES), await readScramIterations(sql));
      await storeVerifier(role, verifier, options.maintenanceDatabase, options);
    } catch (error) {
      // What the server may have stays: the next rotation looks, and goes on from it.
      if (!(error instanceof CommitInDoubt)) await rm(pendingFile(file), { force: true });
      throw error;
    }
  }
  try {
    await publishPasswordFile(pendingFile(file), file);
    const { proof, isStored } = await prove(sql, role, password, options);
    const oldRefused = told(await tryLogin(options.connection, role, old ?? generatePassword(options.randomBytes)));
    // A server that lets the role in whatever the password is has proven nothing by it.
    return { role, file, proof: oldRefused === false ? (isStored ? 'verifier' : 'none') : proof, oldRefused, resumed };
  } catch (error) {
    // What the server has of an earlier run's is no old password: that is in the file alone.
    const before = resumed ? { ...login, verifier: undefined, canReadVerifier: false } : login;
    throw await putBack({ login: before, old, password, file }, error, options);
  }
}

/** Whether the server has this password already. */
async function holds(login: RotatedLogin, password: Secret, options: RotationOptions): Promise<boolean> {
  if (login.verifier !== undefined) return scramMatches(password, login.verifier);
  return (await tryLogin(options.connection, login.name, password)).kind === 'accepted';
}

/** A wrong password must be answered: where the host is not let in as the role, nothing could be proven afterwards. */
async function refuseWithoutProof(role: string, password: Secret, options: RotationOptions): Promise<void> {
  const answer = await tryLogin(options.connection, role, password);
  if (answer.kind !== 'untold' || options.unproven) return;
  throw new DbadminError('refused', `this host cannot log in as ${role}, so that a new password could not be tried`, {
    detail: `The server says: ${answer.why}. Nothing was changed.`,
    hint: 'Let it in with a line in pg_hba.conf, run the command where the clients are, or give --unproven to go on.',
  });
}

async function prepare(file: string, options: RotationOptions): Promise<Secret> {
  const password = generatePassword(options.randomBytes);
  await replacePasswordFile(pendingFile(file), password);
  return password;
}

async function prove(
  sql: Sql,
  role: string,
  password: Secret,
  options: RotationOptions,
): Promise<{ readonly proof: Rotation['proof']; readonly isStored: boolean }> {
  const answer = await tryLogin(options.connection, role, password);
  if (answer.kind === 'refused' || (answer.kind === 'untold' && !options.unproven)) {
    throw new DbadminError('query-failed', `the server does not take the new password of role ${role}`, {
      detail: answer.kind === 'untold' ? `It says: ${answer.why}.` : 'It refused the login.',
    });
  }
  const { verifier } = await inspectLogin(sql, role);
  const isStored = verifier !== undefined && scramMatches(password, verifier);
  return { proof: answer.kind === 'accepted' ? 'login' : isStored ? 'verifier' : 'none', isStored };
}

function told(answer: LoginAnswer): boolean | undefined {
  return answer.kind === 'untold' ? undefined : answer.kind === 'refused';
}

interface Before {
  readonly login: RotatedLogin;
  readonly old: Secret | undefined;
  readonly password: Secret;
  readonly file: string;
}

/** The old verifier and the old file again; gives the failure, with what became of that. */
async function putBack({ login, old, password, file }: Before, error: unknown, options: RotationOptions): Promise<DbadminError> {
  const code = error instanceof DbadminError ? error.code : 'query-failed';
  const detail = error instanceof DbadminError && error.detail !== undefined ? `${error.detail}\n` : '';
  const told = (outcome: string): DbadminError => new DbadminError(code, messageOf(error), { detail: `${detail}${outcome}`, cause: error });
  const verifier = login.verifier ?? (old === undefined ? undefined : scramVerifier(old, options.randomBytes(SCRAM_SALT_BYTES)));
  const pending = pendingFile(file);
  try {
    if (verifier === undefined && !login.canReadVerifier) throw new Error('the old password is not known here');
    // Before the server is asked: whichever it has afterwards, even if nobody knows, a file has it and the next rotation goes on from there.
    await ensure(pending, password);
    if (old !== undefined) await ensure(file, old);
    await storeVerifier(login.name, verifier, options.maintenanceDatabase, options);
  } catch (again) {
    if (again instanceof CommitInDoubt) {
      const where = old === undefined ? 'The old one is in no file here' : `The old one is in ${file}`;
      return told(`Whether the old password was put back nobody knows: ${again.message}. ${where}, the new one in ${pending}.`);
    }
    // The server has the new one, and so must those who read the file.
    await publishPasswordFile(pending, file).catch(async () => await keep(password, file));
    return told(`The old password could not be put back: ${messageOf(again)}. The new one is in ${pending} or in ${file}.`);
  }
  for (const left of old === undefined ? [file, pending] : [pending]) await rm(left, { force: true }).catch(() => undefined);
  return told('The old password was put back.');
}

/** Whatever is wrong: the password that the server has must be in a file. */
async function keep(password: Secret, file: string): Promise<void> {
  for (const place of [file, pendingFile(file)]) if (await isIn(place, password)) return;
  await replacePasswordFile(pendingFile(file), password).catch(() => undefined);
}

/** Writes only where it has to: it may be that nothing can be written. */
async function ensure(file: string, password: Secret): Promise<void> {
  if (!(await isIn(file, password))) await replacePasswordFile(file, password);
}

async function isIn(file: string, password: Secret): Promise<boolean> {
  const found = await readPasswordFile(file).catch(() => undefined);
  return found?.reveal() === password.reveal();
}
