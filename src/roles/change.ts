import type { RoleAttribute, SettingValue } from './document/document.ts';
import type { Privilege } from './privileges.ts';
import type { DefaultEntry, Grantee, ObjectKind } from './state.ts';

/** One step from what is to what the file says. Holds no secret. */
export type Change =
  | CreateRole
  | AlterRole
  | { readonly kind: 'comment-role'; readonly role: string; readonly comment: string; readonly was: string | undefined }
  | { readonly kind: 'password'; readonly role: string; readonly action: 'set' | 'generate' | 'remove'; readonly source: string }
  | GrantMembership
  | RevokeMembership
  | SettingChange
  | { readonly kind: 'create-schema'; readonly database: string; readonly schema: string; readonly owner: string }
  | { readonly kind: 'own-schema'; readonly database: string; readonly schema: string; readonly owner: string; readonly was: string }
  | PrivilegeChange
  | DefaultChange;

export interface RoleOptions {
  readonly login?: boolean;
  readonly attributes: Readonly<Partial<Record<RoleAttribute, boolean>>>;
  readonly connectionLimit?: number;
  /** Undefined leaves it; null takes the end away. */
  readonly validUntil?: string | null;
}

export interface CreateRole extends RoleOptions {
  readonly kind: 'create-role';
  readonly role: string;
}

/** Only the options that differ; `was` holds what they are now. */
export interface AlterRole extends RoleOptions {
  readonly kind: 'alter-role';
  readonly role: string;
  readonly was: RoleOptions;
}

export interface GrantMembership {
  readonly kind: 'grant-membership';
  readonly role: string;
  readonly member: string;
  /** Undefined up to 15, where the connected role is noted and plays no part. */
  readonly grantor: string | undefined;
  readonly admin: boolean;
  /** Undefined up to 15: the member's attribute decides. */
  readonly inherit: boolean | undefined;
  readonly set: boolean | undefined;
  /** The edge's options now, when it is there already. */
  readonly was: { readonly admin: boolean; readonly inherit: boolean; readonly set: boolean } | undefined;
}

export interface RevokeMembership {
  readonly kind: 'revoke-membership';
  readonly role: string;
  readonly member: string;
  /** Undefined up to 15. */
  readonly grantor: string | undefined;
  /** `edge` takes all of it, `admin` the ADMIN option alone. */
  readonly what: 'edge' | 'admin';
  /** Grants that rest on others are taken away first: higher goes earlier. */
  readonly depth: number;
}

export interface SettingChange {
  readonly kind: 'setting';
  readonly role: string | undefined;
  readonly database: string | undefined;
  readonly name: string;
  /** Undefined resets. */
  readonly value: SettingValue | undefined;
  readonly was: SettingValue | undefined;
}

/** Objects that one statement names. */
export type ObjectSet =
  | { readonly kind: 'database'; readonly name: string }
  | { readonly kind: 'schema'; readonly name: string }
  | {
      readonly kind: ObjectKind;
      readonly schema: string;
      readonly names: readonly string[];
      /** The names are every object of the kind in the schema, so the statement can say ALL. */
      readonly all: boolean;
    };

export interface PrivilegeChange {
  readonly kind: 'privilege';
  readonly action: 'grant' | 'revoke' | 'revoke-option';
  readonly database: string;
  readonly on: ObjectSet;
  readonly privileges: readonly Privilege[];
  readonly grantee: Grantee;
  readonly grantable: boolean;
  /** Who is, or will be, written as the grantor. */
  readonly grantor: string;
  /** The role to become for it; undefined where acting as the owner is right. */
  readonly actAs: string | undefined;
  readonly depth: number;
}

export interface DefaultChange {
  readonly kind: 'default';
  readonly action: 'grant' | 'revoke' | 'revoke-option';
  readonly database: string;
  readonly creator: string;
  readonly schema: string | undefined;
  readonly of: DefaultEntry['of'];
  readonly privileges: readonly Privilege[];
  readonly grantee: Grantee;
  readonly grantable: boolean;
}

/** The database a change must be made in; undefined for what belongs to the whole cluster. */
export function databaseOf(change: Change): string | undefined {
  return change.kind === 'setting' || !('database' in change) ? undefined : change.database;
}
