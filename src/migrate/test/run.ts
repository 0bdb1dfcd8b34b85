import type { Clock } from '../../base/clock.ts';
import { messageOf, systemCodeOf, DbadminError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { lineOfBody } from '../bodies/plan.ts';
import { caret, offsetOfCharacter, placeOf } from '../sql/location.ts';
import type { SqlFile, Statement } from '../files/migration.ts';
import { openSession, type Session } from '../session/session.ts';
import type { TestFile } from './plan.ts';
import { judgeTest, type PlacedAssertion, type TestFailure, type TestResult } from './result.ts';
import { readTap } from './tap.ts';

export interface TestRunOptions {
  readonly connection: ConnectionParameters;
  readonly lockTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onResult?: (result: TestResult) => void;
}

/**
 * Runs tests one by one, each in a session of its own and a transaction that is rolled back. What raises fails its file; a
 * sequence that a test drew from stays drawn, as PostgreSQL has it.
 *
 * @throws {DbadminError} `connection-failed` when the database cannot be reached at all.
 */
export async function runTests(files: readonly TestFile[], options: TestRunOptions): Promise<readonly TestResult[]> {
  const results: TestResult[] = [];
  for (const file of files) {
    options.signal.throwIfAborted();
    const result = await runTest(file, options);
    results.push(result);
    options.onResult?.(result);
  }
  return results;
}

async function runTest({ file, parsed }: TestFile, { connection, lockTimeoutMs, clock, log, signal }: TestRunOptions): Promise<TestResult> {
  const session = await openSession(connection, {
    applicationName: 'dbadmin migrate test',
    onNotice: (severity, message) => log.debug(`${severity}: ${message}`),
  });
  const cancel = (): void => void session.close();
  signal.addEventListener('abort', cancel, { once: true });
  const startedMs = clock.now().getTime();
  const assertions: PlacedAssertion[] = [];
  let planned: number | undefined;
  let bailedOut: string | undefined;
  let failure: TestFailure | undefined;
  try {
    const timeout = parsed.directives.lockTimeoutMs ?? lockTimeoutMs;
    await session.query(
      `begin; set local lock_timeout = '${timeout}ms'; set local statement_timeout = '${parsed.directives.statementTimeoutMs ?? 0}ms'`,
    );
    for (const statement of parsed.statements) {
      let rows: readonly object[];
      try {
        rows = await runOne(session, statement);
      } catch (error) {
        signal.throwIfAborted();
        failure = failureOf(file, statement, error, session.lost());
        break;
      }
      for (const text of textsOf(rows)) {
        const piece = readTap(text, assertions.length);
        const { line } = statement;
        assertions.push(...piece.assertions.map((each) => ({ ...each, line })));
        planned = piece.planned ?? planned;
        bailedOut = piece.bailedOut ?? bailedOut;
      }
      if (bailedOut !== undefined) break;
    }
    await session.query('rollback').catch(() => undefined);
  } finally {
    signal.removeEventListener('abort', cancel);
    await session.close();
  }
  const tookMs = clock.now().getTime() - startedMs;
  return judgeTest({ file: file.path, assertions, failure, tookMs, planned, bailedOut });
}

async function runOne(session: Session, { text, copyData }: Statement): Promise<readonly object[]> {
  if (copyData === undefined) return await session.query(text);
  await session.copyIn(text, copyData);
  return [];
}

/** Texts in rows of one column, which is what pgTAP's functions give. */
function textsOf(rows: readonly object[]): readonly string[] {
  return rows.flatMap((row) => {
    const values = Object.values(row) as readonly unknown[];
    return values.length === 1 && typeof values[0] === 'string' ? [values[0]] : [];
  });
}

interface ServerError {
  readonly position?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly where?: string;
}

function failureOf(file: SqlFile, statement: Statement, error: unknown, lost: Error | undefined): TestFailure {
  if (lost !== undefined)
    throw new DbadminError('connection-failed', `${file.path}:${statement.line}: the connection was lost while this ran`, { cause: error });
  const { position, detail, hint, where } = (error ?? {}) as ServerError;
  const code = systemCodeOf(error);
  const offset = position === undefined ? statement.start : statement.start + offsetOfCharacter(statement.text, Number(position) - 1);
  const line = lineInBody(file, statement, where) ?? placeOf(file.text, offset).line;
  const at = position === undefined ? offsetOfLine(file.text, line) : offset;
  return {
    line,
    message: code === 'P0004' || code === undefined ? messageOf(error) : `${messageOf(error)} (${code})`,
    detail: [caret(file.text, at), detail, hintFor(code, statement) ?? hint].filter((part) => part !== undefined && part !== '').join('\n'),
  };
}

/** The line of the file that a DO block had come to; the outermost block is named last. */
function lineInBody(file: SqlFile, statement: Statement, where: string | undefined): number | undefined {
  const found = [...(where ?? '').matchAll(/^PL\/pgSQL function inline_code_block line (\d+)/gm)].at(-1)?.[1];
  return found === undefined ? undefined : lineOfBody(file, statement, Number(found));
}

/** The first letter on a line. */
function offsetOfLine(text: string, line: number): number {
  let offset = 0;
  for (let number = 1; number < line; number += 1) offset = text.indexOf('\n', offset) + 1;
  return offset + (/^[ \t]*/.exec(text.slice(offset))?.[0].length ?? 0);
}

function hintFor(code: string | undefined, { text }: Statement): string | undefined {
  if (code !== '42883' || !/\b(no_plan|plan|finish|runtests)\s*\(/i.test(text)) return undefined;
  return 'These are functions of pgTAP, which is not installed in this database. Without it, write DO blocks with ASSERT.';
}
