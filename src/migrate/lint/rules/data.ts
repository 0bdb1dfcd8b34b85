import { factsOf } from '../../effects/known-objects.ts';
import { listedName, rangeName, showRelation, type RelationName } from '../../effects/relation-name.ts';
import { asNode, asNodes, asText, visitNodes, type AstNode } from '../../sql/parser.ts';
import { shortCount, sizeText } from '../blocked.ts';
import { alterParts, effectOn, isFresh, type Hit, type Rule, type Step } from '../rule.ts';

export const wholeTableDml: Rule = {
  id: 'whole-table-dml',
  summary: 'UPDATE or DELETE without WHERE, or of 100,000 rows and more',
  why: 'Every row is written in one transaction: 6.6 s for each million rows, as much dead space, and each row locked until the end.',
  safe: 'batches by key, each committed, in a file that begins with -- dbadmin: no-transaction',
  on: ['UpdateStmt', 'DeleteStmt', 'SelectStmt', 'InsertStmt', 'MergeStmt', 'CreateTableAsStmt'],
  check: (step) => [...writesWithoutWhere(step).flatMap(({ word, table }) => wholeTable(word, table, step)), ...manyRows(step)],
};

/** As the planner expects it. */
const MANY_ROWS = 100_000;
const TOO_MANY_ROWS = 10_000_000;

function manyRows(step: Step): readonly Hit[] {
  const { writes = 0 } = step;
  const table = rangeName(step.fields['relation']);
  if (writes < MANY_ROWS || table === undefined || isEverything(step.fields['whereClause'])) return [];
  const [hit] = wholeTable(step.type === 'UpdateStmt' ? 'UPDATE' : 'DELETE', table, step);
  if (hit === undefined) return [];
  const message = `${step.type === 'UpdateStmt' ? 'UPDATE' : 'DELETE'} of about ${shortCount(writes)} rows of ${showRelation(table)}`;
  return [{ ...hit, message, weight: writes < TOO_MANY_ROWS ? 'warning' : 'error' }];
}

function wholeTable(word: string, table: RelationName, step: Step): readonly Hit[] {
  if (isFresh(table, step)) return [];
  const effect = effectOn(table, step.effects(), step);
  const name = showRelation(table);
  const held = step.inTransaction && step.state.locked.has(name);
  const safe =
    word === 'DELETE'
      ? `batches: DELETE FROM ${name} WHERE id IN (SELECT id FROM ${name} LIMIT 10000), each committed, in a file that begins with -- dbadmin: no-transaction;\n  or TRUNCATE, where nothing is to stay`
      : `batches: UPDATE ${name} SET … WHERE id BETWEEN … AND …, each committed,\n  in a procedure called from a file that begins with -- dbadmin: no-transaction`;
  const why = held
    ? { why: `${wholeTableDml.why} An earlier statement of this transaction locked ${name}, and keeps it locked all that time.` }
    : {};
  return [{ message: `${word} of every row of ${name}${sizeText(factsOf(table, step.known))}`, weight: 'rows', effect, safe, ...why }];
}

/** The statement itself and those in its WITH. */
function writesWithoutWhere(step: Step): readonly { readonly word: string; readonly table: RelationName }[] {
  const found: { word: string; table: RelationName }[] = [];
  const look = (type: string, fields: AstNode): void => {
    const table = rangeName(fields['relation']);
    if ((type !== 'UpdateStmt' && type !== 'DeleteStmt') || table === undefined || !isEverything(fields['whereClause'])) return;
    found.push({ word: type === 'UpdateStmt' ? 'UPDATE' : 'DELETE', table });
  };
  look(step.type, step.fields);
  visitNodes(asNode(step.fields['withClause'])['ctes'], look);
  return found;
}

/** No condition, or one that is true. */
function isEverything(where: unknown): boolean {
  if (where === undefined) return true;
  const constant = asNode(asNode(where)['A_Const']);
  return asNode(constant['boolval'])['boolval'] === true;
}

const RESTORE = 'a reason in -- dbadmin: allow drop-destructive -- …, and a proven backup; migrate rollback brings back what went';

