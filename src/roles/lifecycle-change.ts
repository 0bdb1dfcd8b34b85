import type { PolicyCommand } from './document/lifecycle.ts';

/** Steps about the rows of a table, and those that end a role. */
export type LifecycleChange = RowSecurityChange | RetireChange;

export type RowSecurityChange = SwitchRowSecurity | CreatePolicy | AlterPolicy | DropPolicy;

interface OnTable {
  readonly database: string;
  readonly schema: string;
  readonly table: string;
}

/** Only what differs. */
export interface SwitchRowSecurity extends OnTable {
  readonly kind: 'row-security';
  readonly enable?: boolean;
  readonly force?: boolean;
}

/** A policy as the file has it. `to` undefined is everybody. */
export interface PolicyText {
  readonly name: string;
  readonly command: PolicyCommand;
  readonly restrictive: boolean;
  readonly to: readonly string[] | undefined;
  readonly using: string | undefined;
  readonly check: string | undefined;
}

export interface CreatePolicy extends OnTable {
  readonly kind: 'create-policy';
  readonly policy: PolicyText;
}

export interface AlterPolicy extends OnTable {
  readonly kind: 'alter-policy';
  readonly policy: PolicyText;
  /** What differs, in words: `to`, `using`, `check`. */
  readonly differs: readonly string[];
  /** Why that could not be found out, where it could not: it is then set anew. */
  readonly doubt: string | undefined;
}

export interface DropPolicy extends OnTable {
  readonly kind: 'drop-policy';
  readonly name: string;
  readonly restrictive: boolean;
  /** It is made again at once: the server cannot alter what differs. */
  readonly isReplaced: boolean;
}

/**
 * The steps that end a role, each committed before the next: it can log in no more, its sessions are ended, in each database
 * what it owns finds a new owner and what it may is revoked, and it is dropped.
 */
export type RetireChange =
  | { readonly kind: 'retire-login' | 'drop-role'; readonly role: string; readonly because: 'retired' | 'not in the file' }
  | { readonly kind: 'retire-sessions'; readonly role: string }
  | RetireOwned;

export interface RetireOwned {
  readonly kind: 'retire-owned';
  readonly database: string;
  readonly role: string;
  readonly reassignTo: string | undefined;
  /** How many objects change their owner. */
  readonly owned: number;
  /** What goes with it, in words: `row policy p of core.play`, `SELECT on table core.play from ann`. */
  readonly loses: readonly string[];
}

/** So many objects one REASSIGN OWNED gives away; where there are more, relations go before it, in parts. */
export const REASSIGNED_AT_ONCE = 250;

/** Whether what the role owns is more than one transaction should lock. */
export function isReassignedInParts({ reassignTo, owned }: RetireOwned): boolean {
  return reassignTo !== undefined && owned > REASSIGNED_AT_ONCE;
}

const KINDS: ReadonlySet<string> = new Set<LifecycleChange['kind']>([
  'row-security',
  'create-policy',
  'alter-policy',
  'drop-policy',
  'retire-login',
  'retire-sessions',
  'retire-owned',
  'drop-role',
]);

export function isLifecycleChange<T extends { readonly kind: string }>(change: T): change is Extract<T, LifecycleChange> {
  return KINDS.has(change.kind);
}

/** In which phase of an apply a change belongs: 0 for all but the end of roles, which comes last and in this order. */
export function phaseOf(change: { readonly kind: string }): number {
  const phases: Readonly<Record<string, number>> = { 'retire-login': 1, 'retire-sessions': 2, 'retire-owned': 3, 'drop-role': 4 };
  return phases[change.kind] ?? 0;
}
