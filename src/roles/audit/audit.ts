import type { AuditRule, Finding } from './finding.ts';
import { SEVERITIES } from './finding.ts';
import { ATTRIBUTE_RULES } from './rules/attributes.ts';
import { FOREIGN_RULES } from './rules/foreign.ts';
import { HOOK_RULES } from './rules/hooks.ts';
import { LOGIN_RULES } from './rules/logins.ts';
import { MEMBERSHIP_RULES } from './rules/memberships.ts';
import { ROUTINE_RULES } from './rules/routines.ts';
import { ROW_SECURITY_RULES } from './rules/row-security.ts';
import { SCHEMA_RULES } from './rules/schemas.ts';
import { SETTING_RULES } from './rules/settings.ts';
import { TABLE_RULES } from './rules/tables.ts';
import type { AuditState } from './state.ts';
import { AuditWorld } from './world.ts';

/** Every rule, by what it looks at. */
export const AUDIT_RULES: readonly AuditRule[] = [
  ...ATTRIBUTE_RULES,
  ...MEMBERSHIP_RULES,
  ...ROUTINE_RULES,
  ...HOOK_RULES,
  ...SCHEMA_RULES,
  ...TABLE_RULES,
  ...ROW_SECURITY_RULES,
  ...FOREIGN_RULES,
  ...SETTING_RULES,
  ...LOGIN_RULES,
];

/** What is to be found in a cluster, the gravest first; the order is always the same for the same state. */
export function audit(state: AuditState, now: Date): readonly Finding[] {
  const world = new AuditWorld(state, now);
  const found = AUDIT_RULES.flatMap((rule) => rule.find(world).map((each): Finding => ({ ...each, rule: rule.name })));
  const keyed = found.map((finding) => ({
    finding,
    rank: SEVERITIES.indexOf(finding.severity),
    text: JSON.stringify([finding.database ?? '', finding.rule, finding.subject, finding.sql]),
  }));
  return keyed.sort((left, right) => left.rank - right.rank || (left.text < right.text ? -1 : 1)).map(({ finding }) => finding);
}
