import { asNode, asNodes, namesOf, nodeType, type AstNode } from '../sql/parser.ts';
import type { Work } from './effect.ts';
import type { RelationFacts } from './known-objects.ts';

/** A type with what stands in its parentheses. */
interface ColumnType {
  /** PostgreSQL's inner name: `varchar`, `int8`, `timestamptz`; that of the element for an array. */
  readonly name: string;
  readonly modifiers: readonly number[];
  readonly isArray: boolean;
}

/**
 * What ALTER COLUMN … TYPE does with the rows: nothing when the old values are valid bytes of the new type, otherwise everything is
 * written anew. Migrations run with TimeZone UTC, in which timestamp and timestamptz hold the same bytes.
 */
export function changedType(
  definition: AstNode,
  column: string,
  facts: RelationFacts | undefined,
): { readonly work: Work; readonly assumed?: string } {
  const wanted = typeOfNode(asNode(definition['typeName']));
  const using = definition['raw_default'];
  if (using !== undefined && !isSameValue(using, column, wanted)) return { work: 'rewrite' };
  const present = facts?.columns.get(column);
  if (present === undefined) return { work: 'rewrite', assumed: `the present type of ${column} is not known here` };
  const before = typeOfText(present);
  if (!keepsBytes(before, wanted)) return { work: 'rewrite' };
  // An index of another operator class is built anew, and a CHECK is checked again.
  if (facts?.indexed.has(column) === true && familyOf(before) !== familyOf(wanted)) return { work: 'build' };
  const checked = facts?.constraints.some(({ kind, validated, columns }) => kind === 'c' && validated && columns.includes(column));
  return { work: checked === true ? 'scan' : 'none' };
}

/** Types of one family are indexed alike. */
function familyOf({ name }: ColumnType): string {
  if (TEXTS.has(name)) return 'text';
  return name === 'cidr' ? 'inet' : name;
}

/** Whether every value of `from` is stored the same as a value of `to`, so that PostgreSQL changes the catalog alone. */
export function keepsBytes(from: ColumnType, to: ColumnType): boolean {
  if (from.isArray !== to.isArray) return false;
  if (from.name === to.name) return widens(from, to);
  if (from.isArray) return [from, to].every(({ name, modifiers }) => TEXTS.has(name) && modifiers.length === 0);
  if (to.modifiers.length > 0 && !TIMES.has(to.name)) return false;
  if (TIMES.has(from.name) && TIMES.has(to.name)) return precision(from) <= precision(to);
  return COERCIBLE.has(`${from.name} ${to.name}`);
}

/** Whether each value that fits `from` fits `to`, both of one type. */
function widens(from: ColumnType, to: ColumnType): boolean {
  if (JSON.stringify(from.modifiers) === JSON.stringify(to.modifiers)) return true;
  if (from.isArray) return false;
  const [before = Infinity, after = Infinity] = [from.modifiers[0], to.modifiers[0]];
  switch (from.name) {
    case 'varchar':
    case 'varbit':
      return after >= before;
    case 'numeric':
      return after === Infinity || (after >= before && (from.modifiers[1] ?? 0) === (to.modifiers[1] ?? 0) && before !== Infinity);
    case 'timestamp':
    case 'timestamptz':
    case 'time':
    case 'timetz':
      return precision(from) <= precision(to);
    default:
      return false;
  }
}

const TEXTS: ReadonlySet<string> = new Set(['text', 'varchar']);
const TIMES: ReadonlySet<string> = new Set(['timestamp', 'timestamptz']);

/** Pairs of types of one storage, as `pg_cast` has them with `castmethod = 'b'`, and the texts. */
const COERCIBLE: ReadonlySet<string> = new Set([
  'varchar text',
  'text varchar',
  'cidr inet',
  'xml text',
  'xml varchar',
  'int4 oid',
  'oid int4',
  'int4 regclass',
  'regclass int4',
  'oid regclass',
  'regclass oid',
  'bit varbit',
  'varbit bit',
]);

function precision({ modifiers }: ColumnType): number {
  return modifiers[0] ?? 6;
}

/** Whether a USING clause only names the column, with or without a cast to the type it gets anyway. */
function isSameValue(using: unknown, column: string, wanted: ColumnType): boolean {
  const { type, fields } = nodeType(asNode(using));
  if (type === 'ColumnRef') return namesOf(fields['fields']).at(-1) === column;
  if (type !== 'TypeCast') return false;
  const cast = typeOfNode(asNode(fields['typeName']));
  return JSON.stringify(cast) === JSON.stringify(wanted) && isSameValue(fields['arg'], column, wanted);
}

/** The type in a TypeName node. */
export function typeOfNode(type: AstNode): ColumnType {
  const names = namesOf(type['names']);
  return {
    name: names.at(-1) ?? '',
    modifiers: asNodes(type['typmods']).flatMap((each) => integerOf(each) ?? []),
    isArray: asNodes(type['arrayBounds']).length > 0,
  };
}

function integerOf(node: AstNode): number | undefined {
  const constant = asNode(node['A_Const']);
  const integer = asNode(constant['ival']);
  if (constant['ival'] === undefined) return undefined;
  // Zero is left out of the tree.
  return typeof integer['ival'] === 'number' ? integer['ival'] : 0;
}

const INNER_NAMES: Readonly<Record<string, string>> = {
  'character varying': 'varchar',
  character: 'bpchar',
  integer: 'int4',
  bigint: 'int8',
  smallint: 'int2',
  boolean: 'bool',
  real: 'float4',
  'double precision': 'float8',
  decimal: 'numeric',
  'bit varying': 'varbit',
  'timestamp without time zone': 'timestamp',
  'timestamp with time zone': 'timestamptz',
  'time without time zone': 'time',
  'time with time zone': 'timetz',
};

/** The type that `format_type` writes: `character varying(50)`, `timestamp(3) with time zone`, `numeric(10,2)[]`. */
export function typeOfText(text: string): ColumnType {
  const isArray = text.endsWith('[]');
  const modifiers = (/\(([\d,-]+)\)/.exec(text)?.[1] ?? '').split(',').filter((each) => each !== '');
  const bare = text
    .replace(/(\[\])+$/, '')
    .replace(/\([\d,-]+\)/, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const last = bare.startsWith('"') || /\."/.test(bare) ? bare : (bare.split('.').at(-1) ?? bare);
  return { name: INNER_NAMES[bare] ?? last.replaceAll('"', ''), modifiers: modifiers.map(Number), isArray };
}
