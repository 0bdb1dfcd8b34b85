import { invalidAt } from '../files/problems.ts';
import { endOfComment, isSpace, isWordStart, skipBlockComment, skipDollarQuote, skipQuoted, wordAt } from './tokens.ts';

/** One statement of a file, as far as a scanner can tell without knowing the grammar. */
export interface ScannedStatement {
  /** Without the semicolon, and without what stands before its first word. */
  readonly text: string;
  /** UTF-16 offset of `text` in the file. */
  readonly start: number;
  /** Line of `start`, from 1. */
  readonly line: number;
  /** The lines below `COPY … FROM stdin;`, without the closing `\.`; each ends with a newline. */
  readonly copyData: string | undefined;
}

/** A `-- dbadmin: …` line outside quotes. */
export interface ScannedDirective {
  /** What stands after the colon, trimmed. */
  readonly text: string;
  readonly offset: number;
  /** How many statements ended before it. */
  readonly statementsBefore: number;
  /** It stands between the first word of a statement and its semicolon. */
  readonly insideStatement: boolean;
}

export interface ScannedSql {
  readonly statements: readonly ScannedStatement[];
  readonly directives: readonly ScannedDirective[];
}

const DIRECTIVE = /^--\s*dbadmin:\s*(.*)$/;

/**
 * Splits SQL at the semicolons that end statements, knowing quotes, dollar quotes, comments, parentheses,
 * `BEGIN ATOMIC … END` and `COPY … FROM stdin` with its data.
 *
 * `text` is normalised ({@link normaliseSql}). The pieces still have to be parsed: this finds where they are, not whether they are right.
 * The two lines that pg_dump writes for psql's safety (`\restrict`, `\unrestrict`) are skipped.
 *
 * @throws {DbadminError} `migration-invalid` with file, line and column: something never closed, or another line for psql.
 */
export function scanStatements(text: string, file: string): ScannedSql {
  const statements: ScannedStatement[] = [];
  const directives: ScannedDirective[] = [];
  const lines = lineCounter(text);
  let statement = newStatement();
  let at = 0;

  const end = (): void => {
    if (statement.start < 0) return;
    const copies = statement.copies;
    const { start } = statement;
    const body = text.slice(start, at).trimEnd();
    statement = newStatement();
    if (!copies) {
      statements.push({ text: body, start, line: lines(start), copyData: undefined });
      return;
    }
    const data = copyBlock(text, at, start, file);
    statements.push({ text: body, start, line: lines(start), copyData: data.text });
    at = data.end - 1;
  };

  while (at < text.length) {
    const char = text.charAt(at);
    if (isSpace(char)) at += 1;
    else if (char === '-' && text.charAt(at + 1) === '-') {
      const stop = endOfComment(text, at);
      const directive = DIRECTIVE.exec(text.slice(at, stop));
      if (directive !== null) {
        const insideStatement = statement.start >= 0;
        directives.push({ text: (directive[1] ?? '').trim(), offset: at, statementsBefore: statements.length, insideStatement });
      }
      at = stop;
    } else if (char === '/' && text.charAt(at + 1) === '*') at = skipBlockComment(text, at, file);
    else if (char === '\\') at = psqlLine(text, at, statement.start >= 0, file);
    else if (char === ';' && statement.parentheses <= 0 && statement.blocks === 0) {
      end();
      at += 1;
    } else {
      if (statement.start < 0) statement.start = at;
      at = skipToken(text, at, file, statement);
    }
  }
  if (statement.start >= 0) {
    if (statement.blocks > 0) throw invalidAt(file, text, statement.start, 'BEGIN ATOMIC without its END');
    if (statement.copies) throw invalidAt(file, text, statement.start, 'COPY … FROM stdin without a semicolon and data');
    end();
  }
  return { statements, directives };
}

