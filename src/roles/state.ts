import type { Secret } from '../base/secret.ts';
import type { RoleAttribute, SettingValue } from './document/document.ts';
import type { DatabaseRowSecurity, RetiredRole } from './lifecycle-state.ts';
import type { ObjectForm } from './object-forms.ts';
import type { GlobalKind, ObjectKind, Privilege } from './privileges.ts';

/** Who holds a privilege. PUBLIC is not a role, whatever it is quoted with, and no role can have its name. */
export type Grantee = { readonly kind: 'public' } | { readonly kind: 'role'; readonly name: string };

export const PUBLIC: Grantee = { kind: 'public' };

/** One entry of an access control list. The same privilege may be there once per grantor. */
export interface AclEntry {
  readonly grantee: Grantee;
  readonly privilege: Privilege;
  readonly grantor: string;
  readonly grantable: boolean;
}

/** What the inspection of a cluster found; the state a plan is made for. */
export interface ObservedState {
  readonly cluster: ClusterState;
  /** The databases in scope that exist. */
  readonly databases: ReadonlyMap<string, DatabaseState>;
  /** By database, for those whose row security the file names. */
  readonly rowSecurity: ReadonlyMap<string, DatabaseRowSecurity>;
  /** Roles that exist and are to go. */
  readonly retired: ReadonlyMap<string, RetiredRole>;
  /** For each declared role with a password rule: how the stored one compares. */
  readonly passwords: ReadonlyMap<string, PasswordFinding>;
  /** Why the server would not store a setting that is to change, by `settingAssignment`. */
  readonly refusedSettings: ReadonlyMap<string, string>;
}

export type PasswordFinding =
  | 'same'
  | 'differs'
  /** None is stored. */
  | 'missing'
  /** The server does not let us read verifiers. */
  | 'unreadable'
  /** `generate`, and its file is not there yet. */
  | 'to-generate'
  /** Where it is to come from, there is none. */
  | { readonly problem: string };

export interface ClusterState {
  readonly major: number;
  /** Decimal; empty where it may not be read. */
  readonly systemIdentifier: string;
  readonly currentRole: string;
  /** Who logged in. Another than {@link currentRole} where a setting `role` of the login, or of the connection, made it act as that. */
  readonly sessionRole: string;
  readonly isSuperuser: boolean;
  /** In recovery: it can be read, and nothing on it can be changed. */
  readonly isStandby: boolean;
  /** Whether pg_authid, and so the stored verifiers, may be read. */
  readonly canReadPasswords: boolean;
  /** The role that initdb made (OID 10). */
  readonly bootstrapSuperuser: string;
  readonly roles: ReadonlyMap<string, RoleState>;
  readonly memberships: readonly Membership[];
  readonly settings: readonly StoredSetting[];
  readonly databases: ReadonlyMap<string, OwnedAcl>;
  readonly tablespaces: ReadonlyMap<string, OwnedAcl>;
  /** Parameters that somebody has explicit privileges on, in lower case; none before 15. */
  readonly parameters: ReadonlyMap<string, OwnedAcl>;
  /** How the server reads the settings that the file or the catalog name. */
  readonly settingTypes: ReadonlyMap<string, SettingType>;
}

export interface SettingType {
  readonly vartype: string;
  readonly unit: string | undefined;
  /** Users may not set it, and the role that is connected was not given SET on it. */
  readonly needsGrant?: boolean;
}

export interface RoleState {
  readonly name: string;
  readonly login: boolean;
  readonly attributes: Readonly<Record<RoleAttribute, boolean>>;
  readonly connectionLimit: number;
  /** ISO 8601 in UTC or `-infinity`; undefined for no end. */
  readonly validUntil: string | undefined;
  readonly comment: string | undefined;
  /** Undefined when there is none or it may not be read. */
  readonly verifier: Secret | undefined;
}

/** An edge of the membership graph. Up to 15 there is one per role and member, and `inherit` is the member's attribute. */
export interface Membership {
  readonly role: string;
  readonly member: string;
  readonly grantor: string;
  readonly admin: boolean;
  readonly inherit: boolean;
  readonly set: boolean;
}

