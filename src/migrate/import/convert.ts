import { isDbadminError, type DbadminError } from '../../base/errors.ts';
import { sha256Of } from '../files/checksum.ts';
import { parseSqlFile } from '../files/migration.ts';
import type { SqlParser } from '../sql/parser.ts';
import { invalidAt } from '../files/problems.ts';
import { scanStatements, type ScannedStatement } from '../sql/statements.ts';
import type { SourceUnit } from './source.ts';

/** A migration of another tool in dbadmin's form, or why it has none. */
export type Converted =
  | { readonly kind: 'sql'; readonly text: string; readonly verify: string | undefined; readonly warnings: readonly string[] }
  | { readonly kind: 'refused'; readonly why: DbadminError }
  | { readonly kind: 'program' }
  | { readonly kind: 'empty' };

const BEGIN = /^(begin|start\s+transaction)(\s+(work|transaction))?$/i;
const END = /^(commit|end)(\s+(work|transaction))?$/i;
const ROLLBACK = /^rollback(\s+(work|transaction))?$/i;
/** What PostgreSQL refuses in a transaction; the other tool saw that for itself, or never opened one. */
const ALONE =
  /^(create\s+(unique\s+)?index\s+concurrently|drop\s+index\s+concurrently|reindex\b.*\bconcurrently|vacuum|alter\s+system|(create|drop)\s+(database|tablespace)|(create|alter|drop)\s+subscription|alter\s+table\b.*\bdetach\s+partition\b.*\b(concurrently|finalize))\b/is;

/**
 * One file with up, and down below its mark. BEGIN and COMMIT around a whole script are left out, as a file here is a
 * transaction anyway; what cannot run in one makes the file no-transaction. A file that needs none of this keeps every byte.
 */
export function convertUnit(unit: SourceUnit, directory: string, parser: SqlParser): Converted {
  if (unit.up === undefined) return { kind: 'program' };
  const path = directory === '' ? unit.path : `${directory}/${unit.path}`;
  try {
    if (unit.placeholder !== undefined) {
      const { text, offset } = unit.placeholder;
      throw invalidAt(path, unit.up, offset, `${text} is replaced by the other tool, and by nobody here`, 'Write what it stands for.');
    }
    const up = unwrapped(unit.up, path, END);
    if (up.statements.length === 0) return { kind: 'empty' };
    const alone = !unit.transaction || up.statements.some(({ text }) => ALONE.test(text));
    const header = alone ? '-- dbadmin: no-transaction\n' : '';
    check(path, header + up.text, parser);
    const warnings: string[] = [];
    const down = convertDown(unit.down, path, alone, parser, warnings);
    const whole = unit.down === undefined && up.compact === unit.up;
    const body = whole ? trimTop(up.compact) : `${trimTop(up.compact).trimEnd()}\n`;
    const text = down === '' ? header + body : `${header}${body}\n-- dbadmin: down\n${down}`;
    return { kind: 'sql', text, verify: convertVerify(unit.verify, path, parser, warnings), warnings };
  } catch (error) {
    if (!isDbadminError(error, 'migration-invalid')) throw error;
    return { kind: 'refused', why: error };
  }
}

/** The row's body for what has no file: it says what it stands for. */
export function standIn(product: string, path: string, why: string): { readonly text: string; readonly sha256: string } {
  const text = `-- ${path}, applied by ${product}; its text is not here: ${why.replaceAll('\n', ' ')}\n`;
  return { text, sha256: sha256Of(text) };
}

function convertDown(down: string | undefined, path: string, alone: boolean, parser: SqlParser, warnings: string[]): string {
  if (down === undefined) return '';
  try {
    const script = unwrapped(down, path, END);
    if (script.statements.length === 0) return '';
    check(path, (alone ? '-- dbadmin: no-transaction\n' : '') + script.text, parser);
    return `${trimTop(script.compact).trimEnd()}\n`;
  } catch (error) {
    if (!isDbadminError(error, 'migration-invalid')) throw error;
    warnings.push(`the undo of ${path} is left out: ${error.message}`);
    return '';
  }
}

function convertVerify(verify: string | undefined, path: string, parser: SqlParser, warnings: string[]): string | undefined {
  if (verify === undefined) return undefined;
  try {
    const script = unwrapped(verify, path, ROLLBACK);
    if (script.statements.length === 0) return undefined;
    check(path, script.text, parser);
    return `${trimTop(script.compact).trimEnd()}\n`;
  } catch (error) {
    if (!isDbadminError(error, 'migration-invalid')) throw error;
    warnings.push(`the verify script of ${path} is left out: ${error.message}`);
    return undefined;
  }
}

interface Script {
  /** Its lines where they were, for messages. */
  readonly text: string;
  /** Without the empty lines that BEGIN left. */
  readonly compact: string;
  readonly statements: readonly ScannedStatement[];
}

/** The script without a transaction around the whole of it. */
function unwrapped(text: string, path: string, end: RegExp): Script {
  const { statements } = scanStatements(text, path);
  const [first, last] = [statements[0], statements.at(-1)];
  if (first === undefined || last === undefined || first === last || !BEGIN.test(first.text) || !end.test(last.text)) {
    return { text, compact: text, statements };
  }
  const open = without(text, last, /^\s*;/);
  return { text: without(open, first, /^\s*;/), compact: without(open, first, /^\s*;\s*/), statements: statements.slice(1, -1) };
}

function without(text: string, statement: ScannedStatement, semicolon: RegExp): string {
  const after = statement.start + statement.text.length;
  return text.slice(0, statement.start) + text.slice(after).replace(semicolon, '');
}

function check(path: string, text: string, parser: SqlParser): void {
  parseSqlFile({ path, location: path, text, sha256: '' }, parser);
}

/** Without the empty lines that kept the others on their numbers. */
function trimTop(text: string): string {
  return text.replace(/^(?:[ \t]*\n)+/, '');
}
