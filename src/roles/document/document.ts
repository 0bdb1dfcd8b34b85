import type { NarrowForm } from '../object-forms.ts';
import type { ObjectKind, Privilege, PrivilegeKind } from '../privileges.ts';
import type { AcceptedFinding } from './accepted.ts';
import type { DeclaredRowSecurity, Retirement } from './lifecycle.ts';
import type { NeverRule } from './never.ts';

/** Where something stands in the file; line and column count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export const MODES = ['add', 'manage', 'exact'] as const;
/** `add` never takes anything away; `manage` makes the scope as declared but never drops a role; `exact` drops too. */
export type Mode = (typeof MODES)[number];

/** roles.yaml after parsing: names checked, references between its parts resolved, defaults filled in. */
export interface RolesDocument {
  /** The path as the user gave it, for messages. */
  readonly file: string;
  readonly maintenanceDatabase: string;
  /** The oldest major this file is written for. */
  readonly minServer: number;
  readonly scope: Scope;
  readonly mode: Mode;
  /** Where the mode stands, for what it asks too much. */
  readonly modeAt: Position;
  /** Globs: of what the file asks for, only what is about such roles and schemas. No part of the file; undefined is all of it. */
  readonly only?: readonly string[];
  readonly public: PublicRules;
  readonly profiles: ReadonlyMap<string, Profile>;
  /** Groups, services and humans by name. */
  readonly roles: ReadonlyMap<string, DeclaredRole>;
  readonly databases: ReadonlyMap<string, DeclaredDatabase>;
  /** Privileges on configuration parameters, which belong to the whole cluster. */
  readonly parameters: readonly ParameterRule[];
  /** Roles that are to go; none of them is declared. */
  readonly retire: readonly Retirement[];
  /** What may not be so, whatever makes it so. */
  readonly never: readonly NeverRule[];
  /** Findings of `roles audit` that are taken as they are. */
  readonly accepted: readonly AcceptedFinding[];
}

/** What may be changed. Everything else is listed and left alone. */
export interface Scope {
  /** Globs with `*` and `?`. */
  readonly roles: readonly string[];
  readonly databases: readonly string[];
  /** Globs per database. */
  readonly schemas: ReadonlyMap<string, readonly string[]>;
  /** Globs; they win over `roles`. */
  readonly ignoreRoles: readonly string[];
}

export interface PublicRules {
  /**
   * `locked` takes from PUBLIC what lets strangers in; `as-is` leaves PUBLIC alone; with `declared` it has what `keep` and
   * `grants` say and nothing else, not even what is built in.
   */
  readonly preset: 'locked' | 'as-is' | 'declared';
  readonly keep: readonly PublicKeep[];
}

export interface PublicKeep {
  readonly on: ObjectName | { readonly kind: 'extension'; readonly name: string };
  readonly privileges: readonly Privilege[];
  readonly at: Position;
}

/** A named set of privileges, ready for use: what it includes is merged in. */
export interface Profile {
  readonly name: string;
  readonly parts: readonly ProfilePart[];
}

/** Privileges that hold only on servers that satisfy `servers`. */
export interface ProfilePart {
  readonly kind: PrivilegeKind;
  /** Objects of this form alone. Then it holds for what is there: default privileges know no forms. */
  readonly only: NarrowForm | undefined;
  readonly privileges: readonly Privilege[] | 'all';
  readonly servers: ServerRange | undefined;
  readonly at: Position;
}

export interface ServerRange {
  readonly operator: '>=' | '<=' | '>' | '<' | '=';
  readonly major: number;
}

export const ROLE_ATTRIBUTES = ['superuser', 'createdb', 'createrole', 'replication', 'bypassrls', 'inherit'] as const;
export type RoleAttribute = (typeof ROLE_ATTRIBUTES)[number];

export interface DeclaredRole {
  readonly name: string;
  readonly kind: 'group' | 'service' | 'human';
  readonly at: Position;
  readonly attributes: Readonly<Record<RoleAttribute, boolean>>;
  /** -1 is no limit. */
  readonly connectionLimit: number;
  /** An instant as ISO 8601 in UTC or `-infinity`; undefined for no end. */
  readonly validUntil: string | undefined;
  /** Undefined leaves the comment as it is. */
  readonly comment: string | undefined;
  readonly memberOf: readonly DeclaredMembership[];
  readonly password: PasswordRule;
  readonly settings: ReadonlyMap<string, SettingValue>;
  readonly settingsIn: ReadonlyMap<string, ReadonlyMap<string, SettingValue>>;
  /** Where each of both stands, by `settingPlace`. */
  readonly settingsAt: ReadonlyMap<string, Position>;
}

export interface DeclaredMembership {
  readonly role: string;
  readonly at: Position;
  readonly admin: boolean;
  /** Undefined: as the member's own INHERIT attribute. */
  readonly inherit: boolean | undefined;
  readonly set: boolean;
  /** An instant as ISO 8601 in UTC after which the edge is taken away. */
  readonly until: string | undefined;
  /** Who is written as its grantor, on 16 and later; undefined: who plans, see `wantedCluster`. */
  readonly grantedBy?: string;
}

/** A value as SET takes it: one text, or a list of them. */
export type SettingValue = string | readonly string[];

/** The key of {@link DeclaredRole.settingsAt}; `database` for a setting that is one's own there alone. */
export function settingPlace(name: string, database?: string): string {
  return JSON.stringify([name, database]);
}

