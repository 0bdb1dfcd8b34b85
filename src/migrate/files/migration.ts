import { DbadminError } from '../../base/errors.ts';
import { asText, nodeType, SqlSyntaxError, type AstNode, type SqlParser } from '../sql/parser.ts';
import { classify, type StatementKind } from '../sql/classify.ts';
import { sha256Of } from './checksum.ts';
import { readDirectives, type Directives } from './directives.ts';
import { offsetOfCharacter } from '../sql/location.ts';
import type { MigrationName } from './names.ts';
import { invalidAt } from './problems.ts';
import { scanStatements, type ScannedStatement } from '../sql/statements.ts';

/** The text of a file as it stands on disk, normalised. */
export interface SqlFile {
  /** How messages name it: the path relative to the project. */
  readonly path: string;
  /** Absolute path. */
  readonly location: string;
  readonly text: string;
  /** 64 hex digits. */
  readonly sha256: string;
}

/** A versioned file as found on disk. */
export interface MigrationFile {
  readonly name: MigrationName;
  readonly file: SqlFile;
}

export interface Statement extends ScannedStatement {
  /** From 1, in the part of the file it belongs to. */
  readonly number: number;
  readonly kind: StatementKind;
  /** `{ CreateStmt: … }`; undefined for one too large to parse. */
  readonly node: AstNode | undefined;
}

/** A file cut into statements, each accepted by PostgreSQL's parser. */
export interface ParsedSql {
  readonly directives: Directives;
  readonly statements: readonly Statement[];
  /** The statements below `-- dbadmin: down`; undefined without that line. `up` never runs them. */
  readonly down: readonly Statement[] | undefined;
}

/** Above this the parser's memory grows to gigabytes; such a statement is data, and the server will parse it. */
const PARSE_AT_MOST = 4_000_000;

/**
 * Cuts and parses a file.
 *
 * @throws {DbadminError} `migration-invalid` with file, line, column and a caret: not SQL, a line for psql, a transaction of its
 * own, a directive in the wrong place, nothing to run, an index built concurrently without a name or inside a transaction.
 */
export function parseSqlFile(file: SqlFile, parser: SqlParser): ParsedSql {
  const scanned = scanStatements(file.text, file.path);
  const { directives, downFrom } = readDirectives(scanned.directives, file.text, file.path);
  const cut = downFrom ?? scanned.statements.length;
  if (cut === 0) {
    // Applied empty, it could not be filled any more.
    throw new DbadminError('migration-invalid', `${file.path}: holds no statement`, {
      hint: 'Write it, or move it away until it is written.',
    });
  }
  const parsed = scanned.statements.map((statement, index) => {
    const number = index < cut ? index + 1 : index - cut + 1;
    const found = parseStatement(statement, number, file, parser);
    checkPlace(found, directives, file);
    return found;
  });
  return { directives, statements: parsed.slice(0, cut), down: downFrom === undefined ? undefined : parsed.slice(cut) };
}

/** What the history keeps of one statement of a no-transaction file: its text and data, 64 hex digits. */
export function statementSha({ text, copyData }: ScannedStatement): string {
  return sha256Of(copyData === undefined ? text : `${text};\n${copyData}`);
}

function parseStatement(statement: ScannedStatement, number: number, file: SqlFile, parser: SqlParser): Statement {
  if (statement.text.length > PARSE_AT_MOST) {
    const command = (/^\w+/.exec(statement.text)?.[0] ?? '').toUpperCase();
    return { ...statement, number, node: undefined, kind: { command, object: undefined, alone: false } };
  }
  try {
    const nodes = parser.parse(statement.text);
    const [node] = nodes;
    if (node === undefined || nodes.length !== 1) {
      throw new DbadminError('internal', `${file.path}: cut into statements otherwise than PostgreSQL does, line ${statement.line}`);
    }
    return { ...statement, number, node, kind: classify(node, statement.text) };
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error;
    const within = offsetOfCharacter(statement.text, error.character ?? 0);
    throw invalidAt(file.path, file.text, statement.start + within, error.message);
  }
}

function checkPlace(statement: Statement, directives: Directives, file: SqlFile): void {
  if (statement.node === undefined) return;
  const refuse = (what: string, hint: string): Error => invalidAt(file.path, file.text, statement.start, what, hint);
  const { type, fields } = nodeType(statement.node);
  if (type === 'TransactionStmt' && !isSavepoint(fields, directives.transaction)) {
    throw refuse(
      `${statement.text.split(/\s/, 1)[0]?.toUpperCase() ?? ''} is not for a migration to say`,
      'A file runs in one transaction; with "-- dbadmin: no-transaction" as its first line each statement runs on its own.',
    );
  }
  if (type === 'DiscardStmt' && fields['target'] === 'DISCARD_ALL') {
    throw refuse('DISCARD ALL would release the lock of this run', 'Use RESET ALL or DISCARD TEMP; each file begins with fresh settings.');
  }
  if (type === 'VariableSetStmt' && fields['name'] === 'standard_conforming_strings' && /\b(off|false|no|0)\b/i.test(statement.text)) {
    // The rest was cut and parsed with plain quotes; the server would now read it otherwise.
    throw refuse('standard_conforming_strings cannot be off', "Write strings with backslashes as E'…', and take this line out.");
  }
  if (type === 'CopyStmt' && fields['is_program'] === true) return;
  if (type === 'CopyStmt' && asText(fields['filename']) === undefined && fields['is_from'] !== true) {
    throw refuse('COPY … TO stdout has nowhere to go', 'Use psql for exports.');
  }
  const inBackground = statement.kind.command.endsWith('CONCURRENTLY');
  if (inBackground && directives.transaction) {
    throw refuse(`${statement.kind.command} cannot run in a transaction`, 'Begin the file with: -- dbadmin: no-transaction');
  }
  if (inBackground && type === 'IndexStmt' && asText(fields['idxname']) === undefined) {
    throw refuse(
      'an index built concurrently needs a name',
      'An interrupted build leaves an INVALID index, which is found again by its name.',
    );
  }
}

function isSavepoint(fields: AstNode, transaction: boolean): boolean {
  return transaction && ['TRANS_STMT_SAVEPOINT', 'TRANS_STMT_RELEASE', 'TRANS_STMT_ROLLBACK_TO'].includes(asText(fields['kind']) ?? '');
}
