import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { DeclaredRole, PasswordRule } from './document/document.ts';
import { passwordSource } from './plan-cluster.ts';
import { refuseUnfit, scramMatches } from './scram.ts';
import type { ClusterState, PasswordFinding } from './state.ts';

const COMMAND_TIMEOUT_MS = 30_000;

/** Where passwords may come from. `directory` is what relative paths start from: the file's own. */
export interface PasswordSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
}

/**
 * The password a rule leads to, or undefined when it is to be generated and was not yet.
 *
 * @throws {DbadminError} `roles-invalid` or `file-unreadable` naming the role and the source, never the password.
 */
export async function readPassword(role: string, rule: PasswordRule, sources: PasswordSources): Promise<Secret | undefined> {
  if (rule.kind === 'unmanaged' || rule.kind === 'none') return undefined;
  const text = await readSource(role, rule, sources);
  if (text === undefined) return undefined;
  if (text === '')
    throw new DbadminError('roles-invalid', `the password of role ${role} is empty`, { detail: `It comes from ${passwordSource(rule)}.` });
  return new Secret(text);
}

async function readSource(role: string, rule: PasswordRule, sources: PasswordSources): Promise<string | undefined> {
  if (rule.kind === 'env') {
    const value = sources.env[rule.name];
    if (value !== undefined) return value;
    throw new DbadminError('roles-invalid', `the password of role ${role} is not there: environment variable ${rule.name} is not set`, {
      hint: `Set ${rule.name}, or name another source in the file.`,
    });
  }
  if (rule.kind === 'command') return withoutLineBreak(await runCommand(role, rule.argv, sources));
  if (rule.kind !== 'file' && rule.kind !== 'generate') return undefined;
  const file = path.resolve(sources.directory, rule.path);
  try {
    await refuseOpenFile(role, file);
    return withoutLineBreak(await readFile(file, 'utf8'));
  } catch (error) {
    if (rule.kind === 'generate' && systemCodeOf(error) === 'ENOENT') return undefined;
    if (error instanceof DbadminError) throw error;
    throw new DbadminError('file-unreadable', `the password of role ${role} cannot be read from ${file}`, {
      detail: messageOf(error),
      cause: error,
    });
  }
}

/** A password that others can read is not one. */
async function refuseOpenFile(role: string, file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o077) === 0) return;
  throw new DbadminError('roles-invalid', `the password file of role ${role} can be read by others`, {
    detail: `${file} has mode ${(mode & 0o777).toString(8)}.`,
    hint: `chmod 600 ${file}`,
  });
}

function withoutLineBreak(text: string): string {
  return text.replace(/\r?\n$/, '');
}

async function runCommand(role: string, argv: readonly string[], sources: PasswordSources): Promise<string> {
  const [program = '', ...args] = argv;
  return await new Promise((resolve, reject) => {
    execFile(program, args, { cwd: sources.directory, env: { ...sources.env }, timeout: COMMAND_TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      // Its output is left out: it may be the password.
      const detail = stderr.trim() === '' ? `It ended with ${error.code ?? error.signal ?? 'an error'}.` : stderr.trim();
      return reject(new DbadminError('program-failed', `the command for the password of role ${role} failed: ${program}`, { detail }));
    });
  });
}

/** How the stored password of each declared role compares with what its rule leads to. A source that fails is a finding, for the plan to tell with all else. */
export async function comparePasswords(
  roles: Iterable<DeclaredRole>,
  cluster: ClusterState,
  sources: PasswordSources,
): Promise<ReadonlyMap<string, PasswordFinding>> {
  const findings = new Map<string, PasswordFinding>();
  for (const { name, password: rule } of roles) {
    if (rule.kind === 'unmanaged') continue;
    const stored = cluster.roles.get(name)?.verifier;
    let password: Secret | undefined;
    try {
      password = await readPassword(name, rule, sources);
      if (password !== undefined) refuseUnfit(password);
    } catch (error) {
      if (!isDbadminError(error)) throw error;
      findings.set(name, { problem: problemText(error) });
      continue;
    }
    if (rule.kind === 'none') findings.set(name, !cluster.canReadPasswords ? 'unreadable' : stored === undefined ? 'same' : 'differs');
    else if (password === undefined) findings.set(name, 'to-generate');
    else if (!cluster.canReadPasswords) findings.set(name, 'unreadable');
    else findings.set(name, stored === undefined ? 'missing' : scramMatches(password, stored) ? 'same' : 'differs');
  }
  return findings;
}

function problemText(error: DbadminError): string {
  const more = [error.detail, error.hint].filter((text) => text !== undefined).map((text) => text.replace(/\.$/, ''));
  return [error.message, ...more].join('; ');
}
