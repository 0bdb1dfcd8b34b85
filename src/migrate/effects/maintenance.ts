import { asNode, asNodes, asText, type AstNode } from '../sql/parser.ts';
import { queryTouches } from './data.ts';
import { touch, type Touch } from './effect.ts';
import { factsOf, referencingTables, tableOfIndex, type KnownObjects } from './known-objects.ts';
import { lockOfLevel } from './lock-modes.ts';
import { rangeName, type RelationName } from './relation-name.ts';

/** Statements that keep or empty whole tables: VACUUM, CLUSTER, REINDEX, REFRESH, TRUNCATE, LOCK; undefined for others. */
export function touchesOfMaintenance(type: string, fields: AstNode, known: KnownObjects): readonly Touch[] | undefined {
  switch (type) {
    case 'ReindexStmt':
      return reindex(fields, known);
    case 'ClusterStmt':
      return touch(rangeName(fields['relation']), 'AccessExclusive', 'rewrite');
    case 'VacuumStmt':
      return vacuum(fields);
    case 'RefreshMatViewStmt': {
      const view = rangeName(fields['relation']);
      if (fields['concurrent'] === true) return touch(view, 'Exclusive', 'scan');
      return touch(view, 'AccessExclusive', fields['skipData'] === true ? 'none' : 'rewrite');
    }
    case 'TruncateStmt':
      return truncate(fields, known);
    case 'LockStmt': {
      const lock = lockOfLevel(Number(fields['mode'] ?? 8));
      return asNodes(fields['relations']).flatMap((each) =>
        tree(rangeName(each['RangeVar']), each, known).flatMap((one) => touch(one, lock)),
      );
    }
    case 'AlterSeqStmt':
      return touch(rangeName(fields['sequence']), 'ShareRowExclusive');
    case 'CreateSeqStmt':
      return [];
    case 'ExplainStmt':
      return analyzes(fields) ? undefined : queryTouches(fields['query'], known, 'planned');
    default:
      return undefined;
  }
}

/** REINDEX lets reads through but for those that would use the index; CONCURRENTLY lets all through. */
function reindex(fields: AstNode, known: KnownObjects): readonly Touch[] {
  const inBackground = isSet(fields['params'], 'concurrently');
  const relation = rangeName(fields['relation']);
  const lock = inBackground ? 'ShareUpdateExclusive' : 'Share';
  if (fields['kind'] === 'REINDEX_OBJECT_TABLE') {
    const facts = factsOf(relation, known);
    return [
      ...touch(relation, lock, 'build'),
      ...(facts?.kind === 'p' ? facts.children : []).flatMap((child) => touch(child, lock, 'build')),
    ];
  }
  if (fields['kind'] !== 'REINDEX_OBJECT_INDEX' || relation === undefined) return [];
  return [
    ...touch(tableOfIndex(relation, known), lock, 'build'),
    ...touch(relation, inBackground ? 'ShareUpdateExclusive' : 'AccessExclusive', 'build'),
  ];
}

function vacuum(fields: AstNode): readonly Touch[] {
  const isVacuum = fields['is_vacuumcmd'] === true;
  const full = isVacuum && isSet(fields['options'], 'full');
  // ANALYZE reads a sample, whatever the size.
  const work = full ? 'rewrite' : isVacuum ? 'scan' : 'none';
  return asNodes(fields['rels']).flatMap((each) =>
    touch(rangeName(asNode(each['VacuumRelation'])['relation']), full ? 'AccessExclusive' : 'ShareUpdateExclusive', work),
  );
}

/** The table gets a new, empty file, which takes no time; so do its indexes, and with CASCADE the tables that point to it. */
function truncate(fields: AstNode, known: KnownObjects): readonly Touch[] {
  return asNodes(fields['relations']).flatMap((each) => {
    const relation = rangeName(each['RangeVar']);
    const pointing = relation !== undefined && fields['behavior'] === 'DROP_CASCADE' ? referencingTables(relation, known) : [];
    return [...tree(relation, each, known), ...pointing].flatMap((one) => touch(one, 'AccessExclusive'));
  });
}

/** The relation and, unless it says ONLY, all below it. */
function tree(relation: RelationName | undefined, node: AstNode, known: KnownObjects): readonly RelationName[] {
  if (relation === undefined) return [];
  const below = asNode(node['RangeVar'])['inh'] === true ? (factsOf(relation, known)?.children ?? []) : [];
  return [relation, ...below];
}

/** Whether an option is given and not switched off: `FULL`, `CONCURRENTLY`, `FULL true`. */
function isSet(options: unknown, name: string): boolean {
  return asNodes(options).some((each) => {
    const option = asNode(each['DefElem']);
    if (option['defname'] !== name) return false;
    if (option['arg'] === undefined) return true;
    const given = asNode(option['arg']);
    const text = asText(asNode(given['String'])['sval']);
    if (text === undefined) return asNode(given['Boolean'])['boolval'] === true || asNode(given['Integer'])['ival'] === 1;
    return ['true', 'on', '1', 'yes'].includes(text.toLowerCase());
  });
}

function analyzes(fields: AstNode): boolean {
  return isSet(fields['options'], 'analyze');
}
