import type { SqlFile, Statement } from './migration.ts';
import type { Session } from './session.ts';
import { statementError } from './sql-error.ts';

/**
 * Runs one statement of a file; the data below a COPY is streamed.
 *
 * @throws {DbadminError} `migration-failed` with file, line, column and caret; `connection-failed`.
 */
export async function runStatement(session: Session, file: SqlFile, statement: Statement): Promise<void> {
  try {
    if (statement.copyData === undefined) await session.query(statement.text);
    else await session.copyIn(statement.text, statement.copyData);
  } catch (error) {
    throw statementError(file, statement, error, session.lost());
  }
}
