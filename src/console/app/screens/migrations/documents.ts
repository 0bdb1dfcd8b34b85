/** What `dbadmin migrate … --json` prints, as far as the screen shows it; names and meaning are those of docs/reference/json.md. */

export type Blocks = 'reads+writes' | 'writes' | 'nothing';
export type Severity = 'notice' | 'warning' | 'error';

export interface MigrateProblem {
  readonly code: string;
  readonly message: string;
  readonly detail: string | null;
  readonly hint: string | null;
}

export interface StatusDocument {
  readonly database: string;
  readonly migrations: readonly {
    readonly version: string;
    readonly file: string;
    readonly state: 'applied' | 'pending' | 'begun' | 'changed' | 'missing';
    readonly appliedAt: string | null;
    readonly appliedBy: string | null;
  }[];
  readonly counts: {
    readonly applied: number;
    readonly pending: number;
    readonly changed: number;
    readonly missing: number;
    readonly routines: number;
  };
  readonly problems: readonly MigrateProblem[];
  readonly warnings: readonly string[];
}

export interface Effect {
  readonly relation: string;
  readonly lock: string;
  readonly blocks: Blocks;
  readonly work: 'none' | 'scan' | 'build' | 'rewrite';
  readonly assumed: string | null;
  readonly isNew: boolean;
  readonly rows: number | null;
  readonly sizeBytes: number | null;
}

export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly statement: number | null;
  readonly message: string;
  readonly blocked: string | null;
  readonly why: string;
  readonly safe: string;
}

export interface PlannedStatement {
  readonly number: number;
  readonly line: number;
  readonly command: string;
  readonly object: string | null;
  readonly text: string;
  readonly done: boolean;
  readonly effects: readonly Effect[];
  readonly opaque: boolean;
  readonly expectedMs: number | null;
}

export interface PlannedFile {
  readonly version: string;
  readonly file: string;
  readonly path: string;
  readonly transaction: boolean;
  readonly sql: string;
  readonly statements: readonly PlannedStatement[];
}

export interface PlannedRoutine {
  readonly name: string;
  readonly path: string;
  readonly change: 'new' | 'changed';
  readonly sql: string;
  readonly diff: readonly string[];
  readonly effects: readonly Effect[];
  readonly drift: readonly { readonly signature: string; readonly kind: 'altered' | 'gone'; readonly diff: readonly string[] }[];
}

export interface ForecastBlock {
  readonly file: string;
  readonly table: string;
  readonly blocks: 'reads+writes' | 'writes';
  readonly lock: string;
  readonly statement: number;
  readonly line: number;
  readonly ms: number | null;
}

export interface PlanDocument {
  readonly database: string;
  readonly versioned: readonly PlannedFile[];
  readonly routines: readonly PlannedRoutine[];
  readonly findings: readonly Finding[];
  readonly forecast: {
    readonly source: 'rehearsal' | 'locks' | 'both';
    readonly rehearsedAt: string | null;
    readonly longestMs: number | null;
    readonly blocks: readonly ForecastBlock[];
    readonly sentence: string;
  } | null;
  readonly restorePoint: { readonly name: string } | { readonly obstacle: string } | null;
  readonly rehearsal: { readonly at: string; readonly backup: string; readonly moment: string } | null;
  readonly backup: { readonly label: string; readonly repository: string; readonly at: string; readonly provenAt: string | null } | null;
  readonly warnings: readonly string[];
}

export interface Block {
  readonly ms: number;
  readonly mode: string;
  readonly by: number;
  readonly longest: number;
}

export interface RehearsedStatement {
  readonly file: string;
  readonly number: number;
  readonly line: number;
  readonly command: string;
  readonly text: string;
  readonly tookMs: number;
  readonly walBytes: number;
  readonly rows: number | null;
  readonly rewrites: readonly { readonly relation: string; readonly kind: 'table' | 'index' | 'toast' }[];
}

export interface RehearsedFile {
  readonly kind: 'versioned' | 'routines';
  readonly version: string | null;
  readonly path: string;
  readonly applied: boolean;
  readonly tookMs: number;
  readonly walBytes: number;
  readonly commitMs: number;
  readonly statements: readonly RehearsedStatement[];
  readonly blocked: readonly { readonly table: string; readonly reads: Block | null; readonly writes: Block | null }[];
}

export interface RehearsalDocument {
  readonly at: string;
  readonly backup: string;
  readonly moment: string;
  readonly restoreMs: number;
  readonly files: readonly RehearsedFile[];
  readonly overLimit: readonly {
    readonly file: string;
    readonly table: string;
    readonly blocks: string;
    readonly blockedMs: number;
    readonly mode: string;
    readonly statement: { readonly file: string; readonly number: number; readonly line: number };
    readonly hint: string;
  }[];
  readonly warnings: readonly string[];
}

export interface HistoryDocument {
  readonly database: string;
  readonly total: number;
  readonly entries: readonly HistoryEntry[];
}

export interface HistoryEntry {
  readonly runId: string;
  readonly kind: 'versioned' | 'routine' | 'seed' | 'baseline' | 'repair' | 'down';
  readonly version: string | null;
  readonly name: string;
  readonly statement: number | null;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly tookMs: number | null;
  readonly attempts: number;
  readonly lockWaitMs: number;
  readonly appliedBy: string;
  readonly toolVersion: string;
  readonly gitCommit: string | null;
  readonly restorePoint: { readonly name: string; readonly lsn: string; readonly timeline: number | null } | null;
  readonly locks: readonly { readonly relation: string; readonly mode: string; readonly heldMs?: number }[];
  readonly reason: string | null;
}

export interface Tier {
  readonly possible: boolean;
  readonly why: readonly string[];
}

export interface RollbackDocument {
  readonly database: string;
  readonly versions: readonly {
    readonly version: string;
    readonly file: string;
    readonly appliedAt: string | null;
    readonly appliedBy: string;
  }[];
  readonly stays: string;
  readonly losses: readonly { readonly what: string; readonly by: string; readonly gone: boolean | null; readonly madeByRun: boolean }[];
  readonly unseen: readonly { readonly what: string; readonly by: string }[];
  readonly tiers: { readonly down: Tier; readonly rescue: Tier; readonly pitr: Tier } | null;
  /** `at`: when the restore point was set; null where point in time is no way, or what it loses was not counted. */
  readonly pitrLoss: { readonly at: string } | null;
}

export interface Difference {
  readonly change: 'added' | 'removed' | 'changed';
  readonly type: string;
  readonly name: string;
  readonly diff: readonly string[];
}

export interface VerifyDocument {
  readonly migrations: number;
  readonly routines: number;
  readonly major: number;
  readonly schemaFile: { readonly file: string; readonly differences: readonly Difference[] } | null;
  readonly live: { readonly database: string; readonly major: number; readonly differences: readonly Difference[] } | null;
}
