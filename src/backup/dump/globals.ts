import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { connectedEnvironment } from '../../postgres/client-environment.ts';
import { describeParameters } from '../../postgres/parameters.ts';
import type { ClientCall } from './pg-dump-restore.ts';

/**
 * Writes what belongs to the cluster and not to one database (roles, memberships, tablespaces, settings of roles) to `file`
 * as SQL. Without the hashes of passwords: whoever may read dumps need not be one who may log in as everybody.
 *
 * @throws {DbadminError} `program-failed` with what pg_dumpall said.
 */
export async function dumpGlobals(call: ClientCall, file: string): Promise<void> {
  const { program, parameters, signal } = call;
  // In English, as programEnvironment has it.
  const env = { ...connectedEnvironment(program, parameters, call.env), LC_ALL: 'C' };
  const args = ['--globals-only', '--no-role-passwords', '--no-password', `--file=${file}`];
  try {
    await promisify(execFile)(program.path, args, { env, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    const { stderr } = error as { readonly stderr?: unknown };
    throw new DbadminError('program-failed', `pg_dumpall failed: globals of ${describeParameters(parameters)}`, {
      detail: typeof stderr === 'string' && stderr.trim() !== '' ? stderr.trim() : messageOf(error),
      hint: `Run by ${program.path} (${program.version}).`,
    });
  }
}
