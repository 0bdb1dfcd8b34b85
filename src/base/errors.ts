/**
 * Every way in which dbadmin fails, with the exit status it gives and whether trying again can help.
 *
 * Codes are stable: scripts read them from `--json`. Add a line rather than reuse a code that almost fits.
 */
export const ERROR_CODES = {
  // Exit 1: failed.
  internal: { exit: 1, retry: false },
  'connection-failed': { exit: 1, retry: true },
  'query-failed': { exit: 1, retry: false },
  'privilege-missing': { exit: 1, retry: false },
  'server-unsupported': { exit: 1, retry: false },
  'file-unreadable': { exit: 1, retry: false },
  'file-unwritable': { exit: 1, retry: false },
  'program-missing': { exit: 1, retry: false },
  'program-failed': { exit: 1, retry: false },
  refused: { exit: 1, retry: false },
  'confirmation-missing': { exit: 1, retry: false },
  'config-invalid': { exit: 1, retry: false },
  'config-missing': { exit: 1, retry: false },
  'lsn-invalid': { exit: 1, retry: false },
  'wal-name-invalid': { exit: 1, retry: false },
  'wal-invalid': { exit: 1, retry: false },
  'wal-missing': { exit: 1, retry: false },
  'slot-invalidated': { exit: 1, retry: false },
  'wal-conflict': { exit: 1, retry: false },
  'protocol-violation': { exit: 1, retry: false },
  'storage-failed': { exit: 1, retry: true },
  'storage-full': { exit: 1, retry: false },
  'storage-read-only': { exit: 1, retry: false },
  'storage-unsupported': { exit: 1, retry: false },
  'storage-exists': { exit: 1, retry: false },
  'storage-missing': { exit: 1, retry: false },
  'storage-locked': { exit: 1, retry: true },
  'storage-denied': { exit: 12, retry: false },
  'repository-damaged': { exit: 1, retry: false },
  'repository-format': { exit: 1, retry: false },
  'backup-failed': { exit: 1, retry: true },
  'backup-missing': { exit: 1, retry: false },
  'target-unreachable': { exit: 1, retry: false },
  'restore-failed': { exit: 1, retry: false },
  'signature-invalid': { exit: 1, retry: false },
  'plan-stale': { exit: 1, retry: false },
  'not-converged': { exit: 1, retry: true },
  'migration-invalid': { exit: 1, retry: false },
  'migration-changed': { exit: 1, retry: false },
  'migration-failed': { exit: 1, retry: false },
  'migration-dangerous': { exit: 1, retry: false },
  'history-newer': { exit: 1, retry: false },
  'roles-invalid': { exit: 1, retry: false },
  'import-inexact': { exit: 1, retry: false },
  'never-broken': { exit: 1, retry: false },
  'policies-invalid': { exit: 1, retry: false },
  'load-failed': { exit: 1, retry: false },
  'evaluation-failed': { exit: 1, retry: false },
  'api-failed': { exit: 1, retry: true },
  'api-refused': { exit: 1, retry: false },
  // Exit 3: done in part.
  'partly-done': { exit: 3, retry: true },
  'pages-damaged': { exit: 3, retry: false },
  'repository-missing': { exit: 10, retry: false },
  locked: { exit: 11, retry: true },
  'credentials-wrong': { exit: 12, retry: false },
  'key-wrong': { exit: 12, retry: false },
  'sign-in-needed': { exit: 12, retry: false },
  usage: { exit: 64, retry: false },
  'time-invalid': { exit: 64, retry: false },
  interrupted: { exit: 130, retry: true },
} as const satisfies Record<string, { readonly exit: number; readonly retry: boolean }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** What a failure says beyond its message. `detail` and `hint` are sentences; `cause` is the error underneath. */
export interface ErrorParts {
  /** What was found, with names and values. Several lines are allowed. */
  readonly detail?: string | undefined;
  /** What the reader can do now. Several lines are allowed. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * The one error of the project.
 *
 * `message` follows PostgreSQL's style guide: lower case, no full stop, names the thing
 * ("WAL segment 0000…14 is not in the archive"). It never holds a secret or a stack.
 *
 * @see https://www.postgresql.org/docs/current/error-style-guide.html
 */
export class DbadminError extends Error {
  override readonly name = 'DbadminError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, parts: ErrorParts = {}) {
    super(message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = code;
    this.detail = parts.detail;
    this.hint = parts.hint;
  }

  /** The exit status this failure gives the command. */
  get exitStatus(): number {
    return ERROR_CODES[this.code].exit;
  }

  /** Whether the same command may succeed later without anybody changing anything. */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retry;
  }
}

/** Whether `error` is ours and, when `code` is given, has that code. */
export function isDbadminError(error: unknown, code?: ErrorCode): error is DbadminError {
  return error instanceof DbadminError && (code === undefined || error.code === code);
}

/** For what was thrown and is no {@link DbadminError}. */
export const DEFECT_HINT = 'This is a defect of dbadmin: please report it with the command and this text.';

/** The message of whatever was thrown, for use inside a `detail`. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A failure in one line: its message, and the first line of its detail where there is one. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof DbadminError)) return messageOf(error);
  const detail = error.detail?.split('\n', 1)[0];
  return detail === undefined || detail === '' ? error.message : `${error.message} (${detail.replace(/\.$/, '')})`;
}

/** The `code` of a Node.js or PostgreSQL error (`ENOENT`, `55P03`), or undefined. */
export function systemCodeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
