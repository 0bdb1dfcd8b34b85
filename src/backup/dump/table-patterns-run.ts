import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DbadminError } from '../../base/errors.ts';
import { connectedEnvironment } from '../../postgres/client-environment.ts';
import type { ClientCall } from './pg-dump-restore.ts';

/**
 * Of several databases: each pattern has to find a table in one of them at least. pg_dump passes over one that finds none beside one that does, and where it
 * is told not to, every pattern has to find one in each. Asks pg_dump itself, which alone knows what a pattern finds; it dumps definitions, to nowhere.
 *
 * @throws {DbadminError} `usage` with the patterns that find nothing anywhere.
 */
export async function refuseUnmatched(call: ClientCall, databases: readonly string[], patterns: readonly string[]): Promise<void> {
  let left = [...new Set(patterns)];
  for (const database of databases) left = await unmatchedIn({ ...call, parameters: { ...call.parameters, database } }, left);
  if (left.length === 0) return;
  throw new DbadminError('usage', `--table ${left.join(', ')} finds no table in ${databases.join(', ')}`, {
    detail: 'Nothing was dumped.',
    hint: 'As pg_dump has it: SCHEMA.TABLE, in lower case unless it is in double quotes, with * and ?. Without a schema it finds what the search_path of the role does.',
  });
}

async function unmatchedIn(call: ClientCall, patterns: readonly string[]): Promise<string[]> {
  const unmatched: string[] = [];
  let left = patterns;
  // It names the first that finds nothing, before it reads anything else.
  while (left.length > 0) {
    const failed = await firstUnmatched(call, left);
    if (failed === undefined) return unmatched;
    unmatched.push(failed);
    left = left.filter((pattern) => pattern !== failed);
  }
  return unmatched;
}

/** Undefined, too, when pg_dump fails at something else: the dump itself will say that. */
async function firstUnmatched({ program, parameters, env, signal }: ClientCall, patterns: readonly string[]): Promise<string | undefined> {
  const tables = patterns.map((pattern) => `--table=${pattern}`);
  const args = ['--schema-only', '--strict-names', '--no-password', '--file=/dev/null', ...tables];
  // In English, as programEnvironment has it.
  const options = { env: { ...connectedEnvironment(program, parameters, env), LC_ALL: 'C' }, ...(signal === undefined ? {} : { signal }) };
  try {
    await promisify(execFile)(program.path, args, options);
    return undefined;
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    const said = String((error as { readonly stderr?: unknown }).stderr);
    return patterns.find((pattern) => said.includes(`no matching tables were found for pattern "${pattern}"`));
  }
}
