import type {
  AccessDatabase,
  AccessEntry,
  AccessGraph,
  AccessGroup,
  AccessPrivilege,
  AccessRole,
} from '../../../src/roles/access/graph.ts';
import { PUBLIC, role as grantee, type Membership } from '../../../src/roles/state.ts';

/** What differs from a plain role that logs in. */
export function aRole(name: string, attributes: Partial<AccessRole['attributes']> = {}, login = true): AccessRole {
  const plain = { superuser: false, createdb: false, createrole: false, replication: false, bypassrls: false, inherit: true };
  return { name, login, attributes: { ...plain, ...attributes }, validUntil: undefined };
}

export function anEdge(member: string, role: string, options: Partial<Membership> = {}): Membership {
  return { role, member, grantor: 'postgres', admin: false, inherit: true, set: true, ...options };
}

export function anEntry(to: string, privilege: AccessPrivilege, grantor = 'owner', grantable = false): AccessEntry {
  return { grantee: to === 'PUBLIC' ? PUBLIC : grantee(to), privilege, grantor, grantable };
}

/** Tables of schema core, owned by `owner`. */
export function someTables(names: readonly string[], acl: readonly AccessEntry[], options: Partial<AccessGroup> = {}): AccessGroup {
  return { kind: 'table', schema: 'core', owner: 'owner', acl, isCatalog: false, names, ...options };
}

export interface GraphParts {
  readonly major?: number;
  readonly roles: readonly AccessRole[];
  readonly memberships?: readonly Membership[];
  readonly groups?: readonly AccessGroup[];
  readonly database?: Partial<AccessDatabase>;
}

/** One database, music: schema core is open to everybody, and everybody may connect. */
export function aGraph({ major = 17, roles, memberships = [], groups = [], database = {} }: GraphParts): AccessGraph {
  const all = [aRole('postgres', { superuser: true }), aRole('owner', {}, false), ...roles];
  const schema: AccessGroup = {
    kind: 'schema',
    schema: undefined,
    owner: 'owner',
    acl: [anEntry('PUBLIC', 'USAGE')],
    isCatalog: false,
    names: ['core'],
  };
  const music: AccessGroup = {
    kind: 'database',
    schema: undefined,
    owner: 'owner',
    acl: [anEntry('PUBLIC', 'CONNECT')],
    isCatalog: false,
    names: ['music'],
  };
  const inside: AccessDatabase = {
    name: 'music',
    owner: 'owner',
    groups: [schema, ...groups],
    columns: [],
    routines: [],
    views: [],
    rowSecurity: [],
    linkedSequences: [],
    columnNames: new Map(),
    routineNames: new Map(),
    ...database,
  };
  return {
    major,
    roles: new Map(all.map((each) => [each.name, each])),
    memberships,
    shared: [music],
    freeParameters: new Set(),
    databases: new Map([['music', inside]]),
  };
}
