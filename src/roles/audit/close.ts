import { quoteName } from '../../postgres/quote.ts';
import type { AccessEntry, AccessGroup } from '../access/graph.ts';
import { granteeKey, type ClusterState, type Grantee, type Membership } from '../state.ts';

/** From this major on a membership may be there once per grantor, and grants can rest on one another. */
const FIRST_MAJOR_WITH_GRANTORS = 16;

/**
 * REVOKEs that take `entries` away from an object, whoever granted them.
 *
 * `object` is what follows ON. A superuser's REVOKE acts as the owner; an entry of another grantor goes only when that role
 * takes it back. What was granted on by a role that loses its own goes first, leaf by leaf, so that nothing needs CASCADE.
 * `column` is for privileges on one column: their list is the column's.
 */
export function revokeSql(
  object: string,
  group: Pick<AccessGroup, 'owner' | 'acl'>,
  entries: readonly AccessEntry[],
  column?: string,
): readonly string[] {
  const ordered: AccessEntry[] = [];
  for (const entry of entries) collectLeavesFirst(group, entry, ordered, []);
  const batches: { readonly grantee: Grantee; readonly grantor: string; readonly privileges: string[] }[] = [];
  for (const { grantee, grantor, privilege } of ordered) {
    const last = batches.at(-1);
    if (last !== undefined && last.grantor === grantor && granteeKey(last.grantee) === granteeKey(grantee)) last.privileges.push(privilege);
    else batches.push({ grantee, grantor, privileges: [privilege] });
  }
  return batches.flatMap(({ grantee, grantor, privileges }) => {
    const what = privileges.map((privilege) => (column === undefined ? privilege : `${privilege} (${quoteName(column)})`));
    const revoke = `REVOKE ${what.join(', ')} ON ${object} FROM ${granteeSql(grantee)}`;
    return grantor === group.owner ? [revoke] : [`SET ROLE ${quoteName(grantor)}`, revoke, 'RESET ROLE'];
  });
}

function collectLeavesFirst(
  group: Pick<AccessGroup, 'acl' | 'owner'>,
  entry: AccessEntry,
  ordered: AccessEntry[],
  path: readonly AccessEntry[],
): void {
  if (ordered.includes(entry) || path.includes(entry)) return;
  const { grantee, privilege, grantable } = entry;
  const keepsOption = group.acl.some(
    (other) => other !== entry && other.grantable && other.privilege === privilege && granteeKey(other.grantee) === granteeKey(grantee),
  );
  if (grantable && grantee.kind === 'role' && !keepsOption && grantee.name !== group.owner) {
    for (const other of group.acl) {
      if (other.privilege === privilege && other.grantor === grantee.name && other.grantor !== group.owner) {
        collectLeavesFirst(group, other, ordered, [...path, entry]);
      }
    }
  }
  ordered.push(entry);
}

/** REVOKEs that take a membership away, or its ADMIN option alone; memberships that rest on it go first. */
export function revokeMembershipSql(cluster: ClusterState, edge: Membership, what: 'edge' | 'admin'): readonly string[] {
  return membershipLeavesFirst(cluster, edge, [edge]).map((each) => {
    const option = each === edge && what === 'admin' ? 'ADMIN OPTION FOR ' : '';
    const by = cluster.major >= FIRST_MAJOR_WITH_GRANTORS ? ` GRANTED BY ${quoteName(each.grantor)}` : '';
    return `REVOKE ${option}${quoteName(each.role)} FROM ${quoteName(each.member)}${by}`;
  });
}

function membershipLeavesFirst(cluster: ClusterState, edge: Membership, path: readonly Membership[]): readonly Membership[] {
  const rests =
    edge.admin && cluster.major >= FIRST_MAJOR_WITH_GRANTORS && !isAdminOtherwise(cluster, edge)
      ? cluster.memberships.filter((other) => other.role === edge.role && other.grantor === edge.member && !path.includes(other))
      : [];
  return [...rests.flatMap((other) => membershipLeavesFirst(cluster, other, [...path, other])), edge];
}

function isAdminOtherwise(cluster: ClusterState, edge: Membership): boolean {
  if (cluster.bootstrapSuperuser === edge.member) return true;
  return cluster.memberships.some((other) => other !== edge && other.admin && other.role === edge.role && other.member === edge.member);
}

/** `"schema"."name"`. */
export function qualified(schema: string, name: string): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}

const NAMES_PER_STATEMENT = 1000;
const MOST_NAMED = 3;

/** What follows ON for these tables, in as many statements as a server that locks each of them can take. */
export function tablesSql(schema: string, names: readonly string[]): readonly string[] {
  const texts: string[] = [];
  for (let start = 0; start < names.length; start += NAMES_PER_STATEMENT) {
    const part = names.slice(start, start + NAMES_PER_STATEMENT);
    texts.push(`TABLE ${part.map((name) => qualified(schema, name)).join(', ')}`);
  }
  return texts;
}

/** `table core.play`, or `14 tables in core (a, b, c, …)`. */
export function tablesText(schema: string, names: readonly string[]): string {
  const [only] = names;
  if (names.length === 1 && only !== undefined) return `table ${schema}.${only}`;
  const shown = names.slice(0, MOST_NAMED).join(', ');
  return `${names.length} tables in ${schema} (${names.length > MOST_NAMED ? `${shown}, …` : shown})`;
}

/** `"schema".name(types)`: the server quoted the name of a routine together with its argument types. */
export function routineSql(routine: { readonly schema: string; readonly name: string }): string {
  return `${quoteName(routine.schema)}.${routine.name}`;
}

export function granteeSql(grantee: Grantee): string {
  return grantee.kind === 'public' ? 'PUBLIC' : quoteName(grantee.name);
}
