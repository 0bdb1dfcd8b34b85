import { ROLE_ATTRIBUTES } from '../document/document.ts';
import type { ClusterState, Membership } from '../state.ts';

/**
 * What `twin` lacks to stand in for `login`: attributes, memberships, settings. Empty when clients would notice nothing.
 * Privileges and objects of their own are another question: twins have none, they share a group.
 */
export function differencesOfTwins(cluster: ClusterState, login: string, twin: string): readonly string[] {
  const [left, right] = [cluster.roles.get(login), cluster.roles.get(twin)];
  if (left === undefined || right === undefined) return [`role ${left === undefined ? login : twin} does not exist`];
  const differences: string[] = [];
  if (!right.login) differences.push(`${twin} does not log in`);
  for (const attribute of ROLE_ATTRIBUTES) {
    if (left.attributes[attribute] !== right.attributes[attribute]) {
      differences.push(
        `${attribute} is ${onOff(left.attributes[attribute])} for ${login} and ${onOff(right.attributes[attribute])} for ${twin}`,
      );
    }
  }
  if (left.connectionLimit !== right.connectionLimit) {
    differences.push(
      `the connection limit of ${login} is ${limitText(left.connectionLimit)}, that of ${twin} ${limitText(right.connectionLimit)}`,
    );
  }
  if (left.validUntil !== right.validUntil) {
    differences.push(`${login} is valid until ${left.validUntil ?? 'any time'}, ${twin} until ${right.validUntil ?? 'any time'}`);
  }
  const wanted = membershipsOf(cluster, login);
  const found = membershipsOf(cluster, twin);
  for (const each of wanted) if (!found.includes(each)) differences.push(`${twin} is not a member of ${each}`);
  for (const each of found) if (!wanted.includes(each)) differences.push(`${twin} is a member of ${each}, and ${login} is not`);
  const settings = (role: string): readonly string[] =>
    cluster.settings
      .filter((setting) => setting.role === role)
      .map(({ name, value, database }) => `${name}=${JSON.stringify(value)}${database === undefined ? '' : ` in ${database}`}`)
      .sort();
  if (JSON.stringify(settings(login)) !== JSON.stringify(settings(twin))) differences.push('their settings differ');
  return differences;
}

function limitText(limit: number): string {
  return limit === -1 ? 'none' : String(limit);
}

function onOff(value: boolean): string {
  return value ? 'on' : 'off';
}

function membershipsOf(cluster: ClusterState, member: string): readonly string[] {
  const text = ({ role, inherit, set, admin }: Membership): string =>
    `${role}${inherit ? '' : ' without INHERIT'}${set ? '' : ' without SET'}${admin ? ' with ADMIN' : ''}`;
  return [...new Set(cluster.memberships.filter((edge) => edge.member === member).map(text))].sort();
}
