import type { PolicyCommand } from './document/lifecycle.ts';

/** Row security of the tables of one database that the file names. */
export interface DatabaseRowSecurity {
  /** By `relationKey`; absent where there is no such table. */
  readonly tables: ReadonlyMap<string, TableRowSecurity>;
  /** By `policyKey`, for each declared policy. */
  readonly findings: ReadonlyMap<string, ExpressionFinding>;
}

export interface TableRowSecurity {
  readonly schema: string;
  readonly name: string;
  readonly owner: string;
  readonly enabled: boolean;
  readonly forced: boolean;
  readonly policies: readonly PolicyState[];
}

export interface PolicyState {
  readonly name: string;
  readonly command: PolicyCommand;
  readonly restrictive: boolean;
  /** Sorted; undefined for everybody. */
  readonly to: readonly string[] | undefined;
  /** In the server's normal form. */
  readonly using: string | undefined;
  readonly check: string | undefined;
  readonly comment: string | undefined;
}

/** How the expressions of a declared policy compare with those of the policy of that name. */
export type ExpressionFinding =
  | { readonly kind: 'same' }
  | { readonly kind: 'differs'; readonly what: readonly ('using' | 'check')[] }
  /** There is no policy of the name; the server takes the expressions. */
  | { readonly kind: 'new' }
  /** The server was not asked, or could not say. */
  | { readonly kind: 'unknown'; readonly why: string }
  /** The server refuses them. */
  | { readonly kind: 'invalid'; readonly why: string };

/** The key of {@link DatabaseRowSecurity.findings}. */
export function policyKey(table: { readonly schema: string; readonly name: string }, policy: string): string {
  return JSON.stringify([table.schema, table.name, policy]);
}

/** What stands in the way of dropping a role that exists, all over the cluster. */
export interface RetiredRole {
  readonly role: string;
  readonly login: boolean;
  /** Sessions that logged in as it, at the time of the inspection. */
  readonly sessions: number;
  /** Databases where it owns or may something; what belongs to the cluster counts in the maintenance database. */
  readonly databases: readonly RetiredInDatabase[];
}

export interface RetiredInDatabase {
  readonly database: string;
  /** False for a database that takes no connections: nothing can be done there. */
  readonly open: boolean;
  readonly owned: number;
  /** Some of what it owns, as the server calls it: `table core.play`. */
  readonly examples: readonly string[];
  /** See `RetireOwned.loses`. */
  readonly loses: readonly string[];
}
