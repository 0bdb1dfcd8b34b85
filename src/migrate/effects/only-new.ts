import type { Statement } from '../files/migration.ts';
import { nodeType } from '../sql/parser.ts';
import { afterStatement } from './after.ts';
import { effectsOf } from './effects.ts';
import { NOTHING_KNOWN, type KnownObjects } from './known-objects.ts';

/** They run no code of anybody's over rows that were there before. */
const PLAIN: ReadonlySet<string> = new Set([
  'CreateStmt',
  'CreateSchemaStmt',
  'CreateEnumStmt',
  'CreateSeqStmt',
  'IndexStmt',
  'AlterTableStmt',
  'CommentStmt',
]);

/** Whether statements lock nothing but what their file made itself, so that they neither wait nor keep others waiting. */
export interface OnlyNew {
  readonly all: boolean;
  readonly last: boolean;
}

/** Looks at the statements of a file. What an event trigger does besides is not seen. */
export function onlyNew(statements: readonly Pick<Statement, 'node'>[]): OnlyNew {
  let known: KnownObjects = NOTHING_KNOWN;
  let [all, last] = [true, false];
  let sure = true;
  for (const statement of statements) {
    const { type, fields } = nodeType(statement.node ?? {});
    last = PLAIN.has(type) && effectsOf(statement, known).every(({ isNew }) => isNew && sure);
    all &&= last;
    known = afterStatement(statement, known);
    // What may have been there before does not count as made.
    if (fields['if_not_exists'] === true) sure = false;
  }
  return { all: all && statements.length > 0, last };
}
