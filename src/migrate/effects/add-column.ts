import { asNode, asNodes, asText, namesOf, type AstNode } from '../sql/parser.ts';
import { inlineReferences, referenceTouches } from './constraints.ts';
import { moreWork, type SubcommandEffect, type Work } from './effect.ts';
import type { KnownObjects } from './known-objects.ts';
import { volatilityOf } from './volatility.ts';

interface ColumnWork {
  readonly work: Work;
  readonly assumed?: string;
}

/**
 * ALTER TABLE … ADD COLUMN. A default that is the same for all rows is kept in the catalog; one that differs from row to row (volatile,
 * serial, identity, stored) writes the table anew. A virtual column is never written.
 */
export function effectOfAddColumn(column: AstNode, known: KnownObjects): SubcommandEffect {
  const constraints = asNodes(column['constraints']).map((each) => asNode(each['Constraint']));
  const references = inlineReferences(column['constraints']);
  const parts: readonly ColumnWork[] = [
    { work: isSerial(column) ? 'rewrite' : 'none' },
    ...constraints.map((each) => workOf(each, constraints, known)),
  ];
  const work = parts.reduce<Work>((most, part) => moreWork(most, part.work), 'none');
  const deciding = parts.filter((part) => part.work === work);
  return {
    lock: 'AccessExclusive',
    work,
    assumed: deciding.every(({ assumed }) => assumed !== undefined) ? deciding[0]?.assumed : undefined,
    others: references.flatMap((table) => referenceTouches(table, constraints.some(isDefault) ? 'scan' : 'none', known)),
  };
}

const isDefault = ({ contype }: AstNode): boolean => contype === 'CONSTR_DEFAULT';

function workOf(constraint: AstNode, all: readonly AstNode[], known: KnownObjects): ColumnWork {
  const has = (kind: string): boolean => all.some(({ contype }) => contype === kind);
  switch (constraint['contype']) {
    case 'CONSTR_DEFAULT':
      return defaultWork(constraint['raw_expr'], known);
    case 'CONSTR_IDENTITY':
      return { work: 'rewrite' };
    case 'CONSTR_GENERATED':
      return { work: isVirtual(constraint) ? 'none' : 'rewrite' };
    case 'CONSTR_NOTNULL':
      // With a default no row is null; without one the first row that is there makes it fail.
      return { work: has('CONSTR_DEFAULT') ? 'none' : 'scan' };
    case 'CONSTR_CHECK':
      return { work: 'scan' };
    case 'CONSTR_FOREIGN':
      return { work: has('CONSTR_DEFAULT') ? 'scan' : 'none' };
    case 'CONSTR_PRIMARY':
    case 'CONSTR_UNIQUE':
      return { work: 'build' };
    default:
      return { work: 'none' };
  }
}

function defaultWork(expression: unknown, known: KnownObjects): ColumnWork {
  const { isVolatile, unknown } = volatilityOf(expression, known.catalog);
  if (isVolatile) return { work: 'rewrite' };
  if (unknown === undefined) return { work: 'none' };
  return { work: 'rewrite', assumed: `${unknown} is not known here and may be volatile` };
}

function isSerial(column: AstNode): boolean {
  return SERIALS.has(typeNames(column).at(-1) ?? '');
}

const SERIALS: ReadonlySet<string> = new Set(['serial', 'bigserial', 'smallserial', 'serial2', 'serial4', 'serial8']);

function typeNames(column: AstNode): readonly string[] {
  return namesOf(asNode(column['typeName'])['names']);
}

/** PostgreSQL 18 has columns that are computed when read. */
function isVirtual(constraint: AstNode): boolean {
  return asText(constraint['generated_kind']) === 'v';
}
