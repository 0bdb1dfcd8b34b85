import type { AlterRole, Change, GrantMembership, RevokeMembership, RoleOptions } from './change.ts';
import type { Mode, PasswordRule, RolesDocument } from './document/document.ts';
import type { ManagedScope } from './scope.ts';
import { sameSetting } from './settings.ts';
import type { ClusterState, Membership, ObservedState, RoleState, StoredSetting } from './state.ts';
import { attributeDifferences, hasEdgeOptions, type WantedCluster, type WantedMembership, type WantedRole } from './wanted-cluster.ts';

/** The changes to roles, memberships, passwords and settings. */
export function planCluster(
  document: RolesDocument,
  observed: ObservedState,
  wanted: WantedCluster,
  scope: ManagedScope,
): readonly Change[] {
  return [
    ...[...wanted.roles.values()].flatMap((role) => planRole(role, observed.cluster.roles.get(role.name))),
    ...planMemberships(document.mode, observed.cluster, wanted.memberships, scope),
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
function planMemberships(mode: Mode, cluster: ClusterState, wanted: readonly WantedMembership[], scope: ManagedScope): readonly Change[] {
  const managed = cluster.memberships.filter((edge) => scope.role(edge.member));
  const kept = new Set<Membership>();
  const grants = wanted.flatMap((edge) => planEdge(edge, managed, cluster, kept));
  if (mode === 'add') return grants;
  const depth = edgeDepths(cluster);
  const revokes = managed
    .filter((edge) => !kept.has(edge) && canActAs(cluster, edge.grantor))
    .map((edge): RevokeMembership => ({
      kind: 'revoke-membership',
      role: edge.role,
      member: edge.member,
      grantor: hasEdgeOptions(cluster.major) ? edge.grantor : undefined,
      what: 'edge',
      depth: depth(edge),
    }));
  return [...revokes, ...grants];
}

function planEdge(
  wanted: WantedMembership,
  managed: readonly Membership[],
  cluster: ClusterState,
  kept: Set<Membership>,
): readonly Change[] {
  const candidates = managed.filter((edge) => edge.role === wanted.role && edge.member === wanted.member);
  const withOptions = hasEdgeOptions(cluster.major);
  const isSame = (edge: Membership): boolean =>
    edge.admin === wanted.admin && (!withOptions || (edge.inherit === wanted.inherit && edge.set === wanted.set));
  const canonical = candidates.find((edge) => !withOptions || edge.grantor === wanted.grantor);
  // Somebody else's edge that we cannot take away and that says the same is good enough.
  const found = canonical ?? candidates.find((edge) => !canActAs(cluster, edge.grantor) && isSame(edge));
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
  };
  const isOnlyAdmin = !withOptions || (found.inherit === wanted.inherit && found.set === wanted.set);
  return isOnlyAdmin ? [option] : [option, { ...change, was: { ...change.was, admin: false, inherit: found.inherit, set: found.set } }];
}

function canActAs(cluster: ClusterState, grantor: string): boolean {
  return cluster.isSuperuser || !hasEdgeOptions(cluster.major) || grantor === cluster.currentRole;
}

/** How many grants an edge rests on: what rests on others must go before them. */
function edgeDepths(cluster: ClusterState): (edge: Membership) => number {
  const depthOf = (edge: Membership, path: readonly Membership[]): number => {
    const below = cluster.memberships.filter(
      (other) => other.role === edge.role && other.member === edge.grantor && other.admin && !path.includes(other),
    );
    return below.length === 0 ? 0 : 1 + Math.min(...below.map((other) => depthOf(other, [...path, edge])));
  };
  return (edge) => depthOf(edge, [edge]);
}

function planSettings(document: RolesDocument, cluster: ClusterState, wanted: WantedCluster, scope: ManagedScope): readonly Change[] {
  const changes: Change[] = [];
  const stored = new Map(cluster.settings.map((setting) => [placeOf(setting), setting]));
  for (const setting of wanted.settings) {
    const found = stored.get(placeOf(setting));
    if (found !== undefined && sameSetting(setting.name, setting.value, found.value, cluster.settingTypes.get(setting.name))) continue;
    changes.push({ kind: 'setting', ...setting, was: found?.value });
  }
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

function placeOf(setting: StoredSetting): string {
  return JSON.stringify([setting.role, setting.database, setting.name]);
}

function planPasswords(document: RolesDocument, observed: ObservedState): readonly Change[] {
  return [...document.roles.values()].flatMap((declared): readonly Change[] => {
    const finding = observed.passwords.get(declared.name);
    if (declared.password.kind === 'unmanaged' || finding === undefined || finding === 'same') return [];
    const isNew = !observed.cluster.roles.has(declared.name);
    if (finding === 'unreadable' && !isNew) return [];
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
