import type { Position } from '../document/document.ts';

export const SEVERITIES = ['notice', 'warning', 'error'] as const;
export type Severity = (typeof SEVERITIES)[number];

export function isAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
}

/** Something in a roles file that is allowed and seldom meant. */
export interface LintFinding {
  readonly rule: string;
  readonly severity: Severity;
  readonly at: Position;
  /** What it is about, as `accept` names it: a role, a profile, `database.schema`. */
  readonly subject: string;
  /** Lower case, no full stop. */
  readonly message: string;
  /** What to write instead; a sentence. */
  readonly safe: string;
}
