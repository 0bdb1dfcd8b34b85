import { asText, asNodes, asNode, type AstNode } from '../parser.ts';
import { touch, type SubcommandEffect, type Touch } from './effect.ts';
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
        others: referenceTouches(rangeName(constraint['pktable']), known),
      };
    case 'CONSTR_PRIMARY':
    case 'CONSTR_UNIQUE':
    case 'CONSTR_EXCLUSION': {
      const index = asText(constraint['indexname']);
      if (index === undefined) return { lock: 'AccessExclusive', work: 'build' };
      return usingIndex({ schema: relation.schema, name: index }, kind === 'CONSTR_PRIMARY', relation, known);
    }
    default:
      return { lock: 'AccessExclusive', work: unchecked ? 'none' : 'scan' };
  }
}

/** The table that a new foreign key points to, and its partitions. */
export function referenceTouches(referenced: RelationName | undefined, known: KnownObjects): readonly Touch[] {
  const partitions = factsOf(referenced, known);
  return [
    ...touch(referenced, 'ShareRowExclusive'),
    ...(partitions?.kind === 'p' ? partitions.children : []).flatMap((child) => touch(child, 'ShareRowExclusive')),
  ];
}

function usingIndex(index: RelationName, isPrimary: boolean, table: RelationName, known: KnownObjects): SubcommandEffect {
  const others = touch(index, 'ShareUpdateExclusive');
  if (!isPrimary) return { lock: 'AccessExclusive', others };
  const columns = [...(factsOf(index, known)?.columns.keys() ?? [])];
  const notNull = factsOf(table, known)?.notNull;
  if (notNull !== undefined && columns.length > 0) {
    return { lock: 'AccessExclusive', work: columns.every((column) => notNull.has(column)) ? 'none' : 'scan', others };
  }
  return { lock: 'AccessExclusive', work: 'scan', assumed: 'columns that are NOT NULL already are not read', others };
}

/** ALTER TABLE … DROP CONSTRAINT: dropping a foreign key takes its trigger off the other table too. */
export function droppedConstraint(name: string, cascades: boolean, facts: RelationFacts | undefined): SubcommandEffect {
  const constraint = facts?.constraints.find((each) => each.name === name);
  const pointing = cascades && (constraint?.kind === 'p' || constraint?.kind === 'u') ? (facts?.referencedBy ?? []) : [];
  return {
    lock: 'AccessExclusive',
    others: [...touch(constraint?.references, 'AccessExclusive'), ...pointing.flatMap((table) => touch(table, 'AccessExclusive'))],
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

/** Tables on the other side of foreign keys that `column` has a part in: the keys are dropped, or made anew. */
export function foreignTables(facts: RelationFacts | undefined, column: string): readonly Touch[] {
  if (facts === undefined) return [];
  const away = facts.constraints.filter(({ kind, columns }) => kind === 'f' && columns.includes(column));
  const keys = facts.constraints.some(({ kind, columns }) => (kind === 'p' || kind === 'u') && columns.includes(column));
  return [
    ...away.flatMap(({ references }) => touch(references, 'AccessExclusive')),
    ...(keys ? facts.referencedBy : []).flatMap((table) => touch(table, 'AccessExclusive')),
  ];
}

/** The tables that constraints inside a column or table definition point to. */
export function inlineReferences(constraints: unknown): readonly RelationName[] {
  return asNodes(constraints).flatMap((each) => {
    const constraint = asNode(each['Constraint']);
    return constraint['contype'] === 'CONSTR_FOREIGN' ? (rangeName(constraint['pktable']) ?? []) : [];
  });
}