interface OpenStatement {
  start: number;
  parentheses: number;
  /** Open `BEGIN ATOMIC` and the CASEs inside. */
  blocks: number;
  words: number;
  /** First letters of the first four of create, or, replace, function, procedure: as psql recognises routines. */
  opening: string;
  isCopy: boolean;
  lastWord: string;
  copies: boolean;
}

function newStatement(): OpenStatement {
  return { start: -1, parentheses: 0, blocks: 0, words: 0, opening: '', isCopy: false, lastWord: '', copies: false };
}

function skipToken(text: string, at: number, file: string, statement: OpenStatement): number {
  const char = text.charAt(at);
  if (char === "'") return skipQuoted(text, at, "'", false, file);
  if (char === '"') return skipQuoted(text, at, '"', false, file);
  if (char === '$') return skipDollarQuote(text, at, file);
  if (char === '(') statement.parentheses += 1;
  else if (char === ')') statement.parentheses -= 1;
  else if (isWordStart(char)) {
    const word = wordAt(text, at);
    const next = at + word.length;
    if (text.charAt(next) === "'" && (word === 'e' || word === 'E')) return skipQuoted(text, next, "'", true, file);
    noteWord(statement, word.toLowerCase());
    return next;
  } else if (char >= '0' && char <= '9') return at + Math.max(1, wordAt(text, at).length);
  return at + 1;
}

function noteWord(statement: OpenStatement, word: string): void {
  statement.words += 1;
  if (statement.words <= 4 && ['create', 'or', 'replace', 'function', 'procedure'].includes(word)) statement.opening += word.charAt(0);
  if (statement.words === 1) statement.isCopy = word === 'copy';
  if (statement.parentheses > 0) return;
  const { lastWord } = statement;
  if (statement.isCopy && word === 'stdin' && lastWord === 'from') statement.copies = true;
  statement.lastWord = word;
  if (!/^c(or)?[fp]/.test(statement.opening)) return;
  if ((word === 'atomic' && lastWord === 'begin') || (word === 'case' && statement.blocks > 0)) statement.blocks += 1;
  else if (word === 'end' && statement.blocks > 0) statement.blocks -= 1;
}

/** The data that follows the line of the semicolon at `semicolon`, up to a line that is only `\.`. */
function copyBlock(text: string, semicolon: number, start: number, file: string): { readonly text: string; readonly end: number } {
  const newline = text.indexOf('\n', semicolon);
  const from = newline < 0 ? text.length : newline + 1;
  if (!/^;\s*(--.*)?$/.test(text.slice(semicolon, from).trimEnd())) {
    throw invalidAt(file, text, semicolon, 'something stands between COPY … FROM stdin; and its data', 'Begin the data on the next line.');
  }
  if (text.startsWith('\\.', from) && /^\\\.(\n|$)/.test(text.slice(from, from + 3))) return { text: '', end: from + 2 };
  const closing = text.indexOf('\n\\.', from);
  const after = text.charAt(closing + 3);
  if (closing >= 0 && (after === '\n' || after === '')) return { text: text.slice(from, closing + 1), end: closing + 3 };
  throw invalidAt(file, text, start, 'the data of COPY … FROM stdin has no closing line "\\."');
}

function psqlLine(text: string, at: number, insideStatement: boolean, file: string): number {
  const newline = text.indexOf('\n', at);
  const line = text.slice(at, newline < 0 ? text.length : newline);
  if (!insideStatement && /^\\(un)?restrict\s/.test(line)) return at + line.length;
  throw invalidAt(file, text, at, `"${line.slice(0, 40)}" is for psql, not SQL`, 'Write it as SQL, or take the line out.');
}

/** Line numbers for offsets asked in ascending order, without reading the text again and again. */
function lineCounter(text: string): (offset: number) => number {
  let [line, seen] = [1, 0];
  return (offset) => {
    for (let next = text.indexOf('\n', seen); next >= 0 && next < offset; next = text.indexOf('\n', seen)) {
      line += 1;
      seen = next + 1;
    }
    return line;
  };
}
