import { ROLE_ATTRIBUTES } from '../document/document.ts';
import type { ClusterState, Membership, RoleState, StoredSetting } from '../state.ts';
import { hasEdgeOptions } from '../wanted-cluster.ts';
import { byText } from './object-text.ts';
import type { ImportOptions } from './options.ts';
import { unlessEmpty, type Tree, type TreeMap } from './tree.ts';

export type RoleSections = Readonly<Record<'groups' | 'services' | 'humans', TreeMap>>;

/** `groups:`, `services:` and `humans:`. Passwords are not read: whoever has one keeps it. */
export function roleSections(cluster: ClusterState, options: ImportOptions): RoleSections {
  const sorted = [...cluster.roles.values()]
    .filter((role) => options.declares(role.name))
    .sort((left, right) => byText(left.name, right.name));
  const section = (belongs: (role: RoleState) => boolean): TreeMap =>
    Object.fromEntries(sorted.filter(belongs).map((role) => [role.name, roleTree(role, cluster, options)]));
  return {
    groups: section((role) => !role.login),
    services: section((role) => role.login && !options.isHuman(role.name)),
    humans: section((role) => role.login && options.isHuman(role.name)),
  };
}

function roleTree(role: RoleState, cluster: ClusterState, options: ImportOptions): TreeMap {
  const edges = cluster.memberships.filter((edge) => edge.member === role.name).sort((left, right) => byText(left.role, right.role));
  const settings = cluster.settings.filter((setting) => setting.role === role.name);
  const inDatabases = options.databases.flatMap((database) => {
    const listed = settingsTree(settings.filter((setting) => setting.database === database));
    return listed === undefined ? [] : [[database, listed] as const];
  });
  return {
    comment: role.comment,
    attributes: unlessEmpty(attributeWords(role)),
    member_of: unlessEmpty(edges.map((edge) => edgeTree(edge, role, cluster))),
    connection_limit: role.connectionLimit === -1 ? undefined : role.connectionLimit,
    valid_until: role.validUntil?.replace(/(?:T00:00:00)?\.000Z$/, (rest) => (rest.startsWith('T') ? '' : 'Z')),
    password: role.login && role.verifier !== undefined ? { from: 'keep' } : undefined,
    settings: settingsTree(settings.filter((setting) => setting.database === undefined)),
    settings_in: unlessEmpty(Object.fromEntries(inDatabases)),
  };
}

function attributeWords(role: RoleState): readonly string[] {
  return ROLE_ATTRIBUTES.filter((attribute) => role.attributes[attribute] !== (attribute === 'inherit')).map((attribute) =>
    attribute === 'inherit' ? 'noinherit' : attribute,
  );
}

/** The name alone where every option is what the file's default is; up to 15 the server keeps no other option than ADMIN. */
function edgeTree(edge: Membership, member: RoleState, cluster: ClusterState): Tree {
  const withOptions = hasEdgeOptions(cluster.major);
  const ourGrantor = cluster.isSuperuser ? cluster.bootstrapSuperuser : cluster.currentRole;
  const options = {
    admin: edge.admin ? true : undefined,
    inherit: withOptions && edge.inherit !== member.attributes.inherit ? edge.inherit : undefined,
    set: withOptions && !edge.set ? false : undefined,
    granted_by: withOptions && edge.grantor !== ourGrantor ? edge.grantor : undefined,
  };
  return unlessEmpty(options) === undefined ? edge.role : { role: edge.role, ...options };
}

/** Settings as `name: value`; a list as the server keeps it, element by element. */
export function settingsTree(settings: readonly StoredSetting[]): TreeMap | undefined {
  return unlessEmpty(
    Object.fromEntries([...settings].sort((left, right) => byText(left.name, right.name)).map(({ name, value }) => [name, value])),
  );
}
