/** The documents of `dbadmin roles … --json`, as far as this screen shows them. */

export type Risk = 'SAFE' | 'WIDEN' | 'NARROW' | 'DESTROY';

export interface PlanDocument {
  readonly cluster: string;
  readonly server: number;
  readonly mode: string;
  readonly inSync: boolean;
  readonly changes: readonly PlannedChange[];
  readonly counts: Readonly<Record<'safe' | 'widen' | 'narrow' | 'destroy', number>>;
  readonly unmanaged: Readonly<
    Record<'roles' | 'undeclaredRoles' | 'databases' | 'schemas' | 'memberships' | 'privileges', readonly string[]>
  >;
  readonly notes: readonly string[];
  readonly lacks: readonly { readonly what: string; readonly sql: readonly string[] }[];
  /** Of `plan` alone: rules under never that are or would be broken, in sentences. */
  readonly never?: readonly string[];
}

export interface PlannedChange {
  readonly risk: Risk;
  readonly subject: string;
  readonly sign: string;
  readonly text: string;
  readonly remark: string;
  readonly database: string | null;
  readonly sql: readonly string[];
}

export interface CheckDocument extends PlanDocument {
  readonly findings: readonly CheckFinding[];
  readonly checked: { readonly never: number; readonly lint: number };
  readonly failed: boolean;
}

export interface CheckFinding {
  readonly kind: 'drift' | 'never' | 'lint';
  readonly rule: string;
  readonly severity: 'notice' | 'warning' | 'error';
  readonly file: string;
  readonly line: number;
  readonly message: string;
  readonly safe: string;
}

export const SEVERITIES = ['critical', 'high', 'medium', 'low'] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface AuditDocument {
  readonly databases: readonly string[];
  readonly findings: readonly AuditFinding[];
  readonly accepted: readonly (AuditFinding & { readonly reason: string; readonly until: string | null })[];
  readonly counts: Readonly<Record<Severity, number>>;
  readonly notes: readonly string[];
}

export interface AuditFinding {
  readonly rule: string;
  readonly severity: Severity;
  readonly subject: string;
  readonly database: string | null;
  readonly message: string;
  readonly evidence: readonly string[];
  readonly sql: readonly string[];
  readonly remark: string | null;
}

export type Verdict = 'yes' | 'set-role' | 'view' | 'routine' | 'admin' | 'no';

export interface WhoCanDocument {
  readonly cluster: string;
  readonly database: string;
  readonly at: string | null;
  readonly whatIf: string | null;
  readonly privilege: string;
  readonly object: { readonly kind: string; readonly schema: string | null; readonly name: string; readonly column: string | null };
  readonly answers: readonly (Partial<WhoCanAnswer> & { readonly role: string; readonly after?: WhoCanAnswer | null })[];
}

export interface WhoCanAnswer {
  readonly can: Verdict;
  readonly holds: boolean;
  readonly how: string | null;
  readonly ways: readonly Way[];
  readonly lacks: readonly string[];
  readonly remarks: readonly string[];
}

export interface Way {
  readonly kind: string;
  readonly text: string;
  readonly path: readonly Hop[];
  readonly cut: readonly string[];
}

export interface Hop {
  readonly by:
    | 'inherit'
    | 'set-role'
    | 'database-owner'
    | 'admin'
    | 'public'
    | 'grant'
    | 'owner'
    | 'superuser'
    | 'predefined'
    | 'view'
    | 'routine';
  readonly from: string;
  readonly to: string;
  readonly inherit?: boolean;
  readonly set?: boolean;
  readonly admin?: boolean;
  readonly grantors?: readonly string[];
  readonly privilege?: string;
  readonly column?: string;
  readonly grantor?: string;
  readonly grantable?: boolean;
}

export interface RoleAccessDocument {
  readonly cluster: string;
  readonly database: string;
  readonly at: string | null;
  readonly whatIf: string | null;
  readonly role: string;
  readonly superuser: readonly string[];
  readonly mayGrantItself: readonly string[];
  readonly access: readonly RoleAccessLine[];
  readonly after?: readonly RoleAccessLine[];
}

export interface RoleAccessLine {
  readonly setRole: string | null;
  readonly kind: string;
  readonly schema: string | null;
  readonly table: string | null;
  readonly names: readonly string[];
  readonly total: number;
  readonly privileges: readonly string[];
  readonly how: string;
  readonly usable: boolean;
}

export interface MatrixDocument {
  readonly cluster: string;
  readonly database: string;
  readonly whatIf: string | null;
  readonly databases: readonly string[];
  readonly letters: Readonly<Record<string, string>>;
  readonly roles: readonly MatrixRole[];
  readonly objects: readonly MatrixObjects[];
  readonly cells: readonly string[];
  readonly width: number;
  readonly rows: readonly string[];
}

export interface MatrixRole {
  readonly name: string;
  readonly kind: 'group' | 'login' | 'predefined';
  readonly superuser: boolean;
  readonly validUntil: string | null;
  readonly memberOf: readonly string[];
  readonly change: 'added' | 'dropped' | null;
}

export interface MatrixObjects {
  readonly kind: string;
  readonly schema: string | null;
  readonly owner: string;
  readonly rowSecurity: boolean;
  readonly names: readonly string[];
  readonly row: number;
  readonly after: number | null;
}

export interface GraphDocument {
  readonly roles: readonly {
    readonly name: string;
    readonly kind: 'login' | 'group' | 'predefined' | 'outside';
    readonly powers: readonly string[];
  }[];
  readonly memberships: readonly {
    readonly member: string;
    readonly role: string;
    readonly options: readonly string[];
    readonly until?: string;
  }[];
}

export interface HistoryDocument {
  readonly database: string;
  readonly runs: readonly HistoryRun[];
}

export interface HistoryRun {
  readonly run: number;
  readonly beganAt: string;
  readonly endedAt: string | null;
  readonly outcome: 'done' | 'failed' | 'running' | 'unfinished';
  readonly role: string;
  readonly address: string | null;
  readonly by: string;
  readonly tool: string;
  readonly file: string;
  readonly plan: string;
  readonly changes: number;
  readonly tookMs: number | null;
  readonly message: string | null;
  readonly statements?: readonly string[];
}
