import { DbadminError, messageOf, type ErrorCode } from '../base/errors.ts';

/** A failure as the API words it: the document that the command line prints with `--json`. */
export interface FailureDocument {
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly detail?: string | undefined;
    readonly hint?: string | undefined;
  };
}

export type FailureStatus = 400 | 401 | 403 | 404 | 409 | 500 | 503;

const STATUSES: Partial<Record<ErrorCode, FailureStatus>> = {
  usage: 400,
  'sign-in-needed': 401,
  'credentials-wrong': 403,
  refused: 403,
  'confirmation-missing': 403,
  'backup-missing': 404,
  'repository-missing': 404,
  locked: 409,
  'plan-stale': 409,
  interrupted: 503,
};

/** A failure for whoever asked, and the status to send it with. */
export function failureOf(error: unknown): { readonly status: FailureStatus; readonly document: FailureDocument } {
  const failure =
    error instanceof DbadminError
      ? error
      : new DbadminError('internal', messageOf(error), { hint: 'This is a defect of dbadmin: please report it with this text.' });
  const { code, message, detail, hint } = failure;
  return { status: STATUSES[code] ?? (failure.retryable ? 503 : 500), document: { error: { code, message, detail, hint } } };
}
