import { asNode, asText, type SqlParser } from './parser.ts';
import type { Source } from './literals.ts';

/** Fields of a PL/pgSQL statement that hold SQL, and those that hold an expression whose text is run. */
const SQL_FIELDS: readonly string[] = ['sqlstmt', 'expr', 'query'];
const HOLDS_SQL: ReadonlySet<string> = new Set([
  'PLpgSQL_stmt_execsql',
  'PLpgSQL_stmt_perform',
  'PLpgSQL_stmt_call',
  'PLpgSQL_stmt_fors',
  'PLpgSQL_stmt_open',
  'PLpgSQL_stmt_return_query',
]);
const RUNS_TEXT: ReadonlySet<string> = new Set(['PLpgSQL_stmt_dynexecute', 'PLpgSQL_stmt_dynfors']);

/** A text in a PL/pgSQL body that is SQL. */
export interface PlpgsqlText {
  /** INTO and its variables are blanks in it. */
  readonly source: Source;
  /** It is an expression, and what it gives is run: EXECUTE and its relatives. */
  readonly executed: boolean;
}

/**
 * The statements in a PL/pgSQL body. `routine` is the whole DO or CREATE FUNCTION, `body` what stands between its quotes.
 * Expressions (conditions, assignments) are not statements and left out.
 *
 * @throws {SqlSyntaxError}
 */
export function textsInPlpgsql(routine: string, body: Source, parser: SqlParser): readonly PlpgsqlText[] {
  const found: PlpgsqlText[] = [];
  const finder = new Finder(body.text);
  const add = (query: string | undefined, line: number, executed: boolean): void => {
    if (query === undefined) return;
    const from = finder.find(query, line);
    found.push({ source: { text: query, at: (offset) => body.at(from + offset) }, executed });
  };
  const look = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) look(each);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const [type, content] of Object.entries(value)) {
      const fields = asNode(content);
      const line = typeof fields['lineno'] === 'number' ? fields['lineno'] : 1;
      // Its own text first: it stands before what its body holds, whatever the order of the fields.
      if (HOLDS_SQL.has(type)) for (const field of SQL_FIELDS) add(queryOf(fields[field]), line, false);
      add(RUNS_TEXT.has(type) ? queryOf(fields['query']) : queryOf(fields['dynquery']), line, true);
      look(content);
    }
  };
  look(parser.parsePlpgsql(routine));
  return found;
}

function queryOf(expression: unknown): string | undefined {
  return asText(asNode(asNode(expression)['PLpgSQL_expr'])['query']);
}

/** Finds the texts that the parser gives back, which come with a line only. */
class Finder {
  readonly #body: string;
  readonly #lines: number[] = [0];
  #end = 0;

  constructor(body: string) {
    this.#body = body;
    for (let at = body.indexOf('\n'); at >= 0; at = body.indexOf('\n', at + 1)) this.#lines.push(at + 1);
  }

  /** Offset of `query`, which belongs to a statement that begins on line `line`. Texts are asked for in their order, mostly. */
  find(query: string, line: number): number {
    const start = this.#lines[line - 1] ?? 0;
    const found = this.#search(query, Math.max(start, this.#end)) ?? this.#search(query, start);
    if (found === undefined) return start + (/^\s*/.exec(this.#body.slice(start))?.[0].length ?? 0);
    this.#end = found + query.length;
    return found;
  }

  #search(query: string, from: number): number | undefined {
    const exact = this.#body.indexOf(query, from);
    if (exact >= 0) return exact;
    // PERFORM is given as SELECT, one letter less.
    const performed = /^SELECT(?=\s|\()/.test(query) ? query.slice('SELECT'.length) : undefined;
    if (performed !== undefined) {
      const at = this.#loose(performed, from);
      return at === undefined ? undefined : at - 'PERFORM'.length;
    }
    return this.#loose(query, from);
  }

  /** INTO and its variables are given as blanks. */
  #loose(query: string, from: number): number | undefined {
    const opening = query.split('  ', 1)[0] ?? query;
    for (let at = this.#body.indexOf(opening, from); at >= 0; at = this.#body.indexOf(opening, at + 1)) {
      let same = opening.length;
      while (same < query.length && (query[same] === ' ' || query[same] === this.#body[at + same])) same += 1;
      if (same >= query.length) return at;
    }
    return undefined;
  }
}
