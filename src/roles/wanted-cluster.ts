import {
  ROLE_ATTRIBUTES,
  type DeclaredMembership,
  type DeclaredRole,
  type RoleAttribute,
  type RolesDocument,
} from './document/document.ts';
import { powersOf } from './powers.ts';
import { DATABASE_OWNER } from './predefined.ts';
import type { Refusals } from './refusal.ts';
import { isConnected } from './scope.ts';
import type { ClusterState } from './state.ts';
import { wantedSettings, type WantedSetting } from './wanted-settings.ts';

/** What the file says about everything that belongs to the whole cluster. */
export interface WantedCluster {
  readonly roles: ReadonlyMap<string, WantedRole>;
  readonly memberships: readonly WantedMembership[];
  /** When each membership that is over ended, by `edgeKey`. */
  readonly ended: ReadonlyMap<string, string>;
  readonly settings: readonly WantedSetting[];
}

export interface WantedRole {
  readonly name: string;
  readonly login: boolean;
  readonly attributes: Readonly<Record<RoleAttribute, boolean>>;
  readonly connectionLimit: number;
  readonly validUntil: string | undefined;
  readonly comment: string | undefined;
}

export interface WantedMembership {
  readonly role: string;
  readonly member: string;
  /** Undefined up to 15. */
  readonly grantor: string | undefined;
  readonly admin: boolean;
  readonly inherit: boolean;
  readonly set: boolean;
  /** An instant as ISO 8601 in UTC at which it ends. */
  readonly until: string | undefined;
}

/** The key of {@link WantedCluster.ended}. */
export function edgeKey(edge: { readonly role: string; readonly member: string }): string {
  return JSON.stringify([edge.role, edge.member]);
}

const FIRST_MAJOR_WITH_EDGE_OPTIONS = 16;

export function hasEdgeOptions(major: number): boolean {
  return major >= FIRST_MAJOR_WITH_EDGE_OPTIONS;
}

/** `now` decides which memberships are past their `until`. */
export function wantedCluster(document: RolesDocument, cluster: ClusterState, now: Date, refusals: Refusals): WantedCluster {
  const roles = new Map<string, WantedRole>();
  const memberships: WantedMembership[] = [];
  const ended = new Map<string, string>();
  const grantorOf = membershipGrantors(document, cluster);
  for (const declared of document.roles.values()) {
    checkRole(declared, cluster, refusals);
    const isOver = (edge: DeclaredMembership): boolean => edge.until !== undefined && edge.until <= now.toISOString();
    const edges = declared.memberOf.filter((edge) => !isOver(edge));
    for (const { role, until } of declared.memberOf.filter(isOver)) ended.set(edgeKey({ role, member: declared.name }), until ?? '');
    for (const edge of edges) checkEdge(edge, document, cluster, refusals);
    const attributes = { ...declared.attributes, inherit: wantedInherit(declared, edges, cluster, refusals) };
    roles.set(declared.name, {
      name: declared.name,
      login: declared.kind !== 'group',
      attributes,
      connectionLimit: declared.connectionLimit,
      validUntil: declared.validUntil,
      comment: declared.comment,
    });
    const grantor = (edge: DeclaredMembership): string | undefined =>
      hasEdgeOptions(cluster.major) ? (edge.grantedBy ?? grantorOf(edge.role)) : undefined;
    memberships.push(...edges.map((edge) => wantedMembership(edge, declared, attributes.inherit, grantor(edge))));
  }
  return { roles, memberships, ended, settings: wantedSettings(document) };
}

function checkRole(declared: DeclaredRole, cluster: ClusterState, refusals: Refusals): void {
  if (declared.name === cluster.bootstrapSuperuser)
    refusals.add(declared.at, `role "${declared.name}" is the bootstrap superuser: it is never managed`);
  else if (isConnected(declared.name, cluster))
    refusals.add(declared.at, `role "${declared.name}" is the one dbadmin connects as: it does not manage itself`);
}

function checkEdge(edge: DeclaredMembership, document: RolesDocument, cluster: ClusterState, refusals: Refusals): void {
  const exists = (name: string): boolean => cluster.roles.has(name) || document.roles.has(name);
  if (!exists(edge.role)) refusals.add(edge.at, `role "${edge.role}" does not exist on PostgreSQL ${cluster.major} and is not declared`);
  if (edge.role === DATABASE_OWNER) refusals.add(edge.at, `${DATABASE_OWNER} takes no members: in each database its owner is the only one`);
  if (edge.grantedBy === undefined) return;
  if (!hasEdgeOptions(cluster.major)) refusals.add(edge.at, 'granted_by of a membership needs PostgreSQL 16 or later');
  else if (!exists(edge.grantedBy)) refusals.add(edge.at, `granted_by: role "${edge.grantedBy}" does not exist and is not declared`);
}

/** Up to 15 the member's INHERIT attribute decides for all its edges, so they must agree. */
function wantedInherit(declared: DeclaredRole, edges: readonly DeclaredMembership[], cluster: ClusterState, refusals: Refusals): boolean {
  if (hasEdgeOptions(cluster.major)) return declared.attributes.inherit;
  const choices = new Set(edges.map((edge) => edge.inherit ?? declared.attributes.inherit));
  for (const edge of edges.filter((each) => !each.set)) refusals.add(edge.at, 'set: false needs PostgreSQL 16 or later');
  if (choices.size > 1) {
    refusals.add(declared.at, `role ${declared.name}: memberships that differ in inherit need PostgreSQL 16 or later`);
  }
  return [...choices][0] ?? declared.attributes.inherit;
}

function wantedMembership(edge: DeclaredMembership, member: DeclaredRole, inherit: boolean, grantor: string | undefined): WantedMembership {
  return {
    role: edge.role,
    member: member.name,
    grantor,
    admin: edge.admin,
    inherit: edge.inherit ?? inherit,
    set: edge.set,
    until: edge.until,
  };
}

/**
 * Who grants membership in a role: a superuser as the bootstrap superuser, which is what the server writes down for it, anybody
 * else as whoever has ADMIN OPTION there: itself, or a role whose privileges it has.
 */
function membershipGrantors(document: RolesDocument, cluster: ClusterState): (role: string) => string | undefined {
  if (!hasEdgeOptions(cluster.major)) return () => undefined;
  if (cluster.isSuperuser) return () => cluster.bootstrapSuperuser;
  const created = new Set([...document.roles.keys()].filter((name) => !cluster.roles.has(name)));
  const powers = powersOf(cluster.currentRole, cluster, created);
  return (role) => powers.administratorOf(role) ?? cluster.currentRole;
}

export function attributeDifferences(
  wanted: Readonly<Record<RoleAttribute, boolean>>,
  found: Readonly<Record<RoleAttribute, boolean>>,
): readonly RoleAttribute[] {
  return ROLE_ATTRIBUTES.filter((attribute) => wanted[attribute] !== found[attribute]);
}
