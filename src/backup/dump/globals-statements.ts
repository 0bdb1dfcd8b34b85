import { DbadminError } from '../../base/errors.ts';

const QUOTES: ReadonlySet<string> = new Set(["'", '"']);

/**
 * The statements of what `pg_dumpall --globals-only` wrote, one by one, without comments and psql's own commands.
 *
 * A statement ends at the first semicolon outside of quotes, and a mark of the one kind within the other opens nothing: a role may be
 * called `o'brien`, and `19" rack` be what is said of it. pg_dumpall writes no dollar quotes.
 *
 * @throws {DbadminError} `repository-damaged` when the text ends within a statement: what it took for one may be several.
 */
export function splitGlobals(text: string): readonly string[] {
  const statements: string[] = [];
  let from = 0;
  while (from < text.length) {
    if (/\s/.test(text[from] ?? '')) {
      from += 1;
    } else if (text[from] === '\\' || text.startsWith('--', from)) {
      from = endOfLine(text, from);
    } else {
      const end = endOfStatement(text, from);
      statements.push(text.slice(from, end));
      from = end;
    }
  }
  return statements;
}

/** Behind the semicolon of the statement that begins at `from`. */
function endOfStatement(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const mark = text[at] ?? '';
    if (mark === ';') return at + 1;
    if (text.startsWith('--', at)) at = endOfLine(text, at);
    else at = QUOTES.has(mark) ? endOfQuoted(text, at, mark) : at + 1;
  }
  throw unended(text, from);
}

/** Behind the quote that ends what is quoted from `from`. A doubled one ends it and opens it again, which comes to the same. */
function endOfQuoted(text: string, from: number, mark: string): number {
  const escapes = mark === "'" && /(?:^|[^\w$"])E$/i.test(text.slice(Math.max(0, from - 2), from));
  for (let at = from + 1; at < text.length; at += 1) {
    if (escapes && text[at] === '\\') at += 1;
    else if (text[at] === mark) return at + 1;
  }
  throw unended(text, from);
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function unended(text: string, from: number): DbadminError {
  const line = text.slice(0, from).split('\n').length;
  return new DbadminError('repository-damaged', 'the globals of the dump end within a statement', {
    detail: `It begins in line ${line}. Where it ends nobody can tell, and so not which roles it gives what.`,
    hint: 'Restore without --globals, and make the roles by hand.',
  });
}
