import type { ClusterState, Membership } from './state.ts';

/** What a role may do by its attributes and memberships, as PostgreSQL 16 and later see it. */
export interface Powers {
  readonly role: string;
  readonly isSuperuser: boolean;
  /** Has the privileges of `role` without SET ROLE: itself, or a member that inherits. */
  readonly has: (role: string) => boolean;
  /** May SET ROLE to it, or make it an owner. */
  readonly canBecome: (role: string) => boolean;
  /** The role that may grant memberships in `role` for it: itself, or one whose privileges it has; undefined when there is none. */
  readonly administratorOf: (role: string) => string | undefined;
}

/**
 * The powers of `name` in `cluster`, together with those it will have over roles that it makes itself: ADMIN OPTION from the
 * server, INHERIT and SET because createrole_self_grant is set in our sessions.
 */
export function powersOf(name: string, cluster: ClusterState, created: ReadonlySet<string>): Powers {
  const isSuperuser = cluster.roles.get(name)?.attributes.superuser ?? false;
  const inherits = closure(name, cluster.memberships, (edge) => edge.inherit);
  const sets = closure(name, cluster.memberships, (edge) => edge.set);
  const administrators = new Map<string, string>();
  for (const edge of cluster.memberships) {
    if (!edge.admin || !inherits.has(edge.member)) continue;
    const before = administrators.get(edge.role);
    // Itself first, then in the order of names, so that a plan does not change its mind.
    if (before === undefined || (before !== name && (edge.member === name || edge.member < before)))
      administrators.set(edge.role, edge.member);
  }
  return {
    role: name,
    isSuperuser,
    has: (role) => isSuperuser || inherits.has(role) || created.has(role),
    canBecome: (role) => isSuperuser || sets.has(role) || created.has(role),
    administratorOf: (role) => (isSuperuser || created.has(role) ? name : administrators.get(role)),
  };
}

/** `start` and the roles that it is a member of by edges that `follows` takes. */
function closure(start: string, memberships: readonly Membership[], follows: (edge: Membership) => boolean): ReadonlySet<string> {
  const byMember = new Map<string, string[]>();
  for (const edge of memberships) {
    if (!follows(edge)) continue;
    const listed = byMember.get(edge.member) ?? [];
    byMember.set(edge.member, listed);
    listed.push(edge.role);
  }
  const found = new Set([start]);
  for (const member of found) for (const role of byMember.get(member) ?? []) found.add(role);
  return found;
}
