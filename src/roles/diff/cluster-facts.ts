import { ROLE_ATTRIBUTES, type SettingValue } from '../document/document.ts';
import type { ClusterState, Membership, RoleState } from '../state.ts';
import { hasEdgeOptions } from '../wanted-cluster.ts';
import { aclFacts } from './place-facts.ts';
import type { Fact } from './difference.ts';

/**
 * What belongs to a whole cluster: roles, memberships, settings of roles, tablespaces and parameters.
 *
 * The server's own roles are the same everywhere. Verifiers are salted, so equal passwords cannot be told from others: only
 * whether there is one, and of what kind, is compared, where both sides may be read.
 */
export function clusterFacts(cluster: ClusterState, comparesPasswords: boolean): readonly Fact[] {
  const own = [...cluster.roles.values()].filter((role) => !role.name.startsWith('pg_'));
  return [
    ...own.flatMap((role) => roleFacts(role, comparesPasswords)),
    ...cluster.memberships.filter((edge) => !edge.member.startsWith('pg_')).flatMap((edge) => membershipFacts(edge, cluster)),
    ...cluster.settings.flatMap(({ role, database, name, value }): readonly Fact[] =>
      database === undefined ? [settingFact(role ?? 'all roles', name, value)] : [],
    ),
    ...[...cluster.tablespaces].flatMap(([name, subject]) => aclFacts(`tablespace ${name}`, subject)),
    ...[...cluster.parameters].flatMap(([name, subject]) => aclFacts(`parameter ${name}`, subject)),
  ];
}

function roleFacts(role: RoleState, comparesPasswords: boolean): readonly Fact[] {
  const fact = (text: string, value: string): Fact => ({ section: 'roles', subject: role.name, text, value });
  const powers = ROLE_ATTRIBUTES.filter((attribute) => attribute !== 'inherit' && role.attributes[attribute]);
  return [
    fact('role', role.login ? 'logs in' : 'group'),
    fact('attributes', [...powers, ...(role.attributes.inherit ? [] : ['noinherit'])].join(', ') || 'none'),
    fact('connection limit', role.connectionLimit === -1 ? 'none' : String(role.connectionLimit)),
    fact('valid until', role.validUntil ?? 'no end'),
    fact('comment', role.comment ?? ''),
    ...(comparesPasswords ? [fact('password', passwordKind(role))] : []),
  ];
}

function passwordKind({ verifier }: RoleState): string {
  const text = verifier?.reveal();
  if (text === undefined) return 'none';
  return text.startsWith('SCRAM-SHA-256$') ? 'scram' : text.startsWith('md5') ? 'md5' : 'of another kind';
}

function membershipFacts(edge: Membership, cluster: ClusterState): readonly Fact[] {
  const withOptions = hasEdgeOptions(cluster.major);
  const options = [
    ...(edge.admin ? ['admin'] : []),
    ...(edge.inherit ? [] : ['no inherit']),
    ...(edge.set || !withOptions ? [] : ['no set']),
  ].join(', ');
  const isOurs = !withOptions || edge.grantor === cluster.bootstrapSuperuser;
  const by = isOurs ? '' : ` granted by ${edge.grantor}`;
  return [{ section: 'memberships', subject: edge.member, text: `member of ${edge.role}${by}`, value: options }];
}

/** A setting as people write it. */
export function settingFact(subject: string, name: string, value: SettingValue, place = ''): Fact {
  return { section: 'settings', subject, text: `${name}${place}`, value: typeof value === 'string' ? value : value.join(', ') };
}
