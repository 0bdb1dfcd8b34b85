import { constantText } from './constant-text.ts';
import { isDbadminError } from '../../base/errors.ts';
import { asNode, asNodes, asText, nodeType, SqlSyntaxError, type AstNode, type SqlParser } from './parser.ts';
import { textsInPlpgsql } from './plpgsql.ts';
import { literalSource, offsetOfByte, skipSpace, skipWord, type Source } from './literals.ts';
import { scanStatements, type ScannedStatement } from './statements.ts';

/** A statement inside another one: in a DO block, in the body of a routine, in the text of an EXECUTE. */
export type EmbeddedStatement = {
  /** The statement; of an opaque one the expression or body that could not be looked into. */
  readonly text: string;
  /** UTF-16 offset in the file; `placeOf(file.text, offset)` has line and column. */
  readonly offset: number;
  /** Line in the file, from 1. */
  readonly line: number;
  /** `later`: not when the file runs but when somebody calls the routine. */
  readonly runs: 'now' | 'later';
  /** What it stands in, outermost first: `DO`, `EXECUTE`. */
  readonly inside: readonly string[];
} & ({ readonly kind: 'sql'; readonly node: AstNode } | { readonly kind: 'opaque'; readonly reason: string });

/** What digging goes by. */
interface Digging {
  readonly parser: SqlParser;
  readonly runs: EmbeddedStatement['runs'];
  readonly inside: readonly string[];
  lineOf(offset: number): number;
  found(statement: EmbeddedStatement): void;
}

/** How deep DO in EXECUTE in DO may go before it is no longer looked into. */
const DEEPEST = 8;

/**
 * The statements inside `statement`, in the order of the text, those inside of those included. `opaque` stands for an EXECUTE
 * whose text is made while it runs, and for bodies in other languages. Most statements hold none.
 */
export function embeddedStatements(
  statement: Pick<ScannedStatement, 'text' | 'start' | 'line'> & { readonly node: AstNode | undefined },
  parser: SqlParser,
): readonly EmbeddedStatement[] {
  if (statement.node === undefined || !HOLDS_OTHERS.has(nodeType(statement.node).type)) return [];
  const found: EmbeddedStatement[] = [];
  const source: Source = { text: statement.text, at: (offset) => statement.start + offset };
  const lineOf = (offset: number): number => statement.line + newlines(statement.text, offset - statement.start);
  dig(statement.node, source, { parser, runs: 'now', inside: [], lineOf, found: (each) => void found.push(each) });
  return found;
}

const HOLDS_OTHERS: ReadonlySet<string> = new Set([
  'DoStmt',
  'CreateFunctionStmt',
  'ExplainStmt',
  'PrepareStmt',
  'CreateSchemaStmt',
  'RuleStmt',
]);

/** Looks into one statement. */
function dig(node: AstNode, source: Source, digging: Digging): void {
  const { type, fields } = nodeType(node);
  if (digging.inside.length > DEEPEST) return;
  switch (type) {
    case 'DoStmt':
      digRoutine(source, 'DO', asNodes(fields['args']), { ...digging, inside: [...digging.inside, 'DO'] });
      break;
    case 'CreateFunctionStmt': {
      const what = fields['is_procedure'] === true ? 'procedure' : 'function';
      const inside = [...digging.inside, what];
      if (fields['sql_body'] === undefined) digRoutine(source, what, asNodes(fields['options']), { ...digging, runs: 'later', inside });
      else digAtomic(source, { ...digging, runs: 'later', inside });
      break;
    }
    case 'ExplainStmt':
      if (asNodes(fields['options']).some((each) => asNode(each['DefElem'])['defname'] === 'analyze')) {
        digNode(asNode(fields['query']), source, 'EXPLAIN ANALYZE', digging);
      }
      break;
    case 'PrepareStmt':
      digNode(asNode(fields['query']), source, 'PREPARE', digging);
      break;
    case 'CreateSchemaStmt':
      for (const each of asNodes(fields['schemaElts'])) digNode(each, source, 'CREATE SCHEMA', digging);
      break;
    case 'RuleStmt':
      for (const each of asNodes(fields['actions'])) digNode(each, source, 'rule', { ...digging, runs: 'later' });
      break;
    default:
  }
}

