import type { AlterRole, Change, GrantMembership, RevokeMembership, RoleOptions } from './change.ts';
import type { PasswordRule, RolesDocument } from './document/document.ts';
import { powersOf } from './powers.ts';
import type { ManagedScope } from './scope.ts';
import type { ClusterState, Membership, ObservedState, RoleState, StoredSetting } from './state.ts';
import {
  attributeDifferences,
  edgeKey,
  hasEdgeOptions,
  type WantedCluster,
  type WantedMembership,
  type WantedRole,
} from './wanted-cluster.ts';
import { differingSettings, placeOf } from './wanted-settings.ts';

/** The changes to roles, memberships, passwords and settings. */
export function planCluster(
  document: RolesDocument,
  observed: ObservedState,
  wanted: WantedCluster,
  scope: ManagedScope,
): readonly Change[] {
  return [
    ...[...wanted.roles.values()].flatMap((role) => planRole(role, observed.cluster.roles.get(role.name))),
    ...planMemberships(document, observed.cluster, wanted, scope),
    ...planSettings(document, observed.cluster, wanted, scope),
    ...planPasswords(document, observed),
  ];
}

function planRole(wanted: WantedRole, found: RoleState | undefined): readonly Change[] {
  const comment: readonly Change[] =
    wanted.comment === undefined || wanted.comment === (found?.comment ?? '')
      ? []
      : [{ kind: 'comment-role', role: wanted.name, comment: wanted.comment, was: found?.comment }];
  if (found === undefined) {
    const { name, login, attributes, connectionLimit, validUntil } = wanted;
    return [
      { kind: 'create-role', role: name, login, attributes, connectionLimit, ...(validUntil === undefined ? {} : { validUntil }) },
      ...comment,
    ];
  }
  const differing = attributeDifferences(wanted.attributes, found.attributes);
  const options = (from: WantedRole | RoleState): RoleOptions => ({
    ...(wanted.login === found.login ? {} : { login: from.login }),
    attributes: Object.fromEntries(differing.map((attribute) => [attribute, from.attributes[attribute]])),
    ...(wanted.connectionLimit === found.connectionLimit ? {} : { connectionLimit: from.connectionLimit }),
    ...(wanted.validUntil === found.validUntil ? {} : { validUntil: from.validUntil ?? null }),
  });
  const change: AlterRole = { kind: 'alter-role', role: wanted.name, ...options(wanted), was: options(found) };
  const isChanged =
    change.login !== undefined || differing.length > 0 || change.connectionLimit !== undefined || change.validUntil !== undefined;
  return isChanged ? [change, ...comment] : comment;
}

/**
 * Edges into roles in scope. Those whose member is the connected role are never looked at: on 16 and later each role it
 * creates leaves such an edge behind, and it needs them.
 */
function planMemberships(document: RolesDocument, cluster: ClusterState, wanted: WantedCluster, scope: ManagedScope): readonly Change[] {
  const managed = managedEdges(document, cluster, scope);
  const kept = new Set<Membership>();
  const mayTake = edgeAuthority(cluster);
  const grants = inTurn(
    wanted,
    cluster,
    wanted.memberships.flatMap((edge) => planEdge(edge, managed, cluster, kept, mayTake)),
  );
  if (document.mode === 'add') return grants;
  const depth = edgeDepths(cluster);
  const revokes = managed
    .filter((edge) => !kept.has(edge) && mayTake(edge))
    .map((edge): RevokeMembership => ({
      kind: 'revoke-membership',
      role: edge.role,
      member: edge.member,
      grantor: hasEdgeOptions(cluster.major) ? edge.grantor : undefined,
      what: 'edge',
      depth: depth(edge),
      ended: wanted.ended.get(edgeKey(edge)),
    }));
  return [...revokes, ...grants];
}

/** A grantor who is named must have been given the ADMIN option before. */
function inTurn(wanted: WantedCluster, cluster: ClusterState, changes: readonly Change[]): readonly Change[] {
  const edges = wanted.memberships.map((edge): Membership => ({ ...edge, grantor: edge.grantor ?? '' }));
  const depthOf = edgeDepths({ memberships: [...edges, ...cluster.memberships] });
  return changes.map((change) => {
    if (change.kind !== 'grant-membership' || change.grantor === undefined) return change;
    const { role, member, grantor, admin } = change;
    const depth = depthOf({ role, member, grantor, admin, inherit: true, set: true });
    return depth === 0 ? change : { ...change, depth };
  });
}

function managedEdges(document: RolesDocument, cluster: ClusterState, scope: ManagedScope): readonly Membership[] {
  return cluster.memberships.filter((edge) => scope.role(edge.member) && !isCreatorsEdge(document, cluster, edge));
}

/**
 * An edge that came with CREATE ROLE, of a role that the file does not speak of: whoever may create roles administers those
 * it made. The server grants ADMIN, createrole_self_grant the rest.
 */
export function isCreatorsEdge(document: RolesDocument, cluster: ClusterState, edge: Membership): boolean {
  if (!hasEdgeOptions(cluster.major) || document.roles.get(edge.member)?.attributes.createrole !== true) return false;
  if (document.roles.has(edge.role) || edge.role.startsWith('pg_')) return false;
  return edge.grantor === edge.member || (edge.grantor === cluster.bootstrapSuperuser && edge.admin && !edge.inherit && !edge.set);
}

