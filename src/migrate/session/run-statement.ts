import type { SqlFile, Statement } from '../files/migration.ts';
import type { Session } from './session.ts';
import { statementError } from './sql-error.ts';
import type { Watch } from '../watch/watch.ts';

/** Who looks on while a statement runs, and after how long without a lock that statement ends. */
export interface Watched {
  readonly by: Watch;
  readonly lockTimeoutMs: number;
}

/**
 * Runs one statement of a file; the data below a COPY is streamed. With `watch`, another session looks on meanwhile.
 *
 * @throws {DbadminError} `migration-failed` with file, line, column and caret; `connection-failed`.
 */
export async function runStatement(session: Session, file: SqlFile, statement: Statement, watch?: Watched): Promise<void> {
  const run = async (): Promise<void> => {
    if (statement.copyData === undefined) await session.query(statement.text);
    else await session.copyIn(statement.text, statement.copyData);
  };
  try {
    await (watch === undefined ? run() : watch.by.during(watch.lockTimeoutMs, run));
  } catch (error) {
    throw statementError(file, statement, error, session.lost());
  }
}