/** A statement that is part of its parent's tree, and stands at its place. */
function digNode(node: AstNode, source: Source, where: string, digging: Digging): void {
  const inside = [...digging.inside, where];
  report(node, source, { ...digging, inside });
}

function digRoutine(source: Source, what: string, options: readonly AstNode[], digging: Digging): void {
  const option = (name: string): AstNode => asNode(options.find((each) => asNode(each['DefElem'])['defname'] === name)?.['DefElem']);
  const language = (asText(asNode(asNode(option('language')['arg'])['String'])['sval']) ?? 'plpgsql').toLowerCase();
  const body = option('as');
  // A function has a list here, of two in C; a DO block has the text itself.
  const [first] = asNodes(asNode(asNode(body['arg'])['List'])['items']);
  const text = asText(asNode((first ?? asNode(body['arg']))['String'])['sval']);
  if (text === undefined || language === 'c' || language === 'internal') return;
  const place = offsetOfByte(source.text, typeof body['location'] === 'number' ? body['location'] : 0);
  const literal = literalSource(source, skipWord(source.text, skipSpace(source.text, place), 'as') ?? place, text);
  if (language === 'plpgsql') digPlpgsql(source.text, literal, digging);
  else if (language === 'sql') digScript(literal, digging);
  else reportOpaque(literal, `the body of a ${what} in ${language} is not looked into`, digging);
}

function digPlpgsql(routine: string, body: Source, digging: Digging): void {
  try {
    for (const { source, executed } of textsInPlpgsql(routine, body, digging.parser)) {
      if (executed) digExecute(source, digging);
      else digText(source, digging);
    }
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error;
    reportOpaque(body, `PL/pgSQL that cannot be read: ${error.message}`, digging);
  }
}

/** `BEGIN ATOMIC …; … END`: statements of the file itself. */
function digAtomic(source: Source, digging: Digging): void {
  const begin = /\bbegin\s+atomic\b/i.exec(source.text);
  // `RETURN expression` holds no statement.
  if (begin === null) return;
  const from = begin.index + begin[0].length;
  const to = source.text.toLowerCase().lastIndexOf('end');
  digScript({ text: source.text.slice(from, to), at: (offset) => source.at(from + offset) }, digging);
}

/** Statements separated by semicolons. */
function digScript(source: Source, digging: Digging): void {
  try {
    for (const { text, start } of scanStatements(source.text, '').statements) {
      digText({ text, at: (offset) => source.at(start + offset) }, digging);
    }
  } catch (error) {
    if (!isDbadminError(error, 'migration-invalid')) throw error;
    reportOpaque(source, 'its text is not SQL', digging);
  }
}

/** One statement as text. */
function digText(source: Source, digging: Digging): void {
  try {
    const [node] = digging.parser.parse(source.text);
    if (node !== undefined) report(node, source, digging);
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error;
    reportOpaque(source, `its text is not SQL: ${error.message}`, digging);
  }
}

/** The text that `expression` gives, which is run. */
function digExecute(expression: Source, outer: Digging): void {
  const digging = { ...outer, inside: [...outer.inside, 'EXECUTE'] };
  const [select] = digging.parser.parse(`select ${expression.text}`);
  const [column] = asNodes(asNode(asNode(select)['SelectStmt'])['targetList']);
  const value = asNode(asNode(column?.['ResTarget'])['val']);
  const text = constantText(value);
  if (text === undefined) reportOpaque(expression, 'EXECUTE runs a text that is made only when it runs', digging);
  else if (nodeType(value).type === 'A_Const') digScript(literalSource(expression, 0, text), digging);
  else digScript({ text, at: () => expression.at(0) }, digging);
}

function report(node: AstNode, source: Source, digging: Digging): void {
  const { runs, inside } = digging;
  const offset = source.at(0);
  digging.found({ kind: 'sql', node, text: source.text, offset, line: digging.lineOf(offset), runs, inside });
  dig(node, source, digging);
}

function reportOpaque(source: Source, reason: string, digging: Digging): void {
  const { runs, inside } = digging;
  const offset = source.at(0);
  digging.found({ kind: 'opaque', reason, text: source.text, offset, line: digging.lineOf(offset), runs, inside });
}

function newlines(text: string, until: number): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < until; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}
