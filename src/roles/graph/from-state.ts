import { ROLE_ATTRIBUTES } from '../document/document.ts';
import { granteeText, type ClusterState, type Grantee, type Membership, type ObservedState, type RoleState } from '../state.ts';
import { hasEdgeOptions } from '../wanted-cluster.ts';
import { AccessWords, type GraphMembership, type GraphRole, type RoleGraph } from './graph.ts';

/** The graph of a cluster as it is. The server's own roles stand in it only where somebody is a member of them. */
export function graphOfState(observed: ObservedState): RoleGraph {
  const { cluster } = observed;
  const used = new Set(cluster.memberships.flatMap((edge) => (isPredefined(edge.member) ? [] : [edge.role])));
  const roles = [...cluster.roles.values()]
    .filter((role) => !isPredefined(role.name) || used.has(role.name))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
  const names = new Set(roles.map((role) => role.name));
  return {
    roles: roles.map(roleOf),
    memberships: mergeEdges(
      cluster,
      cluster.memberships.filter((edge) => names.has(edge.member) && names.has(edge.role)),
    ),
    access: accessOfState(observed),
  };
}

function isPredefined(name: string): boolean {
  return name.startsWith('pg_');
}

function roleOf(role: RoleState): GraphRole {
  const powers = ROLE_ATTRIBUTES.filter((attribute) => attribute !== 'inherit' && role.attributes[attribute]);
  return { name: role.name, kind: isPredefined(role.name) ? 'predefined' : role.login ? 'login' : 'group', powers };
}

/** From 16 on a membership may be there once for each grantor; a member has the most that one of them gives. */
function mergeEdges(cluster: ClusterState, edges: readonly Membership[]): readonly GraphMembership[] {
  const merged = new Map<string, Membership>();
  for (const edge of edges) {
    const key = JSON.stringify([edge.member, edge.role]);
    const before = merged.get(key);
    const [admin, inherit, set] = [
      edge.admin || before?.admin === true,
      edge.inherit || before?.inherit === true,
      edge.set || before?.set === true,
    ];
    merged.set(key, { ...edge, admin, inherit, set });
  }
  return [...merged]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([, edge]) => ({
      member: edge.member,
      role: edge.role,
      options: [
        ...(edge.inherit ? [] : ['no inherit']),
        ...(edge.set || !hasEdgeOptions(cluster.major) ? [] : ['no set']),
        ...(edge.admin ? ['admin'] : []),
      ],
    }));
}

function accessOfState(observed: ObservedState): RoleGraph['access'] {
  const words = new AccessWords();
  const nameOf = (grantee: Grantee): string | undefined => (grantee.kind === 'public' ? undefined : granteeText(grantee));
  for (const database of observed.databases.values()) {
    for (const { grantee, privilege } of observed.cluster.databases.get(database.name)?.acl ?? []) {
      words.add(nameOf(grantee), database.name, undefined, '', [privilege]);
    }
    for (const [schema, { owner, acl }] of database.schemas) {
      if (!isPredefined(owner)) words.add(owner, database.name, schema, '', ['owner']);
      for (const { grantee, privilege } of acl) words.add(nameOf(grantee), database.name, schema, 'schema', [privilege]);
    }
    const totals = new Map<string, number>();
    const held = new Map<
      string,
      { readonly grantee: Grantee; readonly privilege: string; readonly schema: string; readonly kind: string; count: number }
    >();
    for (const { schema, kind, acl, names, extension } of database.groups) {
      // What extensions brought, and what everybody may do with types and routines, would drown the rest.
      if (extension !== undefined) continue;
      totals.set(`${kind} ${schema}`, (totals.get(`${kind} ${schema}`) ?? 0) + names.length);
      for (const { grantee, privilege } of acl) {
        if (grantee.kind === 'public' && (kind === 'type' || kind === 'routine')) continue;
        const key = JSON.stringify([schema, kind, granteeText(grantee), grantee.kind, privilege]);
        const found = held.get(key) ?? { grantee, privilege, schema, kind, count: 0 };
        held.set(key, found);
        found.count += names.length;
      }
    }
    for (const { grantee, privilege, schema, kind, count } of held.values()) {
      const total = totals.get(`${kind} ${schema}`) ?? 0;
      words.add(nameOf(grantee), database.name, schema, count < total ? `some ${kind}s` : `${kind}s`, [privilege]);
    }
  }
  return words.list();
}
