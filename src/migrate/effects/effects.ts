import type { Statement } from '../files/migration.ts';
import { nodeType } from '../sql/parser.ts';
import { mergeTouches, type Effect } from './effect.ts';
import type { KnownObjects } from './known-objects.ts';
import { isMade } from './known-objects.ts';
import { touchesOfAlterTable } from './alter-table.ts';
import { touchesOfCreate } from './create.ts';
import { touchesOfData } from './data.ts';
import { touchesOfDrop } from './drop.ts';
import { touchesOfMaintenance } from './maintenance.ts';
import { touchesOfNames } from './names-and-comments.ts';

export type { Effect, Work } from './effect.ts';
export type { LockMode } from './lock-modes.ts';
export type { RelationName } from './relation-name.ts';
export type { KnownObjects } from './known-objects.ts';

/**
 * Which relations a statement locks, how strongly, and what it does with their rows.
 *
 * From the parse tree, PostgreSQL's rules for 14 to 18, what earlier statements of the file made, and the catalog where `known` has
 * one. One effect a relation, the strongest lock of all its parts; reading ones (AccessShare) included. Catalog tables are left out, and
 * so are indexes of a table that is named itself. Says nothing of what functions, DO blocks, triggers and extension scripts do inside:
 * see {@link isOpaque}.
 *
 * @see https://www.postgresql.org/docs/current/explicit-locking.html and AlterTableGetLockLevel in src/backend/commands/tablecmds.c
 */
export function effectsOf(statement: Pick<Statement, 'node'>, known: KnownObjects): readonly Effect[] {
  if (statement.node === undefined) return [];
  const { type, fields } = nodeType(statement.node);
  const found =
    touchesOfAlterTable(type, fields, known) ??
    touchesOfCreate(type, fields, known) ??
    touchesOfDrop(type, fields, known) ??
    touchesOfMaintenance(type, fields, known) ??
    touchesOfNames(type, fields, known) ??
    touchesOfData(type, fields, known) ??
    [];
  return mergeTouches(found).map((each) => ({ ...each, isNew: isMade(each.relation, known) }));
}

const OPAQUE: ReadonlySet<string> = new Set(['DoStmt', 'CallStmt', 'CreateExtensionStmt', 'AlterExtensionStmt', 'ExecuteStmt']);

/** Whether the statement runs code that its parse tree does not show, so that it may lock more than {@link effectsOf} says. */
export function isOpaque({ node }: Pick<Statement, 'node'>): boolean {
  return node === undefined || OPAQUE.has(nodeType(node).type);
}
