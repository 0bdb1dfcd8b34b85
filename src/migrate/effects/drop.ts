import { asNodes, asText, type AstNode } from '../sql/parser.ts';
import { touch, type Touch } from './effect.ts';
import { factsOf, isAbsent, tableOfIndex, type KnownObjects } from './known-objects.ts';
import { listedName, ownerName, type RelationName } from './relation-name.ts';

const RELATIONS: ReadonlySet<string> = new Set([
  'OBJECT_TABLE',
  'OBJECT_FOREIGN_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_SEQUENCE',
]);
const ON_TABLES: ReadonlySet<string> = new Set(['OBJECT_TRIGGER', 'OBJECT_POLICY', 'OBJECT_RULE']);

/** DROP of what is a relation or belongs to one; undefined for other statements. */
export function touchesOfDrop(type: string, fields: AstNode, known: KnownObjects): readonly Touch[] | undefined {
  if (type !== 'DropStmt') return undefined;
  const kind = asText(fields['removeType']) ?? '';
  const cascades = fields['behavior'] === 'DROP_CASCADE';
  const objects = asNodes(fields['objects']);
  if (kind === 'OBJECT_INDEX') return objects.flatMap((each) => dropIndex(listedName(each), fields['concurrent'] === true, known));
  const mustBeThere = kind === 'OBJECT_TABLE' && fields['missing_ok'] !== true;
  if (RELATIONS.has(kind)) return objects.flatMap((each) => dropRelation(listedName(each), { cascades, mustBeThere }, known));
  if (ON_TABLES.has(kind)) return objects.flatMap((each) => dropFromTable(ownerName(each), known));
  return [];
}

function dropIndex(index: RelationName | undefined, concurrent: boolean, known: KnownObjects): readonly Touch[] {
  if (index === undefined || isAbsent(index, known)) return [];
  const lock = concurrent ? 'ShareUpdateExclusive' : 'AccessExclusive';
  const table = tableOfIndex(index, known);
  const partitions = factsOf(table, known);
  return [
    ...touch(table, lock),
    ...touch(index, lock),
    ...(partitions?.kind === 'p' ? partitions.children : []).flatMap((child) => touch(child, lock)),
  ];
}

/** The tables on both ends of foreign keys, the parent of a partition, and what CASCADE takes along are locked too. */
function dropRelation(
  relation: RelationName | undefined,
  { cascades, mustBeThere }: { readonly cascades: boolean; readonly mustBeThere: boolean },
  known: KnownObjects,
): readonly Touch[] {
  if (relation === undefined) return [];
  if (isAbsent(relation, known)) return mustBeThere ? touch(relation, 'AccessExclusive') : [];
  const facts = factsOf(relation, known);
  const children = facts?.children ?? [];
  const further = [
    ...(facts?.parents ?? []),
    ...(facts?.constraints ?? []).flatMap(({ references }) => references ?? []),
    ...(facts?.kind === 'p' || cascades ? children : []),
    ...(cascades ? [...(facts?.referencedBy ?? []).map(({ table }) => table), ...(facts?.views ?? []).map(({ view }) => view)] : []),
  ];
  const defaults = (facts?.parents ?? []).flatMap((parent) => factsOf(parent, known)?.defaultPartition ?? []);
  return [...touch(relation, 'AccessExclusive'), ...[...further, ...defaults].flatMap((each) => touch(each, 'AccessExclusive'))];
}

/** A trigger, policy or rule: a lock on its table. */
function dropFromTable(table: RelationName | undefined, known: KnownObjects): readonly Touch[] {
  if (table === undefined || isAbsent(table, known)) return [];
  return touch(table, 'AccessExclusive');
}
