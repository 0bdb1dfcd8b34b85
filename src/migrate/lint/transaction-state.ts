import type { LockMode } from '../effects/lock-modes.ts';
import type { RelationName } from '../effects/relation-name.ts';

/** What statements of one transaction did, for the rules that look at several. Grows while the file is read. */
export interface TransactionState {
  /** Tables locked so that others wait, by key, in the order of the locks. */
  readonly locked: Map<string, RelationName>;
  /** Locks under which constraints were added NOT VALID, by `table.constraint`. */
  readonly unvalidated: Map<string, LockMode>;
  /** Columns that a CHECK (… IS NOT NULL) speaks of, by `table.constraint`; `validated` once it was. */
  readonly notNull: Map<string, { readonly table: string; readonly columns: readonly string[]; validated: boolean }>;
  /** Tables with a CHECK that was validated here. */
  readonly checked: Set<string>;
  /** Values added to enums that others made, each with its type. */
  readonly enumValues: Map<string, string>;
  /** Enums made here. */
  readonly enums: Set<string>;
  /** What is said once in a transaction and not again. */
  readonly said: Set<string>;
}

export function newTransactionState(): TransactionState {
  return {
    locked: new Map(),
    unvalidated: new Map(),
    notNull: new Map(),
    checked: new Set(),
    enumValues: new Map(),
    enums: new Set(),
    said: new Set(),
  };
}
