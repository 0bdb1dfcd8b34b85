import { ROLE_ATTRIBUTES, type RoleAttribute, type RolesDocument } from './document/document.ts';
import { RECORD_SQL } from './apply-record.ts';
import { missingRequirements, requirementSql, requirementText } from './lacks.ts';
import { planRoles } from './plan.ts';
import { DATABASE_OWNER } from './predefined.ts';
import { powersOf } from './powers.ts';
import { quoteIdentifier, quoteLiteral } from './quote.ts';
import type { Requirement } from './requirements.ts';
import { managedScope } from './scope.ts';
import type { ObservedState } from './state.ts';

/** What a superuser runs once, so that `role` can apply a roles file. */
export interface Bootstrap {
  readonly statements: readonly BootstrapStatement[];
  /** What the role cannot do all the same, a sentence each without its stop. */
  readonly cannot: readonly string[];
}

export interface BootstrapStatement {
  readonly database: string;
  readonly sql: string;
  readonly why: string;
  /** Useful and not needed: printed as a comment. */
  readonly isOptional: boolean;
}

/** What keeps a password's statement out of the server's log and its statistics, loaded or not; only whoever may SET these can turn them off for it. */
const LOGGING = [
  'log_statement',
  'log_min_duration_statement',
  'log_min_duration_sample',
  'log_transaction_sample_rate',
  'log_min_error_statement',
  'track_activities',
  'pg_stat_statements.track_utility',
];

/**
 * The SQL for a role of dbadmin's own, least privileged, on 16 and later. `observed` was inspected for that role, whether it
 * is there yet or not: what it has already is left out.
 */
export function planBootstrap(document: RolesDocument, observed: ObservedState, now: Date): Bootstrap {
  const { cluster } = observed;
  const role = cluster.currentRole;
  const name = quoteIdentifier(role);
  const statements: BootstrapStatement[] = [];
  const add = (sql: string, why: string, database = document.maintenanceDatabase, isOptional = false): void => {
    if (!statements.some((each) => each.sql === sql && each.database === database)) statements.push({ database, sql, why, isOptional });
  };
  const missing = missingRequirements(planRoles(document, observed, now).changes, observed).map(({ requirement }) => requirement);
  addRole(document, observed, missing, add);
  for (const [other, options] of neededMemberships(document, observed, missing)) {
    add(`GRANT ${quoteIdentifier(other)} TO ${name} WITH ${options.grant}`, options.why);
  }
  for (const requirement of missing) {
    if (requirement.kind === 'admin' || requirement.kind === 'become' || requirement.kind === 'attribute') continue;
    if (
      requirement.kind === 'has' &&
      cluster.roles.get(requirement.role)?.attributes.superuser !== true &&
      requirement.role !== DATABASE_OWNER
    )
      continue;
    for (const sql of requirementSql(requirement, role, cluster)) add(sql, requirementText(requirement, cluster));
  }
  for (const database of new Set([document.maintenanceDatabase, ...document.databases.keys()])) {
    add(`GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO ${name}`, 'PUBLIC may not be let in');
  }
  addRecord(name, add);
  if (cluster.major >= 15) {
    add(
      `GRANT SET ON PARAMETER ${LOGGING.join(', ')} TO ${name}`,
      "keeps the verifiers of passwords out of the server's log",
      undefined,
      true,
    );
  }
  add(
    `GRANT SELECT (oid, rolname, rolpassword) ON pg_catalog.pg_authid TO ${name}`,
    'tells a changed password from the wanted one',
    undefined,
    true,
  );
  return { statements, cannot: cannotOf(observed, missing) };
}

type Add = (sql: string, why: string, database?: string, isOptional?: boolean) => void;

function addRole(document: RolesDocument, { cluster }: ObservedState, missing: readonly Requirement[], add: Add): void {
  const role = cluster.currentRole;
  const name = quoteIdentifier(role);
  const there = cluster.roles.get(role);
  const isDeclared = (attribute: RoleAttribute): boolean => [...document.roles.values()].some((each) => each.attributes[attribute]);
  const guarded = (['createdb', 'replication', 'bypassrls'] as const).filter(
    (attribute) => missing.some((each) => each.kind === 'attribute' && each.attribute === attribute) || isDeclared(attribute),
  );
  const wanted = ROLE_ATTRIBUTES.filter((each) => each === 'createrole' || guarded.some((other) => other === each));
  const lacking = wanted.filter((attribute) => there?.attributes[attribute] !== true).map((attribute) => attribute.toUpperCase());
  const given = guarded.filter(isDeclared);
  const why = [
    `makes roles${given.length === 0 ? '' : `, some of them ${given.join(', ')}: nobody gives away what he has not`}`,
    ...(guarded.includes('createdb') && !given.includes('createdb') ? ['CREATEDB lets it give a database another owner'] : []),
  ].join('; ');
  if (there === undefined) add(`CREATE ROLE ${name} LOGIN ${lacking.join(' ')}`, why);
  else if (lacking.length > 0) add(`ALTER ROLE ${name} ${lacking.join(' ')}`, why);
  add(`ALTER ROLE ${name} SET createrole_self_grant TO ${quoteLiteral('set, inherit')}`, 'may use the roles it makes: it acts as owners');
}

