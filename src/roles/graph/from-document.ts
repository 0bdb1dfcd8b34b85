import { ROLE_ATTRIBUTES, type AccessRule, type DeclaredDatabase, type DeclaredRole, type RolesDocument } from '../document/document.ts';
import { AccessWords, type GraphMembership, type GraphRole, type RoleGraph } from './graph.ts';

/** The graph that a roles file describes, without asking a server. */
export function graphOfDocument(document: RolesDocument): RoleGraph {
  const declared = [...document.roles.values()];
  const memberships = declared.flatMap((role) => role.memberOf.map((edge) => membershipOf(role, edge)));
  const access = new AccessWords();
  for (const database of document.databases.values()) addDatabase(access, database);
  const named = new Set(declared.map((role) => role.name));
  const others = [...memberships.map((edge) => edge.role), ...access.list().flatMap(({ role }) => role ?? [])].filter(
    (name) => !named.has(name),
  );
  const roles = [...declared.map(roleOf), ...[...new Set(others)].map(otherRole)];
  return {
    roles: roles.sort((left, right) => (left.name < right.name ? -1 : 1)),
    memberships: [...memberships].sort((left, right) => (edgeKey(left) < edgeKey(right) ? -1 : 1)),
    access: access.list(),
  };
}

function roleOf(role: DeclaredRole): GraphRole {
  const powers = ROLE_ATTRIBUTES.filter((attribute) => attribute !== 'inherit' && role.attributes[attribute]);
  return { name: role.name, kind: role.kind === 'group' ? 'group' : 'login', powers };
}

function otherRole(name: string): GraphRole {
  return { name, kind: name.startsWith('pg_') ? 'predefined' : 'outside', powers: [] };
}

function edgeKey(edge: GraphMembership): string {
  return JSON.stringify([edge.member, edge.role]);
}

function membershipOf(member: DeclaredRole, edge: DeclaredRole['memberOf'][number]): GraphMembership {
  const inherits = edge.inherit ?? member.attributes.inherit;
  const options = [
    ...(inherits ? [] : ['no inherit']),
    ...(edge.set ? [] : ['no set']),
    ...(edge.admin ? ['admin'] : []),
    ...(edge.until === undefined ? [] : [`until ${edge.until.slice(0, 10)}`]),
  ];
  return { member: member.name, role: edge.role, options, ...(edge.until === undefined ? {} : { until: edge.until }) };
}

function addDatabase(access: AccessWords, database: DeclaredDatabase): void {
  for (const role of database.connect) access.add(role, database.name, undefined, '', ['CONNECT']);
  for (const schema of database.schemas.values()) {
    if (schema.owner !== undefined) access.add(schema.owner, database.name, schema.name, '', ['owner']);
  }
  for (const rule of database.access) {
    for (const name of rule.to) addRule(access, database.name, rule, name === 'public' && rule.bare === true ? undefined : name);
  }
  for (const rule of database.columns) {
    const columns = rule.rule === 'deny' ? `all columns but ${rule.columns.join(', ')}` : `columns ${rule.columns.join(', ')}`;
    for (const role of rule.to) access.add(role, database.name, rule.on.schema, `${rule.on.name}, ${columns}`, wordsOf(rule.privileges));
  }
}

/** What everybody may do by itself with routines, types and languages would drown the rest. */
const BUILT_IN: readonly string[] = ['routine', 'type', 'language'];

function addRule(access: AccessWords, database: string, rule: AccessRule, role: string | undefined): void {
  const isPublic = role === undefined;
  if (rule.kind === 'future')
    return isPublic && BUILT_IN.includes(rule.of)
      ? undefined
      : access.add(role, database, rule.schema, `new ${rule.of}s`, wordsOf(rule.privileges));
  if (rule.kind === 'named') {
    const { on } = rule;
    if (isPublic && BUILT_IN.includes(on.kind)) return;
    const schema = 'schema' in on ? on.schema : on.kind === 'schema' ? on.name : undefined;
    const about = on.kind === 'database' ? '' : on.kind === 'schema' ? 'schema' : on.kind === 'table' ? on.name : `${on.kind} ${on.name}`;
    return access.add(role, database, schema, about, wordsOf(rule.privileges));
  }
  for (const schema of rule.schemas) {
    for (const part of rule.parts) {
      if (isPublic && BUILT_IN.includes(part.kind)) continue;
      const about =
        part.kind === 'schema' ? 'schema' : `${part.only ?? part.kind}s${rule.except.length === 0 ? '' : ` but ${rule.except.length}`}`;
      access.add(role, database, schema, about, wordsOf(part.privileges));
    }
  }
}

function wordsOf(privileges: readonly string[] | 'all'): readonly string[] {
  return privileges === 'all' ? ['ALL'] : privileges;
}