export type PasswordRule =
  | { readonly kind: 'unmanaged' }
  /** The role logs in some other way: a stored password is removed. */
  | { readonly kind: 'none' }
  | { readonly kind: 'env'; readonly name: string }
  /** A path, relative to the file's directory. The last line break is not part of the password. */
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'command'; readonly argv: readonly string[] }
  /** Made once and kept in a file that only its owner may read. */
  | { readonly kind: 'generate'; readonly path: string };

export interface DeclaredDatabase {
  readonly name: string;
  readonly at: Position;
  /** Undefined leaves the owner as it is. */
  readonly owner: string | undefined;
  readonly connect: readonly string[];
  /** ALTER DATABASE SET; undefined leaves the database's own settings alone. */
  readonly settings: ReadonlyMap<string, SettingValue> | undefined;
  /** Where each stands, by `settingPlace`. */
  readonly settingsAt: ReadonlyMap<string, Position>;
  readonly schemas: ReadonlyMap<string, DeclaredSchema>;
  readonly access: readonly AccessRule[];
  readonly columns: readonly ColumnRule[];
  readonly rowSecurity: readonly DeclaredRowSecurity[];
  /** Objects that belong to somebody else than their schema says. */
  readonly owners: readonly OwnerRule[];
}

/** Who owns an object, by name. */
export interface OwnerRule {
  readonly at: Position;
  readonly owner: string;
  readonly on: Extract<ObjectName, { readonly schema: string }>;
}

export interface DeclaredSchema {
  readonly name: string;
  readonly at: Position;
  /** Undefined leaves the owner as it is. */
  readonly owner: string | undefined;
  /** Whose new objects carry the access rules: FOR ROLE of the default privileges. */
  readonly creators: readonly string[];
  /** Kinds of which the schema's owner owns every object too; for the others the owners stay as they are. */
  readonly owns: readonly ObjectKind[];
}

export type AccessRule = ProfileAccess | NamedAccess | FutureAccess;

/** What a line under `grants` adds to a rule: it gives what it names and nothing that goes with it, and may name PUBLIC. */
export interface BareRule {
  /** No CONNECT to the database, no USAGE of the schema comes with it; `public` in `to` is PUBLIC. */
  readonly bare?: true;
  /** Who is written as the grantor; undefined: the owner of the object. */
  readonly grantedBy?: string;
}

/** A profile on whole schemas: what is there and what the creators will make. */
export interface ProfileAccess extends BareRule {
  readonly kind: 'profile';
  readonly at: Position;
  readonly parts: readonly ProfilePart[];
  readonly schemas: readonly string[];
  readonly to: readonly string[];
  readonly except: readonly QualifiedName[];
  readonly grantable: boolean;
  /** Whose new objects it covers; undefined: those of each schema's creators. Empty: what is there and no more. */
  readonly by: readonly string[] | undefined;
}

/** What the creators will make, and nothing that is there: default privileges alone. */
export interface FutureAccess extends BareRule {
  readonly kind: 'future';
  readonly at: Position;
  readonly of: ObjectKind | 'schema';
  readonly privileges: readonly Privilege[] | 'all';
  /** Undefined: wherever they make it. */
  readonly schema: string | undefined;
  readonly by: readonly string[];
  readonly to: readonly string[];
  readonly grantable: boolean;
}

/** Privileges on one named object. */
export interface NamedAccess extends BareRule {
  readonly kind: 'named';
  readonly at: Position;
  readonly on: ObjectName;
  readonly privileges: readonly Privilege[] | 'all';
  readonly to: readonly string[];
  readonly grantable: boolean;
}

export interface QualifiedName {
  readonly schema: string;
  readonly name: string;
}

/** Columns of one table or view, instead of the whole of it. */
export interface ColumnRule extends BareRule {
  readonly at: Position;
  readonly on: RelationName;
  readonly to: readonly string[];
  readonly privileges: readonly Privilege[] | 'all';
  /** `deny` is every column but these, as the table is when the plan is made. */
  readonly rule: 'allow' | 'deny';
  readonly columns: readonly string[];
  readonly grantable: boolean;
}

/** SET and ALTER SYSTEM on parameters. */
export interface ParameterRule extends BareRule {
  readonly at: Position;
  readonly privileges: readonly Privilege[] | 'all';
  /** In lower case, as the server keeps them. */
  readonly parameters: readonly string[];
  readonly to: readonly string[];
  readonly grantable: boolean;
}

/** A table, view or other relation. With `only`, it must be of that form. */
export interface RelationName {
  readonly kind: 'table';
  readonly schema: string;
  readonly name: string;
  readonly only?: NarrowForm;
}

/** An object as the file names it. A routine carries its argument types as written; the server resolves them. */
export type ObjectName =
  | { readonly kind: 'database'; readonly name: string }
  | { readonly kind: 'schema'; readonly name: string }
  | { readonly kind: 'language' | 'foreign data wrapper' | 'server' | 'tablespace'; readonly name: string }
  | RelationName
  | { readonly kind: 'sequence' | 'type'; readonly schema: string; readonly name: string; readonly only?: NarrowForm }
  | {
      readonly kind: 'routine';
      readonly schema: string;
      readonly name: string;
      readonly argumentTypes: string;
      readonly only?: NarrowForm;
    };