export const dropDestructive: Rule = {
  id: 'drop-destructive',
  summary: 'DROP TABLE, COLUMN or SCHEMA, TRUNCATE, anything CASCADE',
  why: 'What goes is in no later backup. The restore point set before the run is the way back.',
  safe: `rename it, wait until nobody misses it, then drop it with ${RESTORE}`,
  on: ['DropStmt', 'AlterTableStmt', 'TruncateStmt', 'DropOwnedStmt', 'DropdbStmt'],
  check: (step) => {
    switch (step.type) {
      case 'DropStmt':
        return dropped(step);
      case 'TruncateStmt':
        return asNodes(step.fields['relations']).flatMap((each) => lost('TRUNCATE', rangeName(each['RangeVar']), step));
      case 'AlterTableStmt':
        return [...droppedColumns(step), ...droppedConstraints(step)];
      case 'DropOwnedStmt':
        return [{ message: 'DROP OWNED', weight: 'error' }];
      default:
        return [{ message: `DROP DATABASE ${asText(step.fields['dbname']) ?? ''}`, weight: 'error' }];
    }
  },
};

function lost(word: string, relation: RelationName | undefined, step: Step): readonly Hit[] {
  if (relation === undefined || isFresh(relation, step)) return [];
  const message = `${word} ${showRelation(relation)}${sizeText(factsOf(relation, step.known))}`;
  return [{ message, weight: 'loss', effect: effectOn(relation, step.effects(), step), relation }];
}

function droppedColumns(step: Step): readonly Hit[] {
  return alterParts(step, 'AT_DropColumn').flatMap((part): readonly Hit[] => {
    if (part.facts !== undefined && !part.facts.columns.has(part.name)) return [];
    const table = showRelation(part.relation);
    const safe = `first a release that no longer reads ${part.name}; then drop it with ${RESTORE}`;
    return [{ message: `DROP COLUMN ${part.name} of ${table}${sizeText(part.facts)}`, weight: 'loss', effect: part.effect, safe }];
  });
}

function droppedConstraints(step: Step): readonly Hit[] {
  return alterParts(step, 'AT_DropConstraint').flatMap((part): readonly Hit[] => {
    if (part.command['behavior'] !== 'DROP_CASCADE') return [];
    return [{ message: `DROP CONSTRAINT ${part.name} CASCADE of ${showRelation(part.relation)}`, ...cascade(), effect: part.effect }];
  });
}

function cascade(): Pick<Hit, 'weight' | 'why' | 'safe'> {
  return {
    weight: 'warning',
    why: 'CASCADE drops what depends on it too, named nowhere: views, foreign keys, columns, triggers.',
    safe: 'name each thing in a DROP of its own, and leave CASCADE out, so that what was forgotten stops the file',
  };
}

function dropped(step: Step): readonly Hit[] {
  const kind = asText(step.fields['removeType']) ?? '';
  const cascades = step.fields['behavior'] === 'DROP_CASCADE';
  const word = `DROP ${kind.replace('OBJECT_', '').replace('MATVIEW', 'MATERIALIZED VIEW').replaceAll('_', ' ')}`;
  const hits = asNodes(step.fields['objects']).flatMap((each): readonly Hit[] => {
    if (kind === 'OBJECT_TABLE') return lost(word, listedName(each), step);
    if (kind === 'OBJECT_SCHEMA' || !cascades) return [];
    const relation = RELATIONS.has(kind) ? listedName(each) : undefined;
    if (relation !== undefined && isFresh(relation, step)) return [];
    const effect = relation === undefined ? undefined : effectOn(relation, step.effects(), step);
    return [{ message: `${word} ${nameOf(each)} CASCADE`, ...cascade(), effect }];
  });
  if (kind === 'OBJECT_SCHEMA' && cascades) {
    const names = asNodes(step.fields['objects']).map((each) => asText(asNode(each['String'])['sval']) ?? '');
    return [
      {
        message: `DROP SCHEMA ${names.join(', ')} CASCADE`,
        weight: 'error',
        why: 'All tables in it go, with their rows. The restore point set before the run is the way back.',
      },
    ];
  }
  if (kind === 'OBJECT_TABLE' && cascades && hits.length > 0) {
    return hits.map((each) => ({ ...each, message: `${each.message} CASCADE`, why: `${dropDestructive.why} ${cascade().why ?? ''}` }));
  }
  return hits;
}

const RELATIONS: ReadonlySet<string> = new Set(['OBJECT_VIEW', 'OBJECT_MATVIEW', 'OBJECT_SEQUENCE', 'OBJECT_FOREIGN_TABLE']);

function nameOf(object: AstNode): string {
  const name = listedName(asNode(object['ObjectWithArgs'])['objname'] ?? asNode(object['TypeName'])['names'] ?? object);
  return name === undefined ? (asText(asNode(object['String'])['sval']) ?? '') : showRelation(name);
}
