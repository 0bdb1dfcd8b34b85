import type { RoleAttribute, SettingValue } from './document/document.ts';
import type { LifecycleChange } from './lifecycle-change.ts';
import type { GlobalKind, ObjectKind, Privilege } from './privileges.ts';
import type { DefaultEntry, Grantee } from './state.ts';

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
  | { readonly kind: 'own-database'; readonly database: string; readonly owner: string; readonly was: string }
  | OwnObjects
  | PrivilegeChange
  | DefaultChange
  | LifecycleChange;

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
  /** An instant as ISO 8601 in UTC at which the file ends it. */
  readonly until: string | undefined;
  /** The edge's options now, when it is there already. */
  readonly was: { readonly admin: boolean; readonly inherit: boolean; readonly set: boolean } | undefined;
  /** How many memberships its grantor's right to grant rests on, where that is any: higher goes later. */
  readonly depth?: number;
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
  /** When the file ended it, for an edge that is over. */
  readonly ended: string | undefined;
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

export interface OwnObjects {
  readonly kind: 'own-objects';
  readonly database: string;
  readonly of: ObjectKind;
  readonly schema: string;
  readonly names: readonly string[];
  readonly owner: string;
  readonly was: string;
  /**
   * Who owns the schema and lends the new owner CREATE there for the time of the statements: the server wants that of whoever a
   * role that is no superuser makes an owner. Undefined where it is not needed.
   */
  readonly lentBy?: string;
}

/** Objects that one statement names. */
export type ObjectSet =
  | { readonly kind: 'database' | 'schema' | 'tablespace' | 'parameter' | GlobalKind; readonly name: string }
  | { readonly kind: 'column'; readonly schema: string; readonly table: string; readonly columns: readonly string[] }
  | {
      readonly kind: ObjectKind;
      readonly schema: string;
      readonly names: readonly string[];
      /** The names are every object of the kind in the schema, so the statement can say ALL. */
      readonly all: boolean;
    };

/** What gives a role the privileges of another. */
export interface Detachment {
  readonly superuser: boolean;
  /** Up to 15: the role's INHERIT attribute. */
  readonly attribute: boolean;
  /** From 16 on: edges that inherit. */
  readonly edges: readonly { readonly role: string; readonly grantor: string }[];
}

export interface PrivilegeChange {
  readonly kind: 'privilege';
  readonly action: 'grant' | 'revoke' | 'revoke-option';
  /** Undefined for what databases share. */
  readonly database: string | undefined;
  readonly on: ObjectSet;
  readonly privileges: readonly Privilege[];
  readonly grantee: Grantee;
  /** Who gets or loses the same in the same statement. Only in what is sent, never in a plan. */
  readonly others?: readonly Grantee[];
  readonly grantable: boolean;
  /** Who is, or will be, written as the grantor. */
  readonly grantor: string;
  /** The role to become for it; undefined where acting as the owner is right. */
  readonly actAs: string | undefined;
  /** That role cannot look into the schema and is let in for the time of the statement. */
  readonly lendUsage?: boolean;
  /** That role has the owner's privileges, and would act as the owner: what gives them to it is set aside for the time of the statement. */
  readonly detached?: Detachment;
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
  /** Who gets or loses the same in the same statement. Only in what is sent, never in a plan. */
  readonly others?: readonly Grantee[];
  readonly grantable: boolean;
}

/** The database a change must be made in; undefined for what belongs to the whole cluster. */
export function databaseOf(change: Change): string | undefined {
  return change.kind === 'setting' || !('database' in change) ? undefined : change.database;
}
