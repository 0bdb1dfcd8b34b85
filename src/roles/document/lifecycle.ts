import type { Position, QualifiedName } from './document.ts';

/** `retire:`: a role that is to go from the whole cluster, and what becomes of what it owns. */
export interface Retirement {
  readonly role: string;
  readonly at: Position;
  /** Who gets what it owns. Undefined: it may own nothing. */
  readonly reassignTo: string | undefined;
  /** Whether its sessions are ended; without it a session is a reason to refuse. */
  readonly terminate: boolean;
  /** An instant as ISO 8601 in UTC before which nothing is done to the role. */
  readonly after: string | undefined;
}

/** `row_security`: all that is to be said about the rows of one table. */
export interface DeclaredRowSecurity {
  readonly table: QualifiedName;
  readonly at: Position;
  readonly enable: boolean;
  /** Whether the owner is bound as well. */
  readonly force: boolean;
  /** All policies of the table; others are dropped, but in mode `add`. */
  readonly policies: readonly DeclaredPolicy[];
}

export const POLICY_COMMANDS = ['all', 'select', 'insert', 'update', 'delete'] as const;
export type PolicyCommand = (typeof POLICY_COMMANDS)[number];

/** A row security policy. */
export interface DeclaredPolicy {
  readonly name: string;
  readonly at: Position;
  readonly command: PolicyCommand;
  readonly restrictive: boolean;
  /** Undefined: everybody. */
  readonly to: readonly string[] | undefined;
  /** As written; names in it are looked up with an empty search_path. */
  readonly using: string | undefined;
  readonly check: string | undefined;
}
