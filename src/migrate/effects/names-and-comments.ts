import { asNode, asText, type AstNode } from '../sql/parser.ts';
import { touch, type Touch } from './effect.ts';
import { factsOf, isAbsent, type KnownObjects } from './known-objects.ts';
import { listedName, ownerName, rangeName } from './relation-name.ts';

/** RENAME, SET SCHEMA, COMMENT, GRANT: changes of the catalog that touch no row; undefined for other statements. */
export function touchesOfNames(type: string, fields: AstNode, known: KnownObjects): readonly Touch[] | undefined {
  switch (type) {
    case 'RenameStmt':
      return rename(fields, known);
    case 'AlterObjectSchemaStmt': {
      const relation = rangeName(fields['relation']);
      return isAbsent(relation, known) ? [] : touch(relation, 'AccessExclusive');
    }
    case 'CommentStmt':
    case 'SecLabelStmt':
      return comment(fields);
    case 'GrantStmt':
    case 'AlterDefaultPrivilegesStmt':
      return [];
    default:
      return undefined;
  }
}

function rename(fields: AstNode, known: KnownObjects): readonly Touch[] {
  const relation = rangeName(fields['relation']);
  if (isAbsent(relation, known)) return [];
  const facts = factsOf(relation, known);
  // An index is renamed beside all that use it, also where ALTER TABLE says it.
  if (fields['renameType'] === 'OBJECT_INDEX' || facts?.kind === 'i' || facts?.kind === 'I') return touch(relation, 'ShareUpdateExclusive');
  const spreads = fields['renameType'] === 'OBJECT_COLUMN' || fields['renameType'] === 'OBJECT_TABCONSTRAINT';
  const children = spreads ? (facts?.children ?? []) : [];
  return [...touch(relation, 'AccessExclusive'), ...children.flatMap((child) => touch(child, 'AccessExclusive'))];
}

const RELATIONS: ReadonlySet<string> = new Set([
  'OBJECT_TABLE',
  'OBJECT_FOREIGN_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_SEQUENCE',
  'OBJECT_INDEX',
]);
const ON_RELATIONS: ReadonlySet<string> = new Set(['OBJECT_TABCONSTRAINT', 'OBJECT_TRIGGER', 'OBJECT_POLICY', 'OBJECT_RULE']);

function comment(fields: AstNode): readonly Touch[] {
  const kind = asText(fields['objtype']) ?? '';
  const object = asNode(fields['object']);
  if (RELATIONS.has(kind)) return touch(listedName(object), 'ShareUpdateExclusive');
  if (kind === 'OBJECT_COLUMN') return touch(ownerName(object), 'ShareUpdateExclusive');
  if (ON_RELATIONS.has(kind)) return touch(ownerName(object), 'AccessShare');
  return [];
}
