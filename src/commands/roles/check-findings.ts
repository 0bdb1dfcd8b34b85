import { printable } from '../../base/printable.ts';
import type { BrokenRule, GuardReport } from '../../roles/access/guard.ts';
import { describeChange } from '../../roles/describe.ts';
import type { RolesDocument } from '../../roles/document/document.ts';
import type { LintFinding, Severity } from '../../roles/lint/finding.ts';
import { NEVER_DETOUR, NEVER_IDLE } from '../../roles/lint/lint.ts';
import { LINT_RULES } from '../../roles/lint/rules.ts';
import type { RolesPlan } from '../../roles/plan.ts';

/** One thing that a check found, whatever kind of thing it is. */
export interface CheckFinding {
  readonly kind: 'drift' | 'never' | 'lint';
  /** `drift`, `never` or the name of the lint rule. */
  readonly rule: string;
  readonly severity: Severity;
  /** Counted from 1; drift is about the cluster and points to the top of the file. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** What to do or to write instead; a sentence. */
  readonly safe: string;
}

/** Something that was checked, found or not. */
export interface CheckCase {
  readonly suite: CheckFinding['kind'];
  readonly name: string;
  readonly findings: readonly CheckFinding[];
}

/** Every case of a check, so that a report can also say what was looked at and found well. */
export function checkCases(
  document: RolesDocument,
  plan: RolesPlan,
  guard: GuardReport,
  lint: readonly LintFinding[],
): readonly CheckCase[] {
  const drift = plan.changes.map(driftFinding);
  const none: CheckCase = { suite: 'drift', name: `the cluster is as ${document.file} says`, findings: [] };
  const rules = [...LINT_RULES, NEVER_IDLE, NEVER_DETOUR].map(({ name }) => name);
  return [
    ...(drift.length === 0 ? [none] : drift.map((finding) => ({ suite: 'drift' as const, name: finding.message, findings: [finding] }))),
    ...document.never.map((rule) => ({
      suite: 'never' as const,
      name: rule.text,
      findings: guard.broken.filter((each) => each.rule === rule).map(neverFinding),
    })),
    ...rules.map((name) => ({ suite: 'lint' as const, name, findings: lint.filter(({ rule }) => rule === name).map(lintFinding) })),
  ];
}

function driftFinding(change: RolesPlan['changes'][number]): CheckFinding {
  const { risk, subject, sign, text, remark } = describeChange(change);
  return {
    kind: 'drift',
    rule: 'drift',
    severity: 'error',
    line: 1,
    column: 1,
    message: `${risk.padEnd(7)} ${subject} ${sign} ${text}${remark === '' ? '' : `   ${remark}`}`,
    safe: 'Apply the file with dbadmin roles apply, or write into it what is there.',
  };
}

function neverFinding({ rule, role, what, how, objects, when, database }: BrokenRule): CheckFinding {
  const inside = database === undefined ? '' : ` in ${database}`;
  const more = objects > 1 ? ` and ${objects - 1} more` : '';
  const remark = { now: '; applying the file ends it', after: '; applying the file would do it', both: '' }[when];
  return {
    kind: 'never',
    rule: 'never',
    severity: 'error',
    line: rule.at.line,
    column: rule.at.column,
    message: printable(`${role} ${what}${more}${inside}: ${how}${remark}`),
    safe: `The file says: never "${printable(rule.text)}".`,
  };
}

function lintFinding({ rule, severity, at, message, safe }: LintFinding): CheckFinding {
  return { kind: 'lint', rule, severity, ...at, message: printable(message), safe };
}