/** Memberships in roles that are there, with the options that are needed and not held. */
function neededMemberships(
  document: RolesDocument,
  observed: ObservedState,
  missing: readonly Requirement[],
): ReadonlyMap<string, { readonly grant: string; readonly why: string }> {
  const { cluster } = observed;
  const powers = powersOf(cluster.currentRole, cluster, new Set());
  const reasons = new Map<string, Map<'ADMIN' | 'INHERIT' | 'SET', string>>();
  const need = (role: string, option: 'ADMIN' | 'INHERIT' | 'SET', why: string): void => {
    const found = cluster.roles.get(role);
    if (found === undefined || found.attributes.superuser || role === cluster.currentRole || role === DATABASE_OWNER) return;
    const isHeld = { ADMIN: powers.administratorOf(role) !== undefined, INHERIT: powers.has(role), SET: powers.canBecome(role) }[option];
    if (isHeld) return;
    const listed = reasons.get(role) ?? new Map<'ADMIN' | 'INHERIT' | 'SET', string>();
    reasons.set(role, listed);
    if (!listed.has(option)) listed.set(option, why);
  };
  for (const { name, memberOf } of document.roles.values()) {
    need(name, 'ADMIN', 'changes it');
    for (const edge of memberOf) need(edge.role, 'ADMIN', `grants it to ${name}`);
  }
  for (const { role, reassignTo } of document.retire) {
    need(role, 'ADMIN', 'drops it');
    for (const each of reassignTo === undefined ? [role] : [role, reassignTo]) need(each, 'INHERIT', `gives away what ${role} owns`);
  }
  for (const database of document.databases.values()) {
    for (const { name, owner, creators } of database.schemas.values()) {
      for (const each of new Set([...(owner === undefined ? [] : [owner]), ...creators])) {
        need(each, 'INHERIT', `grants what it owns, and its default privileges, in schema ${name}`);
        need(each, 'SET', `makes schemas for it`);
      }
    }
  }
  for (const owner of foundOwners(document, observed)) need(owner, 'INHERIT', 'grants what it owns');
  for (const requirement of missing) {
    if (requirement.kind === 'admin') need(requirement.role, 'ADMIN', 'changes it');
    if (requirement.kind === 'has') need(requirement.role, 'INHERIT', `for ${requirement.of}`);
    if (requirement.kind === 'become') need(requirement.role, 'SET', 'acts as it');
  }
  return new Map(
    [...reasons].map(([role, options]) => {
      const word = (option: 'ADMIN' | 'INHERIT' | 'SET', isHeld: boolean): string =>
        `${option} ${options.has(option) || isHeld ? 'TRUE' : 'FALSE'}`;
      const grant = [
        word('ADMIN', powers.administratorOf(role) === cluster.currentRole),
        word('INHERIT', powers.has(role)),
        word('SET', powers.canBecome(role)),
      ].join(', ');
      return [role, { grant, why: [...new Set(options.values())].join('; ') }];
    }),
  );
}

/** Who owns what lies in scope, declared or not. */
function foundOwners(document: RolesDocument, observed: ObservedState): ReadonlySet<string> {
  const scope = managedScope(document, observed.cluster);
  const owners = new Set<string>();
  for (const [name, state] of observed.databases) {
    for (const [schema, { owner }] of state.schemas) if (scope.schema(name, schema)) owners.add(owner);
    for (const group of state.groups) if (scope.schema(name, group.schema) && group.extension === undefined) owners.add(group.owner);
    const owner = observed.cluster.databases.get(name)?.owner;
    if (owner !== undefined) owners.add(owner);
  }
  return owners;
}

/** The record of applies lies in a schema of the maintenance database. */
function addRecord(name: string, add: Add): void {
  for (const sql of RECORD_SQL) add(sql, 'keeps the record of applies, which the role adds to and cannot change');
  add(`GRANT USAGE ON SCHEMA dbadmin TO ${name}`, 'finds the record');
  add(`GRANT SELECT, INSERT ON TABLE dbadmin.roles_applied TO ${name}`, 'writes down its applies');
}

function cannotOf(observed: ObservedState, missing: readonly Requirement[]): readonly string[] {
  const { cluster } = observed;
  const found = missing
    .filter((requirement) => requirementSql(requirement, cluster.currentRole, cluster).length === 0)
    .map((requirement) => `this file needs ${requirementText(requirement, cluster)}`);
  return [
    ...found,
    'make a superuser, or change one',
    'grant privileges on parameters, on tablespaces and on what a superuser owns',
    'revoke memberships that a superuser granted (plan lists them with the SQL)',
    'see whether stored passwords are the wanted ones, unless it may read pg_authid',
  ];
}
