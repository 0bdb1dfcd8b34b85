import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { connectedEnvironment } from '../../postgres/client-environment.ts';
import { describeParameters, type ConnectionParameters } from '../../postgres/parameters.ts';
import { findClientProgram, wantedFor, type Environment } from '../../postgres/programs.ts';
import { normaliseSql } from '../files/checksum.ts';
import { canonicalText, readDump, withoutHistory } from './dump.ts';

export interface SchemaDumpOptions {
  readonly connection: ConnectionParameters;
  /** Schema of the history, which is left out. */
  readonly historySchema: string;
  /** Of the server. */
  readonly major: number;
  readonly env: Environment;
  readonly signal: AbortSignal;
}

const LOCK_WAIT_MS = 10_000;

/**
 * Owners and privileges are what roles.yaml is for; tablespaces are the machine's. A subscription's connection string holds a
 * password, and two databases of one history do not subscribe to the same thing.
 */
const LEFT_OUT = ['--no-owner', '--no-privileges', '--no-tablespaces', '--no-subscriptions'];

/**
 * The canonical text of a live schema, by pg_dump of the server's major or newer.
 *
 * @throws {DbadminError} `program-missing` where there is no such pg_dump; `program-failed`.
 */
export async function dumpSchema({ connection, historySchema, major, env, signal }: SchemaDumpOptions): Promise<string> {
  const program = await findClientProgram('pg_dump', wantedFor(connection, major), env);
  const what = describeParameters(connection);
  const args = ['--schema-only', ...LEFT_OUT, '--encoding=UTF8', '--no-password', `--lock-wait-timeout=${LOCK_WAIT_MS}`];
  let printed: Buffer;
  try {
    const { stdout } = await promisify(execFile)(program.path, args, {
      env: connectedEnvironment(program, connection, env),
      maxBuffer: 1 << 29,
      encoding: 'buffer',
      signal,
    });
    printed = stdout;
  } catch (error) {
    signal.throwIfAborted();
    const { stderr } = error as { readonly stderr?: unknown };
    throw new DbadminError('program-failed', `pg_dump failed: schema of ${what}`, {
      detail: Buffer.isBuffer(stderr) && stderr.length > 0 ? stderr.toString('utf8').trim() : messageOf(error),
      hint: `Run by ${program.path} (${program.version}).`,
      cause: error,
    });
  }
  return canonicalText(withoutHistory(readDump(normaliseSql(printed, 'pg_dump'), 'pg_dump'), historySchema), major);
}
