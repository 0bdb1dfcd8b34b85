import { setFlagsFromString } from 'node:v8';
import { DbadminError, messageOf } from '../../base/errors.ts';

/** A node of PostgreSQL's parse tree: one key, its type (`CreateStmt`), and its fields; or the fields themselves. */
export type AstNode = Readonly<Record<string, unknown>>;

/** PostgreSQL's own parser. */
export interface SqlParser {
  /**
   * The statements in `sql`, each as `{ CreateStmt: … }`. Locations inside are UTF-8 byte offsets.
   *
   * @throws {SqlSyntaxError}
   */
  parse(sql: string): readonly AstNode[];
  /**
   * The body of the one PL/pgSQL function, procedure or DO block that `sql` is, as `{ PLpgSQL_stmt_block: … }` and what is below it.
   *
   * @throws {SqlSyntaxError} also where PL/pgSQL's compiler would have had to ask the catalog.
   */
  parsePlpgsql(sql: string): readonly AstNode[];
}

/** PostgreSQL's message for text that is not SQL. */
export class SqlSyntaxError extends Error {
  override readonly name = 'SqlSyntaxError';
  /** Characters before the place, or undefined where the parser named none. */
  readonly character: number | undefined;

  constructor(message: string, character: number | undefined) {
    super(message);
    this.character = character;
  }
}

/** For where there is nothing to parse. */
export const NO_PARSER: SqlParser = { parse: () => refuseToParse(), parsePlpgsql: () => refuseToParse() };

function refuseToParse(): never {
  throw new DbadminError('internal', 'the SQL parser was not loaded');
}

/** Loads the parser, which is WebAssembly: once, 30 ms. */
export async function loadSqlParser(): Promise<SqlParser> {
  // A run parses for less than a second. Optimising the code of a whole grammar meanwhile takes more of the processors than it gives
  // back, and lint of ten thousand files a fifth of its time. Concerns what is compiled from here on, and nobody else has WebAssembly.
  setFlagsFromString('--no-wasm-dynamic-tiering');
  setFlagsFromString('--no-wasm-tier-up');
  const library = await import('libpg-query');
  await library.loadModule();
  return {
    parse: (sql) => {
      try {
        const { stmts } = library.parseSync(sql) as { readonly stmts?: readonly { readonly stmt?: unknown }[] };
        return (stmts ?? []).map((each) => asNode(each.stmt));
      } catch (error) {
        const details = library.hasSqlDetails(error) ? error.sqlDetails : undefined;
        if (details === undefined) throw new DbadminError('internal', `the SQL parser failed: ${messageOf(error)}`, { cause: error });
        const at = details.cursorPosition;
        throw new SqlSyntaxError(details.message, at >= 0 ? at : undefined);
      }
    },
    parsePlpgsql: (sql) => {
      try {
        const { plpgsql_funcs: functions } = library.parsePlPgSQLSync(sql) as { readonly plpgsql_funcs?: unknown };
        return asNodes(functions).map((each) => asNode(asNode(each['PLpgSQL_function'])['action']));
      } catch (error) {
        throw new SqlSyntaxError(messageOf(error), undefined);
      }
    },
  };
}

/** The same parser, which remembers what it parsed: for who looks at the same files again, before a lock and behind it. */
export function rememberingParser(parser: SqlParser): SqlParser {
  const parsed = new Map<string, readonly AstNode[]>();
  return {
    ...parser,
    parse: (sql) => {
      let nodes = parsed.get(sql);
      if (nodes === undefined) {
        nodes = parser.parse(sql);
        parsed.set(sql, nodes);
      }
      return nodes;
    },
  };
}

/** `value` as a node; an empty one when it is none. */
export function asNode(value: unknown): AstNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as AstNode) : {};
}

export function asNodes(value: unknown): readonly AstNode[] {
  return Array.isArray(value) ? value.map(asNode) : [];
}

export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Type and fields of a node `{ CreateStmt: {…} }`. */
export function nodeType(node: AstNode): { readonly type: string; readonly fields: AstNode } {
  const [type = ''] = Object.keys(node);
  return { type, fields: asNode(node[type]) };
}

/** The names of a list of String nodes: `["core", "play"]`. */
export function namesOf(value: unknown): readonly string[] {
  return asNodes(value).flatMap((each) => asText(asNode(each['String'])['sval']) ?? []);
}

/** Visits every node below `value` with its type, parents first. */
export function visitNodes(value: unknown, visit: (type: string, fields: AstNode) => void): void {
  if (Array.isArray(value)) for (const each of value) visitNodes(each, visit);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, fields] of Object.entries(value)) {
      if (typeof fields === 'object' && fields !== null && !Array.isArray(fields)) visit(key, fields as AstNode);
      visitNodes(fields, visit);
    }
  }
}

/** The tree without the places in the text: equal for texts that differ in space and comments only. */
export function withoutPlaces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => key !== 'location' && key !== 'stmt_location' && key !== 'stmt_len');
  return Object.fromEntries(kept.map(([key, each]) => [key, withoutPlaces(each)]));
}
