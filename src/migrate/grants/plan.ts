import { quoteLiteral, quoteName } from '../../postgres/quote.ts';
import type { Statement } from '../files/migration.ts';
import { asNode, asNodes, asText, namesOf, nodeType } from '../sql/parser.ts';

/** One privilege of one role. */
export interface Grant {
  /** Undefined for PUBLIC. */
  readonly grantee: string | undefined;
  readonly privilege: string;
  readonly grantable: boolean;
}

/** What an object carries that no CREATE statement gives back. */
export interface ObjectGrants {
  readonly class: 'relation' | 'routine';
  readonly oid: string;
  /** Qualified and quoted; a routine's with its input types. */
  readonly identity: string;
  /** As ALTER and COMMENT ON name it: `MATERIALIZED VIEW`, `ROUTINE`. */
  readonly type: string;
  readonly owner: string;
  /** Nobody ever granted or revoked anything: what holds are the defaults. */
  readonly untouched: boolean;
  /** What holds, the owner's own and defaults included. */
  readonly grants: readonly Grant[];
  readonly comment: string | undefined;
  /** Columns that have privileges or a comment of their own. */
  readonly columns: readonly ColumnGrants[];
  /** All columns there are. */
  readonly columnNames: readonly string[];
}

export interface ColumnGrants {
  readonly name: string;
  readonly grants: readonly Grant[];
  readonly comment: string | undefined;
}

/** Names a drop may take away; `any` when it cannot be told from the statement. */
export type DroppedNames = readonly string[] | 'any' | undefined;

const NAMED_DROPS: ReadonlySet<string> = new Set([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_FOREIGN_TABLE',
  'OBJECT_SEQUENCE',
  'OBJECT_FUNCTION',
  'OBJECT_PROCEDURE',
  'OBJECT_ROUTINE',
  'OBJECT_AGGREGATE',
]);
const WIDE_DROPS: ReadonlySet<string> = new Set(['OBJECT_SCHEMA', 'OBJECT_TYPE', 'OBJECT_DOMAIN', 'OBJECT_EXTENSION']);

/** What a statement may drop, as far as it tells. CASCADE takes whatever there is. */
export function droppedNames({ node, text }: Statement): DroppedNames {
  const { type, fields } = nodeType(node ?? {});
  if (type === 'DropOwnedStmt') return 'any';
  if (type === 'DoStmt' || type === 'CallStmt') return /\bdrop\b/i.test(text) ? 'any' : undefined;
  if (type === 'AlterTableStmt') return /\bdrop\b[^;]*\bcascade\b/is.test(text) ? 'any' : undefined;
  if (type !== 'DropStmt') return undefined;
  const dropped = asText(fields['removeType']) ?? '';
  if (fields['behavior'] === 'DROP_CASCADE' || WIDE_DROPS.has(dropped)) return 'any';
  if (!NAMED_DROPS.has(dropped)) return undefined;
  return asNodes(fields['objects']).flatMap((each) => {
    const { type: form, fields: named } = nodeType(each);
    return namesOf(form === 'ObjectWithArgs' ? named['objname'] : named['items']).slice(-1);
  });
}

const CREATES: ReadonlySet<string> = new Set([
  'CreateStmt',
  'ViewStmt',
  'CreateTableAsStmt',
  'CreateFunctionStmt',
  'CreateForeignTableStmt',
  'CreateSeqStmt',
  'DefineStmt',
  'CreateSchemaStmt',
  'CreateExtensionStmt',
  'RenameStmt',
  'AlterObjectSchemaStmt',
  'DoStmt',
  'CallStmt',
]);

/** Whether a statement may bring an object of a dropped one's name. */
export function mayCreate({ node }: Statement): boolean {
  return CREATES.has(nodeType(asNode(node)).type);
}

/**
 * SQL that changes the owner back; undefined when it is the same. Giving it away needs membership in the old owner: without it
 * the new one stays with who made it, and the server's warning says so.
 */
