import { asNode, asNodes, asText, type AstNode } from '../sql/parser.ts';
import { touch, type Touch, type Work } from './effect.ts';
import { factsOf, type KnownObjects } from './known-objects.ts';
import type { LockMode } from './lock-modes.ts';
import { rangeName, type RelationName } from './relation-name.ts';

/** INSERT, UPDATE, DELETE, MERGE, SELECT, COPY; undefined for other statements. */
export function touchesOfData(type: string, fields: AstNode, known: KnownObjects): readonly Touch[] | undefined {
  switch (type) {
    case 'InsertStmt':
    case 'UpdateStmt':
    case 'DeleteStmt':
    case 'MergeStmt':
    case 'SelectStmt':
      return queryTouches({ [type]: fields }, known);
    case 'ExplainStmt':
      return queryTouches(fields['query'], known);
    case 'PrepareStmt':
      return [];
    case 'DeclareCursorStmt':
      return queryTouches(fields['query'], known, 'planned');
    case 'CopyStmt': {
      const relation = rangeName(fields['relation']);
      if (relation === undefined) return queryTouches(fields['query'], known);
      return touch(relation, fields['is_from'] === true ? 'RowExclusive' : 'AccessShare', fields['is_from'] === true ? 'none' : 'scan');
    }
    default:
      return undefined;
  }
}

/** `planned`: the query is looked at and not run, so no row is read. */
type Run = 'runs' | 'planned';

/**
 * The tables of a query: written ones RowExclusive, those of FOR UPDATE and the like RowShare, others AccessShare. `scan` where all rows
 * are written; what a query reads depends on its plan and counts as nothing.
 */
export function queryTouches(query: unknown, known: KnownObjects, run: Run = 'runs'): readonly Touch[] {
  const found: Touch[] = [];
  walk(query, new Set(), { known, run, found });
  return found;
}

interface Walk {
  readonly known: KnownObjects;
  readonly run: Run;
  readonly found: Touch[];
}

/** `named`: names of common table expressions in sight, which are no tables. */
function walk(value: unknown, named: ReadonlySet<string>, state: Walk): void {
  if (Array.isArray(value)) {
    for (const each of value) walk(each, named, state);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const node = asNode(value);
  const inner = withNames(node, named);
  for (const [key, fields] of Object.entries(node)) {
    if (key === 'RangeVar') add(rangeName(fields), inner, 'AccessShare', 'none', state, asNode(fields));
    else if (WRITES.has(key)) {
      const statement = asNode(fields);
      const writesAll = (key === 'UpdateStmt' || key === 'DeleteStmt') && statement['whereClause'] === undefined && state.run === 'runs';
      // The target of a write is a table whatever a common table expression is called.
      add(rangeName(statement['relation']), new Set(), 'RowExclusive', writesAll ? 'scan' : 'none', state, asNode(statement['relation']));
      const { relation: _, ...rest } = statement;
      walk(rest, withNames(statement, inner), state);
      continue;
    } else if (key === 'SelectStmt') {
      const select = asNode(fields);
      if (select['lockingClause'] !== undefined) {
        lockRows(select, withNames(select, inner), state);
        const { lockingClause: _, ...rest } = select;
        walk({ ...rest }, inner, state);
        continue;
      }
    }
    walk(fields, inner, state);
  }
}

const WRITES: ReadonlySet<string> = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

function withNames(node: AstNode, named: ReadonlySet<string>): ReadonlySet<string> {
  const expressions = asNodes(asNode(node['withClause'])['ctes']);
  if (expressions.length === 0) return named;
  return new Set([...named, ...expressions.flatMap((each) => asText(asNode(each['CommonTableExpr'])['ctename']) ?? [])]);
}

function lockRows(select: AstNode, named: ReadonlySet<string>, state: Walk): void {
  const tables = asNodes(select['fromClause']).flatMap(rangesOf);
  for (const each of asNodes(select['lockingClause'])) {
    const listed = asNodes(asNode(each['LockingClause'])['lockedRels']).flatMap((range) => rangeName(range['RangeVar'])?.name ?? []);
    for (const { relation, alias } of tables) {
      if (listed.length === 0 || listed.includes(alias)) add(relation, named, 'RowShare', 'none', state, {});
    }
  }
}

function rangesOf(item: AstNode): readonly { readonly relation: RelationName; readonly alias: string }[] {
  const join = item['JoinExpr'];
  if (join !== undefined) return [asNode(asNode(join)['larg']), asNode(asNode(join)['rarg'])].flatMap(rangesOf);
  const relation = rangeName(item['RangeVar']);
  if (relation === undefined) return [];
  return [{ relation, alias: asText(asNode(asNode(item['RangeVar'])['alias'])['aliasname']) ?? relation.name }];
}

function add(
  relation: RelationName | undefined,
  named: ReadonlySet<string>,
  lock: LockMode,
  work: Work,
  state: Walk,
  range: AstNode,
): void {
  if (relation === undefined || (relation.schema === undefined && named.has(relation.name))) return;
  if (relation.schema === 'pg_catalog' || relation.schema === 'information_schema') return;
  const facts = factsOf(relation, state.known);
  const below = range['inh'] === true ? (facts?.children ?? []) : [];
  state.found.push(...touch(relation, lock, facts?.kind === 'p' ? 'none' : work), ...below.flatMap((child) => touch(child, lock, work)));
}
