import type { Privilege, PrivilegeKind } from '../privileges.ts';

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
  readonly public: PublicRules;
  readonly profiles: ReadonlyMap<string, Profile>;
  /** Groups, services and humans by name. */
  readonly roles: ReadonlyMap<string, DeclaredRole>;
  readonly databases: ReadonlyMap<string, DeclaredDatabase>;
  /** What the file asks for that this version parses but does not apply. */
  readonly unsupported: readonly Unsupported[];
}

export interface Unsupported {
  /** The words of the file: `row_security of core.play`. */
  readonly what: string;
  readonly at: Position;
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
  /** `locked` takes from PUBLIC what lets strangers in; `as-is` leaves PUBLIC alone. */
  readonly preset: 'locked' | 'as-is';
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
  /** An instant as ISO 8601 in UTC, or undefined for no end. */
  readonly validUntil: string | undefined;
  /** Undefined leaves the comment as it is. */
  readonly comment: string | undefined;
  readonly memberOf: readonly DeclaredMembership[];
  readonly password: PasswordRule;
  readonly settings: ReadonlyMap<string, SettingValue>;
  readonly settingsIn: ReadonlyMap<string, ReadonlyMap<string, SettingValue>>;
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
}

/** A value as SET takes it: one text, or a list of them. */
export type SettingValue = string | readonly string[];

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
  readonly connect: readonly string[];
  /** ALTER DATABASE SET; undefined leaves the database's own settings alone. */
  readonly settings: ReadonlyMap<string, SettingValue> | undefined;
  readonly schemas: ReadonlyMap<string, DeclaredSchema>;
  readonly access: readonly AccessRule[];
}

export interface DeclaredSchema {
  readonly name: string;
  readonly at: Position;
  /** Undefined leaves the owner as it is. */
  readonly owner: string | undefined;
  /** Whose new objects carry the access rules: FOR ROLE of the default privileges. */
  readonly creators: readonly string[];
}

export type AccessRule = ProfileAccess | NamedAccess;

/** A profile on whole schemas: what is there and what the creators will make. */
export interface ProfileAccess {
  readonly kind: 'profile';
  readonly at: Position;
  readonly parts: readonly ProfilePart[];
  readonly schemas: readonly string[];
  readonly to: readonly string[];
  readonly except: readonly QualifiedName[];
  readonly grantable: boolean;
}

/** Privileges on one named object. */
export interface NamedAccess {
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

/** An object as the file names it. A routine carries its argument types as written; the server resolves them. */
export type ObjectName =
  | { readonly kind: 'database'; readonly name: string }
  | { readonly kind: 'schema'; readonly name: string }
  | { readonly kind: 'table' | 'sequence' | 'type'; readonly schema: string; readonly name: string }
  | { readonly kind: 'routine'; readonly schema: string; readonly name: string; readonly argumentTypes: string };
