import { asNode, asNodes, asText, type AstNode } from '../sql/parser.ts';
import { inlineReferences, referenceTouches } from './constraints.ts';
import { queryTouches } from './data.ts';
import { touch, type Touch } from './effect.ts';
import { factsOf, isAbsent, type KnownObjects } from './known-objects.ts';
import { defaultTouches } from './partitions.ts';
import { rangeName } from './relation-name.ts';

/** What CREATE does to relations that are there already; undefined for other statements. */
export function touchesOfCreate(type: string, fields: AstNode, known: KnownObjects): readonly Touch[] | undefined {
  switch (type) {
    case 'CreateStmt':
      return createTable(fields, known);
    case 'CreateForeignTableStmt':
      return createTable(asNode(fields['base_stmt'] ?? fields['base']), known);
    case 'CreateTableAsStmt':
      return queryTouches(fields['query'], known);
    case 'ViewStmt':
      return [...replacedView(fields, known), ...queryTouches(fields['query'], known)];
    case 'IndexStmt':
      return createIndex(fields, known);
    case 'CreateTrigStmt':
      return [...withPartitions(fields, known), ...touch(rangeName(fields['constrrel']), 'ShareRowExclusive')];
    case 'CreatePolicyStmt':
    case 'AlterPolicyStmt':
      return touch(rangeName(fields['table']), 'AccessExclusive');
    case 'RuleStmt':
      return touch(rangeName(fields['relation']), 'AccessExclusive');
    case 'CreateStatsStmt':
      return asNodes(fields['relations']).flatMap((each) => touch(rangeName(each['RangeVar']), 'ShareUpdateExclusive'));
    case 'CreatePublicationStmt':
    case 'AlterPublicationStmt':
      return publishedTables(fields);
    case 'CreateSchemaStmt':
      return asNodes(fields['schemaElts']).flatMap((each) => {
        const [inner = ''] = Object.keys(each);
        return touchesOfCreate(inner, asNode(each[inner]), known) ?? [];
      });
    default:
      return undefined;
  }
}

function createTable(fields: AstNode, known: KnownObjects): readonly Touch[] {
  const own = rangeName(fields['relation']);
  const exists = factsOf(own, known) !== undefined;
  if (fields['if_not_exists'] === true && exists) return [];
  const elements = asNodes(fields['tableElts']);
  const references = [
    ...inlineReferences(elements),
    ...inlineReferences(fields['constraints']),
    ...elements.flatMap((each) => inlineReferences(asNode(each['ColumnDef'])['constraints'])),
  ].filter((table) => table.name !== own?.name || table.schema !== own.schema);
  const parents = asNodes(fields['inhRelations']).flatMap((each) => rangeName(each['RangeVar']) ?? []);
  const isPartition = fields['partbound'] !== undefined;
  return [
    ...references.flatMap((table) => referenceTouches(table, 'none', known)),
    ...elements.flatMap((each) => touch(rangeName(asNode(each['TableLikeClause'])['relation']), 'AccessShare')),
    ...parents.flatMap((parent) => touch(parent, isPartition ? 'AccessExclusive' : 'ShareUpdateExclusive')),
    ...(isPartition ? parents.flatMap((parent) => [...defaultTouches(parent, known), ...keysOfParent(parent, known)]) : []),
  ];
}

/** Foreign keys of the parent, and to it, are made for the new partition too. */
function keysOfParent(parent: Parameters<typeof factsOf>[0], known: KnownObjects): readonly Touch[] {
  const facts = factsOf(parent, known);
  return [
    ...(facts?.constraints ?? []).flatMap(({ references }) => touch(references, 'ShareRowExclusive')),
    ...(facts?.referencedBy ?? []).flatMap(({ table }) => touch(table, 'ShareRowExclusive')),
  ];
}

/** CREATE OR REPLACE VIEW locks the view it replaces; a new one nobody reads yet. */
function replacedView(fields: AstNode, known: KnownObjects): readonly Touch[] {
  const view = rangeName(fields['view']);
  return fields['replace'] === true && !isAbsent(view, known) ? touch(view, 'AccessExclusive') : [];
}

function createIndex(fields: AstNode, known: KnownObjects): readonly Touch[] {
  const table = rangeName(fields['relation']);
  const index = { schema: table?.schema, name: asText(fields['idxname']) ?? '' };
  // The table is locked before the name is looked up.
  const work = fields['if_not_exists'] === true && factsOf(index, known) !== undefined ? 'none' : 'build';
  const lock = fields['concurrent'] === true ? 'ShareUpdateExclusive' : 'Share';
  const facts = factsOf(table, known);
  const only = asNode(fields['relation'])['inh'] !== true;
  return [
    ...touch(table, lock, facts?.kind === 'p' ? 'none' : work),
    ...(only || facts?.kind !== 'p' ? [] : facts.children.flatMap((child) => touch(child, lock, work))),
  ];
}

/** A row trigger of a partitioned table is made on each partition too. */
function withPartitions(fields: AstNode, known: KnownObjects): readonly Touch[] {
  const table = rangeName(fields['relation']);
  const facts = factsOf(table, known);
  const children = facts?.kind === 'p' && fields['row'] === true ? facts.children : [];
  return [...touch(table, 'ShareRowExclusive'), ...children.flatMap((child) => touch(child, 'ShareRowExclusive'))];
}

function publishedTables(fields: AstNode): readonly Touch[] {
  return asNodes(fields['pubobjects']).flatMap((each) => {
    const table = asNode(asNode(each['PublicationObjSpec'])['pubtable']);
    return touch(rangeName(asNode(table['PublicationTable'] ?? table)['relation']), 'ShareUpdateExclusive');
  });
}
