import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { caret, offsetOfCharacter, placeOf } from '../sql/location.ts';
import type { SqlFile, Statement } from '../files/migration.ts';

/** What PostgreSQL's error carries beyond message and SQLSTATE. */
interface ServerError {
  readonly position?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly where?: string;
}

/** SQLSTATEs after which the same transaction may pass if it is tried again: a lock not had in time, a deadlock lost. */
const LOCK_CODES: ReadonlySet<string> = new Set(['55P03', '40P01']);

/** The server ended the session, or the network did. */
const CONNECTION_CODES = /^(08...|57P0[1-5]|25P03|E[A-Z]+)$/;

/** Whether the failure was another session's lock. */
export function isLockFailure(error: unknown): boolean {
  const code = systemCodeOf(error instanceof DbadminError ? error.cause : error);
  return code !== undefined && LOCK_CODES.has(code);
}

/**
 * The failure of one statement: `file:line:column: what the server said (SQLSTATE)`, the line with a caret, the server's detail.
 * A broken connection, `lost`, becomes `connection-failed`. Errors that are ours already, or not the server's, pass unchanged.
 */
export function statementError(file: SqlFile, statement: Statement, error: unknown, lost: Error | undefined): Error {
  if (error instanceof DbadminError) return error;
  const code = systemCodeOf(error);
  const server = (error ?? {}) as ServerError;
  const offset = failingOffset(file, statement, server);
  const { line, column } = placeOf(file.text, offset);
  const place = `${file.path}:${line}:${column}`;
  if (lost !== undefined || (code !== undefined && CONNECTION_CODES.test(code))) {
    return new DbadminError('connection-failed', `${place}: the connection was lost while this ran`, {
      detail: messageOf(error),
      hint: 'The server has undone the open transaction. Run the same command again: it goes on where the history ends.',
      cause: error,
    });
  }
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code)) return error instanceof Error ? error : new Error(messageOf(error));
  const detail = [caret(file.text, offset), server.detail, server.where].filter((part) => part !== undefined && part !== '').join('\n');
  return new DbadminError('migration-failed', `${place}: ${messageOf(error)} (${code})`, {
    detail,
    hint: hintFor(code, server.hint, statement),
    cause: error,
  });
}

/** What is left of a file that failed: how many of its statements stay done, and with which the next run goes on. */
export interface Remains {
  readonly kind: 'down' | undefined;
  readonly done: number;
  readonly next: number;
}

/** The same failure, saying what is left of the file in the database. */
export function withRemains(failure: DbadminError, { kind, done, next }: Remains): DbadminError {
  const what = kind === 'down' ? 'undone' : 'applied';
  const last = done === 1 ? 'Statement 1 is' : `Statements 1 to ${done} are`;
  const remains =
    done === 0
      ? `Nothing of this file is ${what}.`
      : `${last} ${what} and stay${done === 1 ? 's' : ''} so; the next run goes on with statement ${next}.`;
  const detail = [failure.detail ?? '', remains].filter((part) => part !== '').join('\n');
  return new DbadminError(failure.code, failure.message, { detail, hint: failure.hint, cause: failure.cause });
}

/**
 * The failure of a question of our own, outside any file: the history cannot be read, the connection is gone.
 * Errors that are ours already, or not the server's, pass unchanged.
 */
export function serverError(error: unknown, lost: Error | undefined): unknown {
  if (error instanceof DbadminError) return error;
  const code = systemCodeOf(error);
  if (lost !== undefined || (code !== undefined && CONNECTION_CODES.test(code))) {
    return new DbadminError('connection-failed', 'the connection was lost', { detail: messageOf(error), cause: error });
  }
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code)) return error;
  const { detail, hint } = (error ?? {}) as ServerError;
  return new DbadminError(code === '42501' ? 'privilege-missing' : 'query-failed', `the server refused: ${messageOf(error)} (${code})`, {
    detail,
    hint:
      hint ??
      (code === '42501'
        ? "Migrate as the role that owns the history's schema, or grant it USAGE there and SELECT and INSERT on the history."
        : undefined),
    cause: error,
  });
}

function failingOffset(file: SqlFile, statement: Statement, { position, where }: ServerError): number {
  const dataLine = statement.copyData === undefined ? null : /^COPY .*?, line (\d+)/.exec(where ?? '');
  if (dataLine !== null) {
    const data = file.text.indexOf('\n', statement.start + statement.text.length) + 1;
    let offset = data;
    for (let line = 1; line < Number(dataLine[1]); line += 1) offset = file.text.indexOf('\n', offset) + 1;
    return offset;
  }
  if (position === undefined) return offsetInBlock(file, statement, where) ?? statement.start;
  return statement.start + offsetOfCharacter(statement.text, Number(position) - 1);
}

/** Where the body of a DO begins; undefined for one whose lines cannot be counted (`E'\n'`). */
const BODY = /^do\b(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/|language\s+\w+)*(\$\w*\$|')/i;

/** The first character of the line on which a DO block failed: the server counts lines from the quote on, and names the outermost block last. */
function offsetInBlock(file: SqlFile, statement: Statement, where: string | undefined): number | undefined {
  const frame = [...(where ?? '').matchAll(/"?inline_code_block"? (?:near )?line (\d+)/g)].at(-1);
  const opening = BODY.exec(statement.text);
  if (frame === undefined || opening === null) return undefined;
  let offset = statement.start + opening[0].length;
  for (let line = 1; line < Number(frame[1]); line += 1) offset = file.text.indexOf('\n', offset) + 1;
  if (Number(frame[1]) === 1) return statement.start;
  return offset + (/^[ \t]*/.exec(file.text.slice(offset, offset + 200))?.[0].length ?? 0);
}

function hintFor(code: string, hint: string | undefined, statement: Statement): string | undefined {
  if (code === '55P03')
    return 'Let that session end its transaction, or end it: select pg_terminate_backend(<process>). To wait longer: -- dbadmin: lock-timeout 10s';
  if (code === '42501') return hint ?? 'Migrate as the role that owns it, or grant what is missing to the role of this connection.';
  if (code === '42P01' || code === '3F000')
    return (
      hint ?? 'Make it in a migration before this one. Without a schema, a name is looked for along the search path of database and role.'
    );
  if (code === '25001') return `${statement.kind.command} must stand in a file that begins with: -- dbadmin: no-transaction`;
  if (code === '42P13' || code === '42P16') {
    const drop = statement.kind.command.replace('CREATE', 'DROP');
    return `${hint ?? ''}\nA changed signature needs the old one dropped first: write a versioned migration with ${drop} ${statement.kind.object ?? ''}, or put ${drop} IF EXISTS before it in this file.`.trim();
  }
  return hint;
}
