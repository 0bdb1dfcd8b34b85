import type { Change } from './change.ts';
import { describeChange } from './describe.ts';
import { powersOf } from './powers.ts';
import { quoteIdentifier } from './quote.ts';
import { DATABASE_OWNER } from './predefined.ts';
import { isHeld, requirementsOf, type Requirement } from './requirements.ts';
import type { ClusterState, Membership, ObservedState } from './state.ts';
import { hasEdgeOptions } from './wanted-cluster.ts';

/**
 * Something that the role which plans may not do.
 *
 * A managed service can give its administrators more than the catalog says: this is what PostgreSQL itself would refuse.
 */
export interface Lack {
  /** `ADMIN OPTION on app_reader`, in words. */
  readonly what: string;
  /** What of the plan needs it, one line each. */
  readonly changes: readonly string[];
  /** What somebody who may has to run for it, as statements; empty where nothing but a superuser will do. */
  readonly sql: readonly string[];
}

/**
 * What of `changes` the role that plans may not do, each with the SQL that would allow it. `stuck` are memberships that only
 * their grantor can take away.
 *
 * On 15 and before rights over roles are all or nothing: there this asks for a superuser.
 */
export function findLacks(changes: readonly Change[], observed: ObservedState, stuck: readonly Membership[]): readonly Lack[] {
  const { cluster } = observed;
  if (cluster.isSuperuser) return [];
  const taken = stuck.map(stuckLack);
  if (changes.length === 0) return taken;
  if (!hasEdgeOptions(cluster.major)) {
    const what = `a superuser: on PostgreSQL ${cluster.major} CREATEROLE cannot be bounded, so dbadmin does not work with it`;
    return [{ what, changes: changes.map(lineOf), sql: [] }];
  }
  const lacking = missingRequirements(changes, observed).map(({ requirement, changes: needing }) => ({
    what: requirementText(requirement, cluster),
    changes: needing.map(lineOf),
    sql: requirementSql(requirement, cluster.currentRole, cluster),
  }));
  return [...lacking, ...taken];
}

/** A requirement that is not met, with the changes that need it. */
export interface MissingRequirement {
  readonly requirement: Requirement;
  readonly changes: readonly Change[];
}

/** What `changes` need and the role that plans has not; on 16 and later. */
export function missingRequirements(changes: readonly Change[], observed: ObservedState): readonly MissingRequirement[] {
  const created = new Set(changes.flatMap((change) => (change.kind === 'create-role' ? [change.role] : [])));
  const powers = powersOf(observed.cluster.currentRole, observed.cluster, created);
  const found = new Map<string, { readonly requirement: Requirement; readonly changes: Change[] }>();
  for (const change of changes) {
    for (const requirement of requirementsOf(change, observed, created)) {
      if (isHeld(requirement, powers, observed)) continue;
      const key = JSON.stringify([requirement.kind, ...subjectOf(requirement, observed.cluster)]);
      const listed = found.get(key) ?? { requirement, changes: [] };
      found.set(key, listed);
      listed.changes.push(change);
    }
  }
  return [...found.values()];
}

function lineOf(change: Change): string {
  const { subject, sign, text } = describeChange(change);
  return `${subject} ${sign} ${text}`;
}

function subjectOf(requirement: Requirement, cluster: ClusterState): readonly string[] {
  switch (requirement.kind) {
    case 'superuser':
      return [requirement.why];
    case 'attribute':
      return [requirement.attribute];
    case 'admin':
    case 'become':
      return [requirement.role];
    case 'has':
      // Membership helps with all that a role owns. What a superuser owns has to find another owner, each for itself.
      return isSuperuserRole(requirement.role, cluster) || requirement.role === DATABASE_OWNER
        ? [requirement.role, requirement.of, requirement.database ?? '']
        : [requirement.role];
    case 'create-in-database':
      return [requirement.database];
    case 'set-parameter':
      return [requirement.name];
  }
}

/** A requirement as people say it. */
export function requirementText(requirement: Requirement, cluster: ClusterState): string {
  switch (requirement.kind) {
    case 'superuser':
      return `a superuser: ${requirement.why}`;
    case 'attribute':
      return requirement.attribute.toUpperCase();
    case 'admin':
      return `ADMIN OPTION on ${requirement.role}`;
    case 'has':
      return isSuperuserRole(requirement.role, cluster)
        ? `another owner than ${requirement.role}, a superuser, for ${requirement.of}`
        : `the privileges of ${requirement.role}, for ${requirement.of}`;
    case 'become':
      return `SET ROLE to ${requirement.role}`;
    case 'create-in-database':
      return `CREATE on database ${requirement.database}`;
    case 'set-parameter':
      return `SET on parameter ${requirement.name}`;
  }
}

/** What gives `role` what is required, as a superuser would write it. */
export function requirementSql(requirement: Requirement, role: string, cluster: ClusterState): readonly string[] {
  const to = quoteIdentifier(role);
  switch (requirement.kind) {
    case 'superuser':
      return [];
    case 'attribute':
      return [`ALTER ROLE ${to} ${requirement.attribute.toUpperCase()}`];
    case 'admin':
      return [`GRANT ${quoteIdentifier(requirement.role)} TO ${to} WITH ADMIN TRUE`];
    case 'has':
      return hasSql(requirement, to, cluster);
    case 'become':
      return isSuperuserRole(requirement.role, cluster) ? [] : [`GRANT ${quoteIdentifier(requirement.role)} TO ${to} WITH SET TRUE`];
    case 'create-in-database':
      return [`GRANT CREATE ON DATABASE ${quoteIdentifier(requirement.database)} TO ${to}`];
    case 'set-parameter':
      return [`GRANT SET ON PARAMETER ${requirement.name.split('.').map(quoteIdentifier).join('.')} TO ${to}`];
  }
}

/** Nobody is made a member of a superuser: what a superuser owns has to find another owner, which for a database may be the tool. */
function hasSql(requirement: Extract<Requirement, { kind: 'has' }>, to: string, cluster: ClusterState): readonly string[] {
  const database = requirement.role === DATABASE_OWNER ? requirement.database : /^database (.+)$/s.exec(requirement.of)?.[1];
  if (requirement.role !== DATABASE_OWNER && !isSuperuserRole(requirement.role, cluster))
    return [`GRANT ${quoteIdentifier(requirement.role)} TO ${to} WITH INHERIT TRUE`];
  return database === undefined ? [] : [`ALTER DATABASE ${quoteIdentifier(database)} OWNER TO ${to}`];
}

function isSuperuserRole(role: string, cluster: ClusterState): boolean {
  return cluster.roles.get(role)?.attributes.superuser === true;
}

function stuckLack({ role, member, grantor }: Membership): Lack {
  return {
    what: `membership of ${member} in ${role}, which ${grantor} granted and the file does not want`,
    changes: [],
    sql: [`REVOKE ${quoteIdentifier(role)} FROM ${quoteIdentifier(member)} GRANTED BY ${quoteIdentifier(grantor)}`],
  };
}
