import { matchesAny } from '../document/globs.ts';
import type { RolesDocument } from '../document/document.ts';
import type { GuardReport } from '../access/guard.ts';
import type { NeverDetour } from '../access/never-detours.ts';
import type { NeverRule } from '../document/never.ts';
import type { LintFinding } from './finding.ts';
import { LINT_RULES } from './rules.ts';

/**
 * What in a roles file is allowed and seldom meant, in the order of the file, with what was seen of its never rules. What `audit.accept` of the file names is left out, until its end.
 */
export function lintRoles(
  document: RolesDocument,
  { idle, detours }: Pick<GuardReport, 'idle' | 'detours'>,
  now: Date,
): readonly LintFinding[] {
  const found = LINT_RULES.flatMap((rule) =>
    rule.find(document, now).map((each) => ({ ...each, rule: rule.name, severity: rule.severity })),
  );
  return [...found, ...idle.map(idleFinding), ...detours.map(detourFinding)]
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

/** Of the cluster, too. */
export const NEVER_DETOUR = {
  name: 'never-detour',
  severity: 'warning',
  summary: 'a rule under never that holds, and a view through which the object is read all the same',
} as const;

function detourFinding({ rule, role, object, how, database, more }: NeverDetour): LintFinding {
  const others = more === 0 ? '' : ` and ${more} more`;
  return {
    rule: NEVER_DETOUR.name,
    severity: NEVER_DETOUR.severity,
    at: rule.at,
    subject: rule.text,
    message: `never "${rule.text}" holds, and yet ${role}${others} can read ${object} in ${database} ${how}`,
    safe: 'Make the view WITH (security_invoker = true), take SELECT on it away, or accept it under audit with a reason.',
  };
}

function isAccepted(document: RolesDocument, { rule, subject }: LintFinding, now: Date): boolean {
  return document.accepted.some(
    ({ finding, on, until }) => finding === rule && matchesAny(subject, [on]) && (until === undefined || until > now.toISOString()),
  );
}
