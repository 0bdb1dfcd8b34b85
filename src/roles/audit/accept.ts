import { DbadminError } from '../../base/errors.ts';
import type { AcceptedFinding } from '../document/accepted.ts';
import { matchesAny } from '../document/globs.ts';
import { NEVER_DETOUR, NEVER_IDLE } from '../lint/lint.ts';
import { LINT_RULES } from '../lint/rules.ts';
import { AUDIT_RULES } from './audit.ts';
import type { Finding } from './finding.ts';

export interface JudgedFindings {
  /** Those that count. */
  readonly open: readonly Finding[];
  /** Those that somebody accepted, with what they said. */
  readonly accepted: readonly { readonly finding: Finding; readonly reason: string; readonly until: string | undefined }[];
  /** What is wrong with the acceptances: over, or without anything that they are about. Sentences without a full stop. */
  readonly notes: readonly string[];
}

/** What `roles check` remarks on is accepted in the same list, and is nothing that an audit finds. */
const REMARKS: ReadonlySet<string> = new Set([...LINT_RULES, NEVER_IDLE, NEVER_DETOUR].map(({ name }) => name));

/**
 * Parts what counts from what `file` accepts; what it accepts of the remarks of `roles check` is no concern here.
 *
 * @throws {DbadminError} `roles-invalid` when it accepts a finding that there is no rule for.
 */
export function judge(findings: readonly Finding[], acceptances: readonly AcceptedFinding[], file: string, now: Date): JudgedFindings {
  refuseUnknown(acceptances, file);
  const ofAudit = acceptances.filter((each) => !REMARKS.has(each.finding));
  const isOver = ({ until }: AcceptedFinding): boolean => until !== undefined && Date.parse(until) <= now.getTime();
  const matches = (finding: Finding, each: AcceptedFinding): boolean =>
    each.finding === finding.rule &&
    (matchesAny(finding.subject, [each.on]) || matchesAny(`${finding.database ?? ''}.${finding.subject}`, [each.on]));
  const open: Finding[] = [];
  const accepted: JudgedFindings['accepted'][number][] = [];
  const used = new Set<AcceptedFinding>();
  for (const finding of findings) {
    const found = ofAudit.filter((each) => matches(finding, each));
    for (const each of found) used.add(each);
    const holds = found.find((each) => !isOver(each));
    if (holds === undefined) open.push(finding);
    else accepted.push({ finding, reason: holds.reason, until: holds.until });
  }
  const notes = ofAudit.flatMap((each) => {
    const where = `${file}:${each.at.line}: ${each.finding} on ${each.on}`;
    if (!used.has(each)) return [`${where} is accepted and there is no such finding: take the line out`];
    return isOver(each) ? [`${where} was accepted until ${each.until ?? ''}, which is over`] : [];
  });
  return { open, accepted, notes };
}

function refuseUnknown(acceptances: readonly AcceptedFinding[], file: string): void {
  const known = AUDIT_RULES.map((rule) => rule.name);
  const wrong = acceptances
    .filter(({ finding }) => !known.includes(finding) && !REMARKS.has(finding))
    .map(({ finding, at }) => `${file}:${at.line}:${at.column}: there is no finding "${finding}"`);
  if (wrong.length === 0) return;
  throw new DbadminError('roles-invalid', `${file} accepts findings that do not exist`, {
    detail: wrong.join('\n'),
    hint: `There are: ${known.join(', ')}.`,
  });
}