export function ownerSql(lost: ObjectGrants, made: ObjectGrants): string | undefined {
  if (lost.owner === made.owner) return undefined;
  const alter = quoteLiteral(`alter ${made.type} ${made.identity} owner to ${quoteName(lost.owner)}`);
  const words = quoteLiteral(`${made.identity} belongs to ${made.owner} now, not to ${lost.owner} as before: %`);
  return `do $owner$ begin execute ${alter}; exception when insufficient_privilege or undefined_object then
  raise warning ${words}, sqlerrm; end $owner$`;
}

/** What was given back: statements, and words for people. */
export interface GivingBack {
  readonly statements: readonly string[];
  readonly said: readonly string[];
  /** Roles that are gone, so that nothing can be given back to them. */
  readonly gone: readonly string[];
}

/**
 * What makes `made`, an object that took the place of `lost`, as if it had been replaced in place: exactly the privileges it had,
 * none that defaults added since, and its comments. An object that nobody ever granted or revoked anything on gets what default
 * privileges give a new one. Who granted is not kept: it is the owner now.
 */
export function planGivingBack(lost: ObjectGrants, made: ObjectGrants, roles: ReadonlySet<string>): GivingBack {
  const statements: string[] = [];
  const gone = new Set<string>();
  const given = new Set<string>();
  const on = `on ${made.class === 'routine' ? 'routine' : made.type === 'SEQUENCE' ? 'sequence' : 'table'} ${made.identity}`;
  const change = (before: readonly Grant[], after: readonly Grant[], column: string | undefined): void => {
    const mapped = before.map((each) => (each.grantee === lost.owner ? { ...each, grantee: made.owner } : each));
    const wanted = mapped.filter(({ grantee }) => grantee === undefined || roles.has(grantee) || (gone.add(grantee), false));
    const where = column === undefined ? '' : ` (${quoteName(column)})`;
    for (const { grantee, privilege } of missingFrom(after, wanted)) {
      statements.push(`revoke ${privilege}${where} ${on} from ${granteeSql(grantee)}`);
    }
    for (const { grantee, privilege } of missingFrom(after, wanted, true)) {
      if (missingFrom([{ grantee, privilege, grantable: false }], wanted).length > 0) continue;
      statements.push(`revoke grant option for ${privilege}${where} ${on} from ${granteeSql(grantee)}`);
    }
    for (const { grantee, privilege, grantable } of missingFrom(wanted, after, true)) {
      statements.push(`grant ${privilege}${where} ${on} to ${granteeSql(grantee)}${grantable ? ' with grant option' : ''}`);
      given.add(`${privilege}${where} to ${grantee ?? 'PUBLIC'}`);
    }
  };
  const sameFamily = lost.class === made.class && (lost.type === 'SEQUENCE') === (made.type === 'SEQUENCE');
  if (sameFamily && !lost.untouched) change(lost.grants, made.grants, undefined);
  const said = [...given];
  if (lost.comment !== undefined && made.comment === undefined) {
    statements.push(`comment on ${made.type} ${made.identity} is ${quoteLiteral(lost.comment)}`);
    said.push('its comment');
  }
  for (const column of lost.columns) {
    if (!made.columnNames.includes(column.name)) continue;
    const now = made.columns.find(({ name }) => name === column.name);
    given.clear();
    if (sameFamily) change(column.grants, now?.grants ?? [], column.name);
    said.push(...given);
    if (column.comment !== undefined && now?.comment === undefined) {
      statements.push(`comment on column ${made.identity}.${quoteName(column.name)} is ${quoteLiteral(column.comment)}`);
      said.push(`the comment of ${column.name}`);
    }
  }
  return { statements, said, gone: [...gone] };
}

/** Those of `some` that `others` lacks; with `strict` also those that `others` has without the grant option. */
function missingFrom(some: readonly Grant[], others: readonly Grant[], strict = false): readonly Grant[] {
  return some.filter(
    (each) =>
      !others.some(
        (other) => other.grantee === each.grantee && other.privilege === each.privilege && (!strict || other.grantable || !each.grantable),
      ),
  );
}

function granteeSql(grantee: string | undefined): string {
  return grantee === undefined ? 'public' : quoteName(grantee);
}
