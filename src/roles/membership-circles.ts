import type { RolesDocument } from './document/document.ts';
import { isCreatorsEdge } from './plan-cluster.ts';
import type { Refusals } from './refusal.ts';
import type { ManagedScope } from './scope.ts';
import type { ClusterState } from './state.ts';
import type { WantedCluster } from './wanted-cluster.ts';

/**
 * Refuses memberships that would close a circle with memberships that the file does not manage and so leaves as they are. A
 * circle within the file was refused when it was read.
 */
export function refuseCircles(
  document: RolesDocument,
  cluster: ClusterState,
  wanted: WantedCluster,
  scope: ManagedScope,
  refusals: Refusals,
): void {
  const isLeft = (edge: ClusterState['memberships'][number]): boolean =>
    document.mode === 'add' || !scope.role(edge.member) || isCreatorsEdge(document, cluster, edge);
  const rolesOf = new Map<string, string[]>();
  for (const { role, member } of [...cluster.memberships.filter(isLeft), ...wanted.memberships]) {
    const roles = rolesOf.get(member) ?? [];
    rolesOf.set(member, roles);
    roles.push(role);
  }
  for (const { name, memberOf } of document.roles.values()) {
    for (const edge of memberOf) {
      const path = pathBetween(rolesOf, edge.role, name);
      if (path === undefined) continue;
      const circle = [name, ...path].join(' → ');
      refusals.add(edge.at, `membership of ${name} in ${edge.role} would run in a circle: ${circle}, for memberships out of scope stay`);
    }
  }
}

/** The roles from `start` to `end`, both among them, each a member of the next; undefined when there is no such way. */
function pathBetween(rolesOf: ReadonlyMap<string, readonly string[]>, start: string, end: string): readonly string[] | undefined {
  const from = new Map<string, string | undefined>([[start, undefined]]);
  for (const [role] of from) {
    if (role === end) {
      const path: string[] = [];
      for (let step: string | undefined = role; step !== undefined; step = from.get(step)) path.unshift(step);
      return path;
    }
    for (const next of rolesOf.get(role) ?? []) if (!from.has(next)) from.set(next, role);
  }
  return undefined;
}
