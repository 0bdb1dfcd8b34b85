import { diffLines } from '../files/diff.ts';
import { asNode, asNodes, asText, nodeType, SqlSyntaxError, withoutPlaces, type AstNode, type SqlParser } from '../sql/parser.ts';
import { describeObject, type Difference } from './difference.ts';
import type { DumpedObject } from './dump.ts';

/** A column or a named constraint inside a CREATE TABLE. */
interface Element {
  readonly type: 'column' | 'constraint';
  readonly name: string;
  readonly text: string;
  readonly meaning: string;
}

interface TableParts {
  readonly elements: readonly Element[];
  /** What is left of the statements without them. */
  readonly rest: string;
  readonly restMeaning: string;
}

export function isTable({ type }: DumpedObject): boolean {
  return type === 'TABLE' || type === 'FOREIGN TABLE';
}

/** Where two tables of one name differ, by column and constraint; undefined when they cannot be taken apart. */
export function compareTables(before: DumpedObject, after: DumpedObject, parser: SqlParser): readonly Difference[] | undefined {
  const [left, right] = [partsOf(before, parser), partsOf(after, parser)];
  if (left === undefined || right === undefined) return undefined;
  const table = describeObject(before);
  const differences: Difference[] = [];
  const others = new Map(right.elements.map((each) => [keyOf(each), each]));
  const known = new Set(left.elements.map(keyOf));
  for (const element of left.elements) {
    const { type } = element;
    const name = `${table.name}.${element.name}`;
    const other = others.get(keyOf(element));
    if (other === undefined) differences.push({ change: 'removed', type, name, diff: marked('-', element) });
    else if (other.meaning !== element.meaning)
      differences.push({ change: 'changed', type, name, diff: [...marked('-', element), ...marked('+', other)] });
  }
  for (const element of right.elements) {
    if (known.has(keyOf(element))) continue;
    differences.push({ change: 'added', type: element.type, name: `${table.name}.${element.name}`, diff: marked('+', element) });
  }
  if (left.restMeaning !== right.restMeaning) differences.push({ change: 'changed', ...table, diff: diffLines(left.rest, right.rest) });
  const [leftOrder, rightOrder] = [commonColumns(left, right), commonColumns(right, left)];
  if (leftOrder !== rightOrder)
    differences.push({
      change: 'changed',
      ...table,
      diff: [`- the columns in the order ${leftOrder}`, `+ the columns in the order ${rightOrder}`],
    });
  return differences;
}

function keyOf({ type, name }: Element): string {
  return `${type} ${name}`;
}

function marked(mark: '+' | '-', { text }: Element): readonly string[] {
  return text.split('\n').map((line) => `${mark} ${line}`);
}

/** The names of the columns that the other table has too, in this one's order. */
function commonColumns(parts: TableParts, other: TableParts): string {
  const there = new Set(other.elements.map(keyOf));
  return parts.elements
    .filter((each) => each.type === 'column' && there.has(keyOf(each)))
    .map(({ name }) => name)
    .join(', ');
}

function partsOf({ statements }: DumpedObject, parser: SqlParser): TableParts | undefined {
  const at = statements.findIndex((statement) => /^CREATE (UNLOGGED |FOREIGN )?TABLE /.test(statement));
  const create = statements[at];
  if (create === undefined) return undefined;
  try {
    const bytes = Buffer.from(create, 'utf8');
    const { list, others, bare } = tableElements(parser.parse(create)[0]);
    const starts = list.map(({ location }) => location);
    const texts = starts.map((start, index) => elementText(bytes, start, starts[index + 1]));
    const rest = statements.map((statement, index) => (index === at ? without(create, texts) : statement)).join(';\n');
    const further = statements.filter((_, index) => index !== at).map((statement) => parser.parse(statement));
    return {
      elements: list.map(({ type, name, meaning }, index) => ({ type, name, meaning, text: texts[index] ?? '' })),
      rest,
      restMeaning: JSON.stringify(withoutPlaces([bare, others, further])),
    };
  } catch (error) {
    if (error instanceof SqlSyntaxError) return undefined;
    throw error;
  }
}

interface Found {
  readonly list: readonly (Omit<Element, 'text'> & { readonly location: number })[];
  /** Elements without a name: LIKE clauses and the like. */
  readonly others: readonly AstNode[];
  /** The statement without its elements. */
  readonly bare: AstNode;
}

function tableElements(statement: AstNode | undefined): Found {
  const { type, fields } = nodeType(statement ?? {});
  const foreign = type === 'CreateForeignTableStmt';
  const table = foreign ? asNode(fields['base']) : fields;
  const { tableElts, ...bareTable } = table;
  const others: AstNode[] = [];
  const list = asNodes(tableElts).flatMap((each) => {
    const element = nodeType(each);
    const { location } = element.fields;
    const name = asText(element.fields[element.type === 'ColumnDef' ? 'colname' : 'conname']);
    if (!['ColumnDef', 'Constraint'].includes(element.type) || name === undefined || typeof location !== 'number') {
      others.push(each);
      return [];
    }
    const meaning = JSON.stringify(withoutPlaces(element.fields));
    return [{ type: element.type === 'ColumnDef' ? ('column' as const) : ('constraint' as const), name, meaning, location }];
  });
  return { list, others, bare: { type, ...(foreign ? { ...fields, base: bareTable } : bareTable) } };
}

/** pg_dump gives each element lines of its own; the last ends before the parenthesis that closes the list. */
function elementText(bytes: Buffer, start: number, end: number | undefined): string {
  const text = bytes.subarray(start, end).toString('utf8');
  const closed = end === undefined ? text.split('\n)', 1)[0] : text;
  return (closed ?? '').trim().replace(/,$/, '');
}

function without(create: string, texts: readonly string[]): string {
  return texts.reduce((text, each) => text.replace(new RegExp(`\\n\\s*${escape(each)},?(?=\\n)`), () => ''), create);
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
