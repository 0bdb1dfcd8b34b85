import { matchesAny } from '../document/globs.ts';
import type { RolesDocument } from '../document/document.ts';
import type { NeverRule } from '../document/never.ts';
import type { LintFinding } from './finding.ts';
import { LINT_RULES } from './rules.ts';

/**
 * What in a roles file is allowed and seldom meant, in the order of the file. `idle` are never rules about objects that no
 * database has. What `audit.accept` of the file names is left out, until its end.
 */
export function lintRoles(document: RolesDocument, idle: readonly NeverRule[], now: Date): readonly LintFinding[] {
  const found = LINT_RULES.flatMap((rule) =>
    rule.find(document, now).map((each) => ({ ...each, rule: rule.name, severity: rule.severity })),
  );
  return [...found, ...idle.map(idleFinding)]
    .filter((finding) => !isAccepted(document, finding, now))
    .sort((left, right) => left.at.line - right.at.line || left.at.column - right.at.column || (left.rule < right.rule ? -1 : 1));
}

/** Of the cluster more than of the file, which is why it is none of {@link LINT_RULES}. */
export const NEVER_IDLE = {
  name: 'never-idle',
  severity: 'warning',
  summary: 'a rule under never about an object that is nowhere',
} as const;

function idleFinding(rule: NeverRule): LintFinding {
  return {
    rule: NEVER_IDLE.name,
    severity: NEVER_IDLE.severity,
    at: rule.at,
    subject: rule.text,
    message: `never "${rule.text}" guards nothing: no database has such an object`,
    safe: 'Correct the name, or take the rule out.',
  };
}

function isAccepted(document: RolesDocument, { rule, subject }: LintFinding, now: Date): boolean {
  return document.accepted.some(
    ({ finding, on, until }) => finding === rule && matchesAny(subject, [on]) && (until === undefined || until > now.toISOString()),
  );
}
