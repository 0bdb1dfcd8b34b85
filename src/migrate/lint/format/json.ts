import type { Finding } from '../finding.ts';

/** A finding as `--json` shows it: every key is there, null where there is nothing to say. */
export function findingJson(finding: Finding): Record<string, unknown> {
  const { statement, blocked, relation, lock, work, ...rest } = finding;
  return {
    ...rest,
    statement: statement ?? null,
    blocked: blocked ?? null,
    relation: relation ?? null,
    lock: lock ?? null,
    work: work ?? null,
  };
}
