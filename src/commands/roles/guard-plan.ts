import { guardPlan, type GuardReport } from '../../roles/access/guard.ts';
import { inspectAccess } from '../../roles/access/inspect.ts';
import { neverNames } from '../../roles/access/never.ts';
import type { RolesPlan } from '../../roles/plan.ts';
import type { RolesProject } from './load-roles.ts';

/** Holds the never rules of the file against the cluster as it is and as the plan would leave it; asks nothing when there are none. */
export async function inspectGuard({ document, connection }: RolesProject, plan: RolesPlan): Promise<GuardReport> {
  if (document.never.length === 0) return { broken: [], idle: [], detours: [] };
  const rules = document.never;
  const named = rules.flatMap((rule) => (rule.kind === 'can' && rule.database !== undefined ? [rule.database] : []));
  const graph = await inspectAccess(
    { ...connection, database: document.maintenanceDatabase },
    [...document.databases.keys(), ...named],
    neverNames(rules),
  );
  return guardPlan(rules, graph, plan.changes);
}
