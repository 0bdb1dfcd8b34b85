import { asText, asNodes, asNode, type AstNode } from '../sql/parser.ts';
import { touch, type SubcommandEffect, type Touch, type Work } from './effect.ts';
import { factsOf, type KnownObjects, type RelationFacts } from './known-objects.ts';
import { rangeName, type RelationName } from './relation-name.ts';

/** ALTER TABLE … ADD CONSTRAINT. A foreign key locks both tables against writes; every other constraint its table against all. */
export function addedConstraint(constraint: AstNode, relation: RelationName, known: KnownObjects): SubcommandEffect {
  const kind = asText(constraint['contype']) ?? '';
  const unchecked = constraint['skip_validation'] === true;
  switch (kind) {
    case 'CONSTR_FOREIGN':
      return {
        lock: 'ShareRowExclusive',
        work: unchecked ? 'none' : 'scan',
        others: referenceTouches(rangeName(constraint['pktable']), unchecked ? 'none' : 'scan', known),
      };
    case 'CONSTR_PRIMARY':
    case 'CONSTR_UNIQUE':
    case 'CONSTR_EXCLUSION': {
      const index = asText(constraint['indexname']);
      if (index === undefined) return { lock: 'AccessExclusive', work: 'build' };
      return usingIndex({ schema: relation.schema, name: index }, constraint, relation, known);
    }
    default:
      return { lock: 'AccessExclusive', work: unchecked ? 'none' : 'scan' };
  }
}

/** The table that a new foreign key points to, and its partitions. Checking the rows that are there reads it, too. */
export function referenceTouches(referenced: RelationName | undefined, work: Work, known: KnownObjects): readonly Touch[] {
  const partitions = factsOf(referenced, known);
  return [
    ...touch(referenced, 'ShareRowExclusive', partitions?.kind === 'p' ? 'none' : work),
    ...(partitions?.kind === 'p' ? partitions.children : []).flatMap((child) => touch(child, 'ShareRowExclusive', work)),
  ];
}

/** The index gets the name of the constraint, where that is another one. A primary key reads the columns that may be null. */
function usingIndex(index: RelationName, constraint: AstNode, table: RelationName, known: KnownObjects): SubcommandEffect {
  const name = asText(constraint['conname']) ?? index.name;
  const others = name === index.name ? [] : touch(index, 'ShareUpdateExclusive');
  if (constraint['contype'] !== 'CONSTR_PRIMARY') return { lock: 'AccessExclusive', others };
  const columns = [...(factsOf(index, known)?.columns.keys() ?? [])];
  const facts = factsOf(table, known);
  if (facts !== undefined && columns.length > 0) {
    return { lock: 'AccessExclusive', work: columns.every((column) => provesNotNull(facts, column)) ? 'none' : 'scan', others };
  }
  return { lock: 'AccessExclusive', work: 'scan', assumed: 'columns that are NOT NULL already are not read', others };
}

/** ALTER TABLE … DROP CONSTRAINT: dropping a foreign key takes its trigger off the other table too. */
export function droppedConstraint(name: string, cascades: boolean, facts: RelationFacts | undefined): SubcommandEffect {
  const constraint = facts?.constraints.find((each) => each.name === name);
  const isKey = constraint?.kind === 'p' || constraint?.kind === 'u';
  const pointing = cascades && isKey ? (facts?.referencedBy ?? []) : [];
  return {
    lock: 'AccessExclusive',
    others: [...touch(constraint?.references, 'AccessExclusive'), ...pointing.flatMap(({ table }) => touch(table, 'AccessExclusive'))],
  };
}

/** ALTER TABLE … VALIDATE CONSTRAINT: lets reads and writes through; the table a foreign key points to is only read. */
export function validatedConstraint(name: string, facts: RelationFacts | undefined): SubcommandEffect {
  const constraint = facts?.constraints.find((each) => each.name === name);
  return {
    lock: 'ShareUpdateExclusive',
    work: constraint?.validated === true ? 'none' : 'scan',
    others: touch(constraint?.references, 'RowShare'),
  };
}

/** Tables on the other side of foreign keys that `column` has a part in: the keys are dropped, or made anew, and then checked. */
export function foreignTables(facts: RelationFacts | undefined, column: string, work: Work): readonly Touch[] {
  if (facts === undefined) return [];
  const away = facts.constraints.filter(({ kind, columns }) => kind === 'f' && columns.includes(column));
  return [
    ...away.flatMap(({ references }) => touch(references, 'AccessExclusive', work)),
    ...facts.referencedBy.filter(({ columns }) => columns.includes(column)).flatMap(({ table }) => touch(table, 'AccessExclusive', work)),
  ];
}

/** The tables that constraints inside a column or table definition point to. */
export function inlineReferences(constraints: unknown): readonly RelationName[] {
  return asNodes(constraints).flatMap((each) => {
    const constraint = asNode(each['Constraint']);
    return constraint['contype'] === 'CONSTR_FOREIGN' ? (rangeName(constraint['pktable']) ?? []) : [];
  });
}

/** PostgreSQL skips the scan when the column is not null already, or a valid CHECK says so. */
export function provesNotNull(facts: RelationFacts | undefined, column: string): boolean {
  if (facts === undefined) return false;
  if (facts.notNull.has(column)) return true;
  const quoted = /^[a-z_][a-z0-9_]*$/.test(column) ? column : `"${column.replaceAll('"', '""')}"`;
  return facts.constraints.some(({ kind, validated, definition }) => {
    if (kind !== 'c' || !validated) return false;
    const body = definition.replace(/^CHECK /, '');
    // Parts joined by OR prove nothing; those joined by AND each hold.
    return !/ OR /.test(body) && body.includes(`(${quoted} IS NOT NULL)`) && !/\bNOT \(/.test(body);
  });
}
