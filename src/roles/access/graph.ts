import type { RoleAttribute } from '../document/document.ts';
import type { Privilege } from '../privileges.ts';
import type { Grantee, Membership } from '../state.ts';

/**
 * Everything that decides who may do what: roles and how they are members of one another, every object with its owner and its
 * whole access control list, and the ways around it (functions and views that work with their owner's privileges).
 *
 * Wider than the state a plan is made for: nothing is left out of scope, the server's own schemas are in it, and owners' own
 * entries stay. Built-in privileges are filled in where the catalog has NULL. `inspectAccess` reads one, `plannedAccess` gives
 * the one that a plan would leave, `accessPaths` answers from it. A value: nothing here asks the server.
 */
export interface AccessGraph {
  readonly major: number;
  readonly roles: ReadonlyMap<string, AccessRole>;
  readonly memberships: readonly Membership[];
  /** Databases, tablespaces, parameters: what belongs to the whole cluster. */
  readonly shared: readonly AccessGroup[];
  /** Of the parameters that the question named: those that every role may set for itself, whatever is granted. */
  readonly freeParameters: ReadonlySet<string>;
  /** The databases that were looked into, by name. */
  readonly databases: ReadonlyMap<string, AccessDatabase>;
}

export interface AccessRole {
  readonly name: string;
  readonly login: boolean;
  readonly attributes: Readonly<Record<RoleAttribute, boolean>>;
  /** ISO 8601 in UTC or `-infinity`; undefined for no end. */
  readonly validUntil: string | undefined;
}

export interface AccessDatabase {
  readonly name: string;
  /** Who is, in this database, a member of pg_database_owner. */
  readonly owner: string;
  readonly groups: readonly AccessGroup[];
  readonly columns: readonly ColumnAccess[];
  readonly routines: readonly DefinerRoutine[];
  readonly views: readonly DefinerView[];
  readonly rowSecurity: readonly RowSecurity[];
  /** Sequences of serial and identity columns, which have the owner of their table. */
  readonly linkedSequences: readonly LinkedSequence[];
  /** The columns of the relations that the question named, by {@link relationKey}, in order. Of others they are not read. */
  readonly columnNames: ReadonlyMap<string, readonly string[]>;
  /** Routines that the question named, as it wrote them, to their names in {@link AccessGroup.names}. */
  readonly routineNames: ReadonlyMap<string, string>;
}

export interface LinkedSequence {
  readonly schema: string;
  readonly name: string;
  readonly table: { readonly schema: string; readonly name: string };
}

/** A table whose policies decide which rows are seen; its owner sees all of them unless it is forced. */
export interface RowSecurity {
  readonly schema: string;
  readonly name: string;
  readonly forced: boolean;
}

/** What privileges are granted on, in SQL's words. `table` is every relation but sequences. */
export const ACCESS_KINDS = [
  'database',
  'tablespace',
  'parameter',
  'schema',
  'table',
  'sequence',
  'routine',
  'type',
  'language',
  'foreign data wrapper',
  'server',
  'large object',
] as const;
export type AccessKind = (typeof ACCESS_KINDS)[number];

export type AccessPrivilege = Privilege;

export interface AccessEntry {
  readonly grantee: Grantee;
  readonly privilege: AccessPrivilege;
  readonly grantor: string;
  readonly grantable: boolean;
}

/** Objects of one kind, in one schema where they have one, with the same owner and the same privileges. */
export interface AccessGroup {
  readonly kind: AccessKind;
  /** Undefined for kinds that are in no schema. */
  readonly schema: string | undefined;
  readonly owner: string;
  readonly acl: readonly AccessEntry[];
  /** Tables of the server's catalog, which only superusers may change whatever is granted. */
  readonly isCatalog: boolean;
  /** As in the catalog; a routine's is its quoted name with its argument types, a large object's its OID. */
  readonly names: readonly string[];
}

/** Privileges on one column, beside those on its table. Columns without any are not here. */
export interface ColumnAccess {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  readonly acl: readonly AccessEntry[];
}

/** A SECURITY DEFINER routine: who may execute it acts as its owner. */
export interface DefinerRoutine {
  readonly schema: string;
  /** As in {@link AccessGroup.names}. */
  readonly name: string;
  readonly owner: string;
  readonly language: string;
  /** Its text, to see what it names; undefined where there is none to be read (C, internal). */
  readonly body: string | undefined;
  /** Relations it depends on as the server knows, which it does for bodies in standard SQL. */
  readonly uses: readonly { readonly schema: string; readonly name: string }[];
}

/** A view that reads with its owner's privileges, which is what a view without security_invoker does. */
export interface DefinerView {
  readonly schema: string;
  readonly name: string;
  readonly owner: string;
  readonly reads: readonly ViewRead[];
}

export interface ViewRead {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
  /** Those are all of its columns. */
  readonly isWhole?: boolean;
}

/** What a question names and the graph cannot know of by itself. */
export interface AccessNames {
  /** Relations whose columns are to be listed. */
  readonly relations: readonly { readonly schema: string; readonly name: string }[];
  /** Routines as people write them: `core.merge(int, text)`. */
  readonly routines: readonly string[];
  /** In lower case. The catalog holds only those on which somebody has a privilege. */
  readonly parameters: readonly string[];
}

export const NO_NAMES: AccessNames = { relations: [], routines: [], parameters: [] };

/** One object of a graph. `column` asks about that column of a table. */
export interface ObjectRef {
  readonly kind: AccessKind;
  readonly schema: string | undefined;
  readonly name: string;
  readonly column: string | undefined;
}

/** A text that is equal for the same relation only. */
export function relationKey(relation: { readonly schema: string; readonly name: string }): string {
  return JSON.stringify([relation.schema, relation.name]);
}
