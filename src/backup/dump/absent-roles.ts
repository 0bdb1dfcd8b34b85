import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { quoteName } from '../../postgres/quote.ts';

/**
 * The same error, with the way out where pg_restore ended at roles that the server has not got. It is known by the server's words, in
 * English; in other languages the error stays as it is.
 */
export function withAbsentRoles(error: unknown, hadGlobals: boolean): unknown {
  if (!isDbadminError(error, 'program-failed')) return error;
  const said = [...(error.detail ?? '').matchAll(/ERROR: +role "(.*)" does not exist$/gm)];
  const names = [...new Set(said.map(([, name = '']) => name))];
  if (names.length === 0) return error;
  const make = names.map((name) => `CREATE ROLE ${quoteName(name)};`).join(' ');
  const hint = hadGlobals
    ? `The server has no such role, nor have the globals of the dump. Make it, and run this again: ${make}`
    : `The server has no such role, which owns something in the dump or was granted something. Run this again with --globals, which makes all roles of the dump that are not there, or make it: ${make}`;
  return new DbadminError(error.code, error.message, {
    detail: error.detail,
    hint: [hint, ...(error.hint === undefined ? [] : [error.hint])].join('\n'),
    cause: error.cause ?? error,
  });
}