/** A row of pg_db_role_setting. Role undefined: every role; database undefined: every database. */
export interface StoredSetting {
  readonly role: string | undefined;
  readonly database: string | undefined;
  readonly name: string;
  readonly value: SettingValue;
}

export interface OwnedAcl {
  readonly owner: string;
  /** Without the owner's own entries; the built-in ones are filled in where the catalog has NULL. */
  readonly acl: readonly AclEntry[];
}

export interface DatabaseState {
  readonly name: string;
  /** Without those of the server. */
  readonly schemas: ReadonlyMap<string, OwnedAcl>;
  readonly groups: readonly ObjectGroup[];
  /** Privileges on columns, in the same schemas. */
  readonly columns: readonly ColumnGroup[];
  /** The columns of the relations whose columns the file names, by `relationKey`. */
  readonly relationColumns: ReadonlyMap<string, readonly string[]>;
  /** Languages, foreign data wrappers and servers. */
  readonly globals: readonly GlobalObject[];
  readonly defaults: readonly DefaultEntry[];
  /** Explicit global default privileges exist for these `creator kind`; elsewhere the built-in ones hold. */
  readonly globalDefaults: ReadonlySet<string>;
  /** Explicit privileges of kinds that are only reported. */
  readonly other: readonly OtherPrivilege[];
  /** Routines that the file names, by `routineKey`; undefined where there is none such. */
  readonly routines: ReadonlyMap<string, string | undefined>;
}

/** A privilege in words, `SELECT on column core.play.note`: reported and never planned. */
export interface OtherPrivilege {
  readonly grantee: Grantee;
  readonly text: string;
}

export interface GlobalObject extends OwnedAcl {
  readonly kind: GlobalKind;
  readonly name: string;
  readonly extension: string | undefined;
  /** False for a language that is not trusted: the server grants it to nobody. */
  readonly canBeGranted: boolean;
}

/** The columns of one relation that have the same privileges. The owner is the relation's. */
export interface ColumnGroup extends OwnedAcl {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
}

/** The objects of one form in one schema that have the same owner and the same privileges. */
export interface ObjectGroup extends OwnedAcl {
  readonly schema: string;
  readonly kind: ObjectKind;
  readonly form: ObjectForm;
  /** A sequence of a serial or identity column: its owner is its table's, always. */
  readonly linked: boolean;
  /** The extension they belong to: such objects are left alone unless named. */
  readonly extension: string | undefined;
  /** As in the catalog; a routine's is its quoted name with its argument types, as the server prints it. */
  readonly names: readonly string[];
}

/** A default privilege. `schema` undefined: wherever `creator` makes an object. The grantor is always the creator. */
export interface DefaultEntry {
  readonly creator: string;
  readonly schema: string | undefined;
  readonly of: ObjectKind | 'schema';
  readonly grantee: Grantee;
  readonly privilege: Privilege;
  readonly grantable: boolean;
}

export function role(name: string): Grantee {
  return { kind: 'role', name };
}

/** A text that is equal for equal grantees only. */
export function granteeKey(grantee: Grantee): string {
  return grantee.kind === 'public' ? 'p' : `r${grantee.name}`;
}

/** How people call a grantee. */
export function granteeText(grantee: Grantee): string {
  return grantee.kind === 'public' ? 'PUBLIC' : grantee.name;
}

export function isRole(grantee: Grantee, name: string): boolean {
  return grantee.kind === 'role' && grantee.name === name;
}

/** The key of {@link DatabaseState.globalDefaults}. */
export function globalDefaultKey(creator: string, of: DefaultEntry['of']): string {
  return `${of} ${creator}`;
}

/** The key of {@link DatabaseState.relationColumns}. */
export function relationKey(relation: { readonly schema: string; readonly name: string }): string {
  return JSON.stringify([relation.schema, relation.name]);
}

/** The key of {@link DatabaseState.routines}. */
export function routineKey(routine: { readonly schema: string; readonly name: string; readonly argumentTypes: string }): string {
  return `${JSON.stringify([routine.schema, routine.name])}(${routine.argumentTypes})`;
}
