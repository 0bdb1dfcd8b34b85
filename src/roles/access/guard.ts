import type { Change } from '../change.ts';
import type { NeverRule } from '../document/never.ts';
import { DbadminError } from '../../base/errors.ts';
import type { AccessGraph } from './graph.ts';
import { checkNever, type NeverViolation } from './never.ts';
import { findDetours, type NeverDetour } from './never-detours.ts';
import { plannedAccess } from './planned.ts';

/** A broken rule and when: `now` and not after the plan, `after` the plan and not now, or `both`. */
export interface BrokenRule extends NeverViolation {
  readonly when: 'now' | 'after' | 'both';
}

export interface GuardReport {
  readonly broken: readonly BrokenRule[];
  /** Rules about objects that no database has. */
  readonly idle: readonly NeverRule[];
  /** Ways around rules that hold, as they will be after the plan. */
  readonly detours: readonly NeverDetour[];
}

/** The rules held against the cluster as it is and as the plan would leave it. */
export function guardPlan(rules: readonly NeverRule[], graph: AccessGraph, changes: readonly Change[]): GuardReport {
  const planned = changes.length === 0 ? graph : plannedAccess(graph, changes);
  const now = checkNever(rules, graph);
  const after = changes.length === 0 ? now : checkNever(rules, planned);
  const [before, later] = [new Set(now.violations.map(keyOf)), new Set(after.violations.map(keyOf))];
  return {
    broken: [
      ...after.violations.map((each) => ({ ...each, when: before.has(keyOf(each)) ? ('both' as const) : ('after' as const) })),
      ...now.violations.filter((each) => !later.has(keyOf(each))).map((each) => ({ ...each, when: 'now' as const })),
    ],
    idle: after.idle,
    detours: findDetours(rules, planned),
  };
}

function keyOf({ rule, role, database }: NeverViolation): string {
  return JSON.stringify([rule.at, role, database]);
}

/** A broken rule in one line, with the place of the rule in `file`. */
export function brokenText(file: string, { rule, role, what, how, objects, when, database }: BrokenRule): string {
  const inside = database === undefined ? '' : ` in ${database}`;
  const more = objects > 1 ? ` and ${objects - 1} more` : '';
  const remark = { now: '; this plan ends it', after: '; this plan would do it', both: '' }[when];
  return `${file}:${rule.at.line}:${rule.at.column}: never "${rule.text}": ${role} ${what}${more}${inside}: ${how}${remark}`;
}

/**
 * Refuses a plan that breaks a rule which holds now. What is broken already and stays so is not the plan's doing.
 *
 * @throws {DbadminError} `never-broken` with every rule, role and way.
 */
export function refuseBroken(file: string, report: GuardReport): void {
  const caused = report.broken.filter(({ when }) => when === 'after');
  if (caused.length === 0) return;
  const rules = new Set(caused.map(({ rule }) => rule));
  throw new DbadminError('never-broken', `the plan would break ${rules.size === 1 ? 'a rule' : `${rules.size} rules`} under never`, {
    detail: caused.map((each) => brokenText(file, each)).join('\n'),
    hint: 'Nothing was changed. Correct what the file grants, or the rule if it is wrong.',
  });
}
