import { DbadminError, messageOf } from '../../base/errors.ts';

/** One thing that was tried. */
export interface Finding {
  readonly what: string;
  readonly state: 'ok' | 'note' | 'problem';
  readonly detail: string;
  /** The SQL, line or command that mends it. */
  readonly fix: string | undefined;
}

export function ok(what: string, detail: string): Finding {
  return { what, state: 'ok', detail, fix: undefined };
}

export function note(what: string, detail: string, fix?: string): Finding {
  return { what, state: 'note', detail, fix };
}

export function problem(what: string, detail: string, fix?: string): Finding {
  return { what, state: 'problem', detail, fix };
}

/** A failure as a finding: its message and detail, and its hint as the fix. */
export function failed(what: string, error: unknown): Finding {
  if (!(error instanceof DbadminError)) return problem(what, messageOf(error));
  return problem(what, error.detail === undefined ? error.message : `${error.message}. ${error.detail}`, error.hint);
}
