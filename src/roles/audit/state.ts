import type { AccessEntry, AccessGraph } from '../access/graph.ts';
import type { ClusterState, DefaultEntry } from '../state.ts';

/** What an audit looks at. */
export interface AuditState {
  readonly cluster: ClusterState;
  readonly access: AccessGraph;
  /** The server's `max_connections`. */
  readonly maxConnections: number;
  /** Where unqualified names are looked for when nothing else is set for the role or the database. */
  readonly searchPath: readonly string[];
  readonly hostRules: readonly HostRule[];
  readonly databases: ReadonlyMap<string, AuditedDatabase>;
  /** When logins were last seen; undefined when that was not asked. */
  readonly seen: SeenLogins | undefined;
  /** What could not be looked at, and why. Sentences without a full stop. */
  readonly notes: readonly string[];
}

/** Logins that the server's log, or its sessions, show since some moment. */
export interface SeenLogins {
  readonly since: Date;
  readonly logins: ReadonlySet<string>;
}

/** A line of pg_hba.conf. */
export interface HostRule {
  readonly file: string;
  readonly line: number;
  readonly type: string;
  readonly databases: readonly string[];
  readonly users: readonly string[];
  readonly address: string | undefined;
  readonly netmask: string | undefined;
  readonly method: string;
}

/** What of one database the access graph does not hold. */
export interface AuditedDatabase {
  readonly name: string;
  /** SECURITY DEFINER routines and those in languages that can do anything, without the server's and the extensions' own. */
  readonly routines: readonly AuditedRoutine[];
  /** Routines that run when somebody uses an object of another owner. */
  readonly hooks: readonly Hook[];
  readonly eventTriggers: readonly EventTrigger[];
  /** Languages marked as trusted that are not. */
  readonly languages: readonly string[];
  readonly userMappings: readonly UserMapping[];
  /** Tables that have row security or policies. */
  readonly securedTables: readonly SecuredTable[];
  /** Views that read a table with row security with their owner's privileges. */
  readonly securedViews: readonly SecuredView[];
  /** Default privileges that give to PUBLIC what the server would not. */
  readonly publicDefaults: readonly Pick<DefaultEntry, 'creator' | 'schema' | 'of' | 'privilege'>[];
  /** Relations that belong to an extension, by `relationKey`. */
  readonly extensionRelations: ReadonlySet<string>;
  /** Whether there are tables of users', beside those of dbadmin. */
  readonly hasTables: boolean;
}

export interface AuditedRoutine {
  readonly schema: string;
  /** Quoted, with its argument types. */
  readonly name: string;
  readonly owner: string;
  readonly language: string;
  readonly languageIsTrusted: boolean;
  readonly isDefiner: boolean;
  /** The schemas of its own `SET search_path`, in order; undefined when it has none. */
  readonly searchPath: readonly string[] | undefined;
  readonly acl: readonly AccessEntry[];
}

/** A routine that runs with the privileges of whoever uses `relation`. */
export interface Hook {
  readonly routineSchema: string;
  readonly routine: string;
  readonly routineOwner: string;
  /** `trigger`, `policy`, `default`, `constraint`, `view` or `index`. */
  readonly via: string;
  readonly relationSchema: string;
  readonly relation: string;
  readonly relationOwner: string;
}

export interface EventTrigger {
  readonly name: string;
  readonly owner: string;
  readonly routineSchema: string;
  readonly routine: string;
  readonly routineOwner: string;
}

/** How a role, or everybody, logs in at a foreign server. Options are undefined where they may not be read. */
export interface UserMapping {
  readonly server: string;
  /** Undefined for PUBLIC. */
  readonly user: string | undefined;
  readonly remoteUser: string | undefined;
  readonly host: string | undefined;
  readonly port: string | undefined;
}

export interface SecuredTable {
  readonly schema: string;
  readonly name: string;
  readonly owner: string;
  readonly enabled: boolean;
  readonly forced: boolean;
  readonly policies: readonly RowPolicy[];
}

export interface RowPolicy {
  readonly name: string;
  /** `ALL`, `SELECT`, `INSERT`, `UPDATE` or `DELETE`. */
  readonly command: string;
  readonly permissive: boolean;
  readonly forPublic: boolean;
  /** In the server's form; undefined where there is none. */
  readonly using: string | undefined;
  readonly check: string | undefined;
}

export interface SecuredView {
  readonly schema: string;
  readonly name: string;
  readonly owner: string;
  readonly materialized: boolean;
  readonly tableSchema: string;
  readonly table: string;
  readonly tableOwner: string;
  readonly tableForced: boolean;
}
