import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { DbadminError, messageOf, type ErrorCode } from '../base/errors.ts';
import type { SecretSource } from '../base/secret-source.ts';
import { Secret } from '../base/secret.ts';

const COMMAND_TIMEOUT_MS = 60_000;

/**
 * The secret that a file states. Text is at hand; the rest is fetched when the secret is first revealed, so that a command
 * that needs no passphrase works on a machine that has none.
 *
 * `place` is the `file:line:column` for failures, `directory` where relative paths start, `code` of the failure when there is none.
 */
export function resolveSecret(
  source: SecretSource,
  place: string,
  directory: string,
  env: Readonly<Record<string, string | undefined>>,
  code: ErrorCode = 'config-invalid',
): Secret {
  return new Secret(typeof source === 'string' ? source : () => fetchSecret(source, { place, code }, directory, env));
}

/** Who wants a secret: for the failure. */
interface Wanted {
  readonly place: string;
  readonly code: ErrorCode;
}

function fetchSecret(
  source: Exclude<SecretSource, string>,
  wanted: Wanted,
  directory: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (source.from === 'file') return firstLine(readSecretFile(path.resolve(directory, source.path), wanted), wanted, source.path);
  if (source.from === 'command') return firstLine(runSecretCommand(source.run, directory, env, wanted), wanted, source.run);
  const value = env[source.name];
  if (value === undefined || value === '') throw unresolved(wanted, `environment variable ${source.name} is not set`);
  return value;
}

function readSecretFile(file: string, wanted: Wanted): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw unresolved(wanted, `cannot read ${file}`, error);
  }
}

function runSecretCommand(command: string, directory: string, env: Readonly<Record<string, string | undefined>>, wanted: Wanted): string {
  try {
    return execFileSync('/bin/sh', ['-c', command], {
      cwd: directory,
      env: { ...env },
      encoding: 'utf8',
      // A password manager may ask for its own passphrase; what it says goes to the person, what it prints is the secret.
      stdio: ['inherit', 'pipe', 'inherit'],
      timeout: COMMAND_TIMEOUT_MS,
    });
  } catch (error) {
    // The error of execFileSync carries the output, which may hold the secret: it is not passed on.
    const status = typeof error === 'object' && error !== null && 'status' in error ? String(error.status) : 'no';
    throw unresolved(wanted, `command "${command}" failed with status ${status}`);
  }
}

function firstLine(text: string, wanted: Wanted, from: string): string {
  const line = text.split(/\r?\n/, 1)[0] ?? '';
  if (line === '') throw unresolved(wanted, `${from} gave nothing`);
  return line;
}

function unresolved(wanted: Wanted, message: string, cause?: unknown): DbadminError {
  return new DbadminError(wanted.code, `${wanted.place}: ${message}`, {
    ...(cause === undefined ? {} : { detail: messageOf(cause), cause }),
    hint: 'The configuration says that a secret comes from there.',
  });
}
