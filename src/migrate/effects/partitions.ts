import { asNode, type AstNode } from '../sql/parser.ts';
import { touch, type Touch } from './effect.ts';
import { factsOf, type KnownObjects } from './known-objects.ts';
import { rangeName, type RelationName } from './relation-name.ts';

/** What ATTACH PARTITION does beside the parent: the partition is read unless a valid CHECK already says what its bounds say. */
export function attachTouches(definition: AstNode, parent: RelationName, known: KnownObjects): readonly Touch[] {
  const partition = rangeName(asNode(definition['PartitionCmd'])['name']);
  const table = factsOf(partition, known);
  const above = factsOf(parent, known);
  const assumed = table?.constraints.some(({ kind, validated }) => kind === 'c' && validated) === false ? undefined : BOUNDS_UNPROVEN;
  return [
    ...touch(partition, 'AccessExclusive', table?.kind === 'p' || table?.kind === 'f' ? 'none' : 'scan', assumed),
    ...(table?.children ?? []).flatMap((child) => touch(child, 'AccessExclusive', 'scan', assumed)),
    ...defaultTouches(parent, known),
    ...(above?.constraints ?? []).flatMap(({ references }) => touch(references, 'ShareRowExclusive')),
    ...(above?.referencedBy ?? []).flatMap(({ table }) => touch(table, 'ShareRowExclusive')),
  ];
}

const BOUNDS_UNPROVEN = 'a valid CHECK that says what the bounds say would spare the scan';

/** What DETACH PARTITION does beside the parent. CONCURRENTLY waits for all who use the partition and then locks it for a moment. */
export function detachTouches(definition: AstNode, concurrent: boolean, parent: RelationName, known: KnownObjects): readonly Touch[] {
  const partition = rangeName(asNode(definition['PartitionCmd'])['name']);
  const above = factsOf(parent, known);
  return [
    ...touch(partition, 'AccessExclusive'),
    ...(concurrent ? [] : touch(above?.defaultPartition, 'AccessExclusive')),
    ...(above?.constraints ?? []).flatMap(({ references }) => touch(references, 'ShareRowExclusive')),
  ];
}

/** The default partition must hold no row that belongs to a new one, so it is locked and read. */
export function defaultTouches(parent: RelationName, known: KnownObjects): readonly Touch[] {
  return touch(factsOf(parent, known)?.defaultPartition, 'AccessExclusive', 'scan');
}
