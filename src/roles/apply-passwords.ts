import { rm } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { createPasswordFile, generatePassword, type RandomBytes } from './apply-password-file.ts';
import { storeVerifier } from './apply-password-statement.ts';
import { CommitInDoubt, type TransactionOptions } from './apply-transaction.ts';
import type { Change } from './change.ts';
import type { RolesDocument } from './document/document.ts';
import { readPassword, type PasswordSources } from './inspect-passwords.ts';
import { SCRAM_SALT_BYTES, scramVerifier } from './scram.ts';

export type { RandomBytes } from './apply-password-file.ts';
export type PasswordChange = Extract<Change, { kind: 'password' }>;

/** What verifiers are made with. */
export interface VerifierOptions {
  readonly randomBytes: RandomBytes;
  readonly iterations: number;
}

/**
 * Sets or removes one password, in a transaction of its own. Only a SCRAM verifier made here is sent.
 *
 * @throws {DbadminError} without the statement: it holds the verifier. `CommitInDoubt`; then a file that was made stays.
 */
export async function applyPassword(
  change: PasswordChange,
  document: RolesDocument,
  sources: PasswordSources,
  make: VerifierOptions,
  options: TransactionOptions,
): Promise<void> {
  const store = async (verifier: Secret | undefined): Promise<void> =>
    await storeVerifier(change.role, verifier, document.maintenanceDatabase, options);
  if (change.action === 'remove') return await store(undefined);
  const rule = document.roles.get(change.role)?.password;
  if (rule === undefined) throw new DbadminError('internal', `role ${change.role} is not declared`);
  const verifierOf = (password: Secret): Secret => scramVerifier(password, make.randomBytes(SCRAM_SALT_BYTES), make.iterations);
  const found = await readPassword(change.role, rule, sources);
  if (found !== undefined) return await store(verifierOf(found));
  if (rule.kind !== 'generate') throw new DbadminError('internal', `role ${change.role} has no source for a password`);
  const file = path.resolve(sources.directory, rule.path);
  const password = await generate(file, make.randomBytes);
  try {
    await store(verifierOf(password));
  } catch (error) {
    // A file that stays would look like a password that is set to whoever may not read verifiers; without it the next apply begins anew.
    // Unless the server may have it: then this is the only copy.
    if (!(error instanceof CommitInDoubt)) await rm(file, { force: true });
    throw error;
  }
}

/** A new password, on disk before the server has it: a run that dies between the two finds it and goes on. */
async function generate(file: string, randomBytes: RandomBytes): Promise<Secret> {
  const password = generatePassword(randomBytes);
  await createPasswordFile(file, password);
  return password;
}
