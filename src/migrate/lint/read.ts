import { isDbadminError, type DbadminError } from '../../base/errors.ts';
import { classify } from '../sql/classify.ts';
import { readDirectives } from '../files/directives.ts';
import { parseSqlFile, type SqlFile, type Statement } from '../files/migration.ts';
import type { SqlParser } from '../sql/parser.ts';
import { scanStatements } from '../sql/statements.ts';
import type { Finding } from './finding.ts';
import type { LintedFile } from './lint.ts';

export interface ReadFile {
  /** Undefined when it is not SQL at all. */
  readonly linted: LintedFile | undefined;
  /** Why `up` would refuse the file. */
  readonly problem: Finding | undefined;
}

/** Parses a file for lint, which also looks at one that `up` would refuse for what stands where in it. */
export function readForLint(file: SqlFile, parser: SqlParser): ReadFile {
  try {
    return { linted: { file, parsed: parseSqlFile(file, parser) }, problem: undefined };
  } catch (error) {
    if (!isDbadminError(error, 'migration-invalid')) throw error;
    const linted = parseLeniently(file, parser);
    // That one has a rule of its own.
    const hasRule = linted !== undefined && error.message.includes('CONCURRENTLY cannot run in a transaction');
    return { linted, problem: hasRule ? undefined : unreadable(file, error) };
  }
}

function parseLeniently(file: SqlFile, parser: SqlParser): LintedFile | undefined {
  try {
    const scanned = scanStatements(file.text, file.path);
    const { directives, downFrom } = readDirectives(scanned.directives, file.text, file.path);
    const statements = scanned.statements.slice(0, downFrom).map((each, index): Statement => {
      const [node] = parser.parse(each.text);
      return { ...each, number: index + 1, node, kind: classify(node ?? {}, each.text) };
    });
    return { file, parsed: { directives, statements } };
  } catch {
    // What is wrong was said by the strict reading.
    return undefined;
  }
}

/** What is wrong with a file, as a finding; also for files whose name or place is wrong. */
export function unreadable(file: Pick<SqlFile, 'path'>, error: DbadminError): Finding {
  const place = /^(.+?):(\d+):(\d+): (.*)$/s.exec(error.message);
  return {
    rule: 'unreadable',
    severity: 'error',
    file: file.path,
    line: Number(place?.[2] ?? 1),
    column: Number(place?.[3] ?? 1),
    statement: undefined,
    message: place?.[4] ?? error.message,
    blocked: undefined,
    why: 'dbadmin migrate up refuses the file.',
    safe: error.hint ?? 'see dbadmin migrate validate',
    relation: undefined,
    lock: undefined,
    work: undefined,
    inside: [],
  };
}
