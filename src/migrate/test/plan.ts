import { DbadminError } from '../../base/errors.ts';
import { parseSqlFile, type ParsedSql, type SqlFile } from '../files/migration.ts';
import type { SqlParser } from '../sql/parser.ts';
import { invalidAt } from '../files/problems.ts';
import { scanStatements, type ScannedStatement } from '../sql/statements.ts';

export interface TestFile {
  readonly file: SqlFile;
  readonly parsed: ParsedSql;
}

const BEGINS = /^(begin|start\s+transaction)\b/i;
const ROLLBACK = /^(rollback|abort)(\s+(work|transaction))?$/i;
const CONTROL = /^(begin|start\s+transaction|commit|end|abort|rollback|prepare\s+transaction)\b(?!\s+(work\s+|transaction\s+)?to\b)/i;

/**
 * Checks a test. Every test runs in a transaction that is rolled back; the BEGIN and ROLLBACK that files for pg_prove stand
 * between are taken for that one, and nothing else may end it.
 *
 * @throws {DbadminError} `migration-invalid` with file, line and column: a COMMIT above all, or what is not SQL.
 */
export function parseTestFile(file: SqlFile, parser: SqlParser): TestFile {
  const { statements } = scanStatements(file.text, file.path);
  let { text } = file;
  for (const [index, statement] of statements.entries()) {
    if (!CONTROL.test(statement.text)) continue;
    const isFrame = (index === 0 && BEGINS.test(statement.text)) || (index === statements.length - 1 && ROLLBACK.test(statement.text));
    if (!isFrame) throw refusal(file, statement);
    const end = statement.start + statement.text.length;
    text = `${text.slice(0, statement.start)}${' '.repeat(statement.text.length)}${text.slice(end)}`;
  }
  const parsed = parseSqlFile({ ...file, text }, parser);
  if (!parsed.directives.transaction) {
    throw new DbadminError('migration-invalid', `${file.path}: no-transaction is not for tests, which are rolled back`);
  }
  if (parsed.down !== undefined)
    throw new DbadminError('migration-invalid', `${file.path}: a test needs no down section: it is rolled back`);
  return { file, parsed };
}

function refusal(file: SqlFile, statement: ScannedStatement): DbadminError {
  const word = statement.text.split(/\s/, 1)[0]?.toUpperCase() ?? '';
  return invalidAt(
    file.path,
    file.text,
    statement.start,
    `${word} would end the transaction that the test is rolled back with`,
    'A test leaves nothing behind. Use savepoints inside it; BEGIN may stand first and ROLLBACK last.',
  );
}
