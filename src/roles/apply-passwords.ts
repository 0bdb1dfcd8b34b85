import path from 'node:path';
import { DbadminError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { createPasswordFile, generatePassword, type RandomBytes } from './apply-password-file.ts';
import { storeVerifier } from './apply-password-statement.ts';
import type { TransactionOptions } from './apply-transaction.ts';
import type { Change } from './change.ts';
import type { RolesDocument } from './document/document.ts';
import { readPassword, type PasswordSources } from './inspect-passwords.ts';
import { SCRAM_SALT_BYTES, scramVerifier } from './scram.ts';

export type { RandomBytes } from './apply-password-file.ts';
export type PasswordChange = Extract<Change, { kind: 'password' }>;

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
  await storeVerifier(change.role, verifier, document.maintenanceDatabase, options);
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
  const password = generatePassword(randomBytes);
  await createPasswordFile(file, password);
  return password;
}
