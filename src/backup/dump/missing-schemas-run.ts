import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DbadminError, messageOf } from '../../base/errors.ts';
import type { DumpFormat } from './manifest.ts';
import { programEnvironment, type ClientCall } from './pg-dump-restore.ts';

/** Definitions of one database, as text. */
const MOST_BYTES = 512 * 1024 * 1024;

/**
 * The schemas in which the dump at `place` has something and that it does not make itself, as is so of every dump of single tables: each once.
 * `public` is none of them. Reads definitions alone, and connects to nothing.
 *
 * @throws {DbadminError} `program-failed` with what pg_restore said.
 */
export async function missingSchemas(call: ClientCall, place: string, format: DumpFormat): Promise<readonly string[]> {
  const { program, signal } = call;
  const args = ['--schema-only', `--format=${format}`, '--file=-', place];
  try {
    const options = { env: programEnvironment(call), maxBuffer: MOST_BYTES, ...(signal === undefined ? {} : { signal }) };
    const { stdout } = await promisify(execFile)(program.path, args, options);
    return schemasOf(stdout);
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    const { stderr } = error as { readonly stderr?: unknown };
    throw new DbadminError('program-failed', 'pg_restore failed: what the dump holds', {
      detail: typeof stderr === 'string' && stderr.trim() !== '' ? stderr.trim() : messageOf(error),
      hint: `Run by ${program.path} (${program.version}).`,
    });
  }
}

/** Of the comments that pg_restore puts before each statement. A name that is not in UTF-8 is left out: it would be another one. */
export function schemasOf(definitions: string): readonly string[] {
  const made = new Set(['-', 'public']);
  const used = new Set<string>();
  for (const [, name = '', type = '', schema = ''] of definitions.matchAll(/^-- Name: (.*); Type: ([A-Z ]+); Schema: (.*); Owner: /gm)) {
    if (type === 'SCHEMA') made.add(name);
    if (!schema.startsWith('pg_') && !schema.includes('\uFFFD')) used.add(schema);
  }
  return [...used].filter((schema) => !made.has(schema));
}