/** Memberships that the file does not want, or not with these options, and that whoever plans cannot take away. */
export function stuckMemberships(
  document: RolesDocument,
  cluster: ClusterState,
  wanted: WantedCluster,
  scope: ManagedScope,
): readonly Membership[] {
  if (document.mode === 'add' || cluster.isSuperuser) return [];
  const mayTake = edgeAuthority(cluster);
  return managedEdges(document, cluster, scope).filter((edge) => {
    if (mayTake(edge)) return false;
    const want = wanted.memberships.find((each) => each.role === edge.role && each.member === edge.member);
    // Options of several edges add up: one that allows less does no harm.
    return want === undefined || (edge.admin && !want.admin) || (edge.inherit && !want.inherit) || (edge.set && !want.set);
  });
}

/** Whether an edge is ours to change: on 16 and later only as the one who granted it. */
function edgeAuthority(cluster: ClusterState): (edge: Membership) => boolean {
  if (cluster.isSuperuser || !hasEdgeOptions(cluster.major)) return () => true;
  const powers = powersOf(cluster.currentRole, cluster, new Set());
  return (edge) => powers.has(edge.grantor);
}

function planEdge(
  wanted: WantedMembership,
  managed: readonly Membership[],
  cluster: ClusterState,
  kept: Set<Membership>,
  mayTake: (edge: Membership) => boolean,
): readonly Change[] {
  const candidates = managed.filter((edge) => edge.role === wanted.role && edge.member === wanted.member);
  const withOptions = hasEdgeOptions(cluster.major);
  const isSame = (edge: Membership): boolean =>
    edge.admin === wanted.admin && (!withOptions || (edge.inherit === wanted.inherit && edge.set === wanted.set));
  const canonical = candidates.find((edge) => !withOptions || edge.grantor === wanted.grantor);
  // Somebody else's edge that we cannot take away and that says the same is good enough.
  const found = canonical ?? candidates.find((edge) => !mayTake(edge) && isSame(edge));
  if (found !== undefined) kept.add(found);
  if (found !== undefined && isSame(found)) return [];
  const change: GrantMembership = {
    kind: 'grant-membership',
    role: wanted.role,
    member: wanted.member,
    grantor: wanted.grantor,
    admin: wanted.admin,
    inherit: withOptions ? wanted.inherit : undefined,
    set: withOptions ? wanted.set : undefined,
    until: wanted.until,
    was: found === undefined ? undefined : { admin: found.admin, inherit: found.inherit, set: found.set },
  };
  if (found === undefined || !found.admin || wanted.admin) return [change];
  const option: RevokeMembership = {
    kind: 'revoke-membership',
    role: wanted.role,
    member: wanted.member,
    grantor: wanted.grantor,
    what: 'admin',
    depth: edgeDepths(cluster)(found),
    ended: undefined,
  };
  const isOnlyAdmin = !withOptions || (found.inherit === wanted.inherit && found.set === wanted.set);
  return isOnlyAdmin ? [option] : [option, { ...change, was: { ...change.was, admin: false, inherit: found.inherit, set: found.set } }];
}

/** How many grants an edge rests on: what rests on others must go before them. */
function edgeDepths(cluster: Pick<ClusterState, 'memberships'>): (edge: Membership) => number {
  const depthOf = (edge: Membership, path: readonly Membership[]): number => {
    const below = cluster.memberships.filter(
      (other) => other.role === edge.role && other.member === edge.grantor && other.admin && !path.includes(other),
    );
    return below.length === 0 ? 0 : 1 + Math.min(...below.map((other) => depthOf(other, [...path, edge])));
  };
  return (edge) => depthOf(edge, [edge]);
}

function planSettings(document: RolesDocument, cluster: ClusterState, wanted: WantedCluster, scope: ManagedScope): readonly Change[] {
  const changes = differingSettings(wanted.settings, cluster).map(({ at: _at, ...setting }): Change => ({ kind: 'setting', ...setting }));
  if (document.mode === 'add') return changes;
  const places = new Set(wanted.settings.map(placeOf));
  const isOurs = (setting: StoredSetting): boolean => {
    if (setting.database !== undefined && !scope.database(setting.database)) return false;
    if (setting.role !== undefined) return document.roles.has(setting.role);
    return setting.database !== undefined && document.databases.get(setting.database)?.settings !== undefined;
  };
  for (const setting of cluster.settings) {
    if (isOurs(setting) && !places.has(placeOf(setting)))
      changes.push({ kind: 'setting', ...setting, value: undefined, was: setting.value });
  }
  return changes;
}

function planPasswords(document: RolesDocument, observed: ObservedState): readonly Change[] {
  return [...document.roles.values()].flatMap((declared): readonly Change[] => {
    const finding = observed.passwords.get(declared.name);
    if (declared.password.kind === 'unmanaged' || finding === undefined || finding === 'same') return [];
    const isNew = !observed.cluster.roles.has(declared.name);
    // A source that fails is refused, see `planRoles`.
    if (typeof finding === 'object' || (finding === 'unreadable' && !isNew)) return [];
    const source = passwordSource(declared.password);
    if (declared.password.kind === 'none')
      return finding === 'differs' ? [{ kind: 'password', role: declared.name, action: 'remove', source }] : [];
    return [{ kind: 'password', role: declared.name, action: finding === 'to-generate' ? 'generate' : 'set', source }];
  });
}

/** Where a password comes from, in words; never the password. */
export function passwordSource(rule: PasswordRule): string {
  if (rule.kind === 'env') return `environment variable ${rule.name}`;
  if (rule.kind === 'command') return `command ${rule.argv[0] ?? ''}`;
  return rule.kind === 'file' || rule.kind === 'generate' ? `file ${rule.path}` : '';
}
