import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import type { TransactionSql } from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { openClient } from '../postgres/client.ts';
import { guard, retrying, type TransactionOptions } from './apply-transaction.ts';
import type { Change } from './change.ts';
import type { RolesDocument } from './document/document.ts';
import { readPassword, type PasswordSources } from './inspect-passwords.ts';
import { APPLICATION_NAME } from './inspect.ts';
import { passwordSql } from './print.ts';
import { SCRAM_SALT_BYTES, scramVerifier } from './scram.ts';

export type PasswordChange = Extract<Change, { kind: 'password' }>;
export type RandomBytes = (size: number) => Uint8Array;

const GENERATED_BYTES = 24;

/** What could write the statement down. Each is turned off for the transaction where the role may; a verifier is a secret too. */
const SILENCED = [
  ['log_statement', 'none'],
  ['log_min_duration_statement', '-1'],
  ['log_min_duration_sample', '-1'],
  ['log_transaction_sample_rate', '0'],
  ['log_min_error_statement', 'panic'],
  ['track_activities', 'off'],
  ['pg_stat_statements.track_utility', 'off'],
  ['pgaudit.log', 'none'],
] as const;

/**
 * Sets or removes one password, in a transaction of its own. Only a SCRAM verifier made here is sent.
 *
 * @throws {DbadminError} without the statement: it holds the verifier.
 */
export async function applyPassword(
  change: PasswordChange,
  document: RolesDocument,
  sources: PasswordSources,
  randomBytes: RandomBytes,
  options: TransactionOptions,
): Promise<void> {
  const verifier = change.action === 'remove' ? undefined : await makeVerifier(change, document, sources, randomBytes);
  const client = await openClient({ ...options.connection, database: document.maintenanceDatabase }, { applicationName: APPLICATION_NAME });
  try {
    await retrying(options, async () => {
      await client.begin(async (sql) => {
        await guard(sql, options.lockTimeoutMs);
        await silence(sql);
        await sql.unsafe(passwordSql(change.role, verifier?.reveal()));
      });
    });
  } catch (error) {
    const denied = systemCodeOf(error) === '42501';
    throw new DbadminError(denied ? 'privilege-missing' : 'query-failed', `the server did not take the password of role ${change.role}`, {
      detail: `${messageOf(error)} (SQLSTATE ${systemCodeOf(error) ?? 'unknown'}).`,
    });
  } finally {
    await client.end({ timeout: 5 });
  }
}

async function silence(sql: TransactionSql): Promise<void> {
  for (const [name, value] of SILENCED) {
    await sql.savepoint(async (attempt) => await attempt`select set_config(${name}, ${value}, true)`).catch(() => undefined);
  }
}

async function makeVerifier(
  change: PasswordChange,
  document: RolesDocument,
  sources: PasswordSources,
  randomBytes: RandomBytes,
): Promise<Secret> {
  const rule = document.roles.get(change.role)?.password;
  if (rule === undefined) throw new DbadminError('internal', `role ${change.role} is not declared`);
  const found = await readPassword(change.role, rule, sources);
  const password =
    found ?? (rule.kind === 'generate' ? await generate(path.resolve(sources.directory, rule.path), randomBytes) : undefined);
  if (password === undefined) throw new DbadminError('internal', `role ${change.role} has no source for a password`);
  return scramVerifier(password, randomBytes(SCRAM_SALT_BYTES));
}

/** A new password, on disk before the server has it: a run that dies between the two finds it and goes on. */
async function generate(file: string, randomBytes: RandomBytes): Promise<Secret> {
  const password = new Secret(Buffer.from(randomBytes(GENERATED_BYTES)).toString('base64url'));
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(`${password.reveal()}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new DbadminError('file-unwritable', `cannot write the generated password to ${file}`, { detail: messageOf(error), cause: error });
  }
  return password;
}
