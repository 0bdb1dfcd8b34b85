import type { AlterRole, Change, CreateRole, GrantMembership, OwnObjects, PrivilegeChange, RevokeMembership } from '../change.ts';
import { ROLE_ATTRIBUTES, type RoleAttribute } from '../document/document.ts';
import { isRole, type Membership } from '../state.ts';
import { changeAcl, ownerAcl, reownAcl, type AclStep } from './acl-change.ts';
import type { AccessDatabase, AccessEntry, AccessGraph, AccessGroup, AccessRole, ColumnAccess } from './graph.ts';
import { accessPrivileges } from './privilege-table.ts';

/**
 * The graph that `changes` would leave. Pure: what-if questions and never rules are answered before anything is sent.
 *
 * Default privileges change nothing that is there, and settings, comments, passwords and policies nothing that a graph holds.
 */
export function plannedAccess(graph: AccessGraph, changes: readonly Change[]): AccessGraph {
  const planned = new Planned(graph);
  for (const change of changes) planned.make(change);
  return planned.graph();
}

class Planned {
  readonly #graph: AccessGraph;
  readonly #roles: Map<string, AccessRole>;
  #memberships: readonly Membership[];
  #shared: readonly AccessGroup[];
  readonly #databases: Map<string, AccessDatabase>;

  constructor(graph: AccessGraph) {
    this.#graph = graph;
    this.#roles = new Map(graph.roles);
    this.#memberships = graph.memberships;
    this.#shared = graph.shared;
    this.#databases = new Map(graph.databases);
  }

  graph(): AccessGraph {
    return { ...this.#graph, roles: this.#roles, memberships: this.#memberships, shared: this.#shared, databases: this.#databases };
  }

  make(change: Change): void {
    switch (change.kind) {
      case 'create-role':
      case 'alter-role':
        return this.#role(change);
      case 'grant-membership':
        return this.#grantMembership(change);
      case 'revoke-membership':
        return this.#revokeMembership(change);
      case 'create-schema':
        return this.#addSchema(change.database, change.schema, change.owner);
      case 'own-schema':
        return this.#own(
          change.database,
          (group) => group.kind === 'schema' && group.names.includes(change.schema),
          [change.schema],
          change.owner,
        );
      case 'own-objects':
        return this.#ownObjects(change);
      case 'own-database':
        return this.#ownDatabase(change.database, change.owner);
      case 'privilege':
        return this.#privilege(change);
      case 'retire-login':
        return this.#role({ kind: 'alter-role', role: change.role, login: false, attributes: {}, was: { attributes: {} } });
      case 'retire-owned':
        return this.#disown(change.database, change.role, change.reassignTo);
      case 'drop-role':
        return this.#drop(change.role);
      case 'comment-role':
      case 'password':
      case 'setting':
      case 'default':
      case 'row-security':
      case 'create-policy':
      case 'alter-policy':
      case 'drop-policy':
      case 'retire-sessions':
        return undefined;
    }
  }

  #role(change: CreateRole | AlterRole): void {
    const before = this.#roles.get(change.role);
    const attributes: Record<RoleAttribute, boolean> = {
      ...(before?.attributes ?? {
        superuser: false,
        createdb: false,
        createrole: false,
        replication: false,
        bypassrls: false,
        inherit: true,
      }),
    };
    for (const each of ROLE_ATTRIBUTES) attributes[each] = change.attributes[each] ?? attributes[each];
    const validUntil = change.validUntil === undefined ? before?.validUntil : (change.validUntil ?? undefined);
    this.#roles.set(change.role, { name: change.role, login: change.login ?? before?.login ?? false, attributes, validUntil });
    // Up to 15 an edge has no option of its own: the member's attribute holds for all of them.
    if (this.#graph.major >= 16) return;
    this.#memberships = this.#memberships.map((edge) => (edge.member === change.role ? { ...edge, inherit: attributes.inherit } : edge));
  }

  #grantMembership(change: GrantMembership): void {
    const { role, member, admin } = change;
    const isSame = (edge: Membership): boolean =>
      edge.role === role && edge.member === member && (change.grantor === undefined || edge.grantor === change.grantor);
    const before = this.#memberships.find(isSame);
    const edge: Membership = {
      role,
      member,
      grantor: change.grantor ?? before?.grantor ?? '',
      admin,
      inherit: change.inherit ?? this.#roles.get(member)?.attributes.inherit ?? true,
      set: change.set ?? true,
    };
    this.#memberships = [...this.#memberships.filter((each) => !isSame(each)), edge];
  }

  #revokeMembership(change: RevokeMembership): void {
    this.#memberships = this.#memberships.flatMap((edge) => {
      const isMeant =
        edge.role === change.role && edge.member === change.member && (change.grantor === undefined || edge.grantor === change.grantor);
      if (!isMeant) return [edge];
      return change.what === 'admin' ? [{ ...edge, admin: false }] : [];
    });
  }

  #addSchema(database: string, name: string, owner: string): void {
    const acl = ownerAcl(owner, accessPrivileges('schema', this.#graph.major));
    this.#inside(database, (inside) => ({
      ...inside,
      groups: [...inside.groups, { kind: 'schema', schema: undefined, owner, acl, isCatalog: false, names: [name] }],
    }));
  }

  #inside(database: string, change: (inside: AccessDatabase) => AccessDatabase): void {
    const inside = this.#databases.get(database);
    if (inside !== undefined) this.#databases.set(database, change(inside));
  }

  #own(database: string, isMeant: (group: AccessGroup) => boolean, names: readonly string[], owner: string): void {
    this.#inside(database, (inside) => ({
      ...inside,
      groups: changeGroups(inside.groups, isMeant, new Set(names), (group) => ({ owner, acl: reownAcl(group.acl, group.owner, owner) })),
    }));
  }

  /** Views read, and routines act, as whoever owns them; a table takes its columns' privileges and sequences along. */
  #ownObjects({ database, of, schema, names, owner, was }: OwnObjects): void {
    const moved = new Set(names);
    this.#own(database, (group) => group.kind === of && group.schema === schema, names, owner);
    const isMoved = (each: { readonly schema: string; readonly name: string }): boolean => each.schema === schema && moved.has(each.name);
    this.#inside(database, (inside) => ({
      ...inside,
      columns:
        of !== 'table'
          ? inside.columns
          : inside.columns.map((each) =>
              isMoved({ schema: each.schema, name: each.table }) ? { ...each, acl: reownAcl(each.acl, was, owner) } : each,
            ),
      views: of === 'table' ? inside.views.map((view) => (isMoved(view) ? { ...view, owner } : view)) : inside.views,
      routines: of === 'routine' ? inside.routines.map((each) => (isMoved(each) ? { ...each, owner } : each)) : inside.routines,
    }));
    if (of !== 'table') return;
    for (const sequence of this.#databases.get(database)?.linkedSequences ?? []) {
      if (!isMoved(sequence.table)) continue;
      this.#own(database, (group) => group.kind === 'sequence' && group.schema === sequence.schema, [sequence.name], owner);
    }
  }

  #ownDatabase(name: string, owner: string): void {
    const isMeant = (group: AccessGroup): boolean => group.kind === 'database';
    this.#shared = changeGroups(this.#shared, isMeant, new Set([name]), (group) => ({
      owner,
      acl: reownAcl(group.acl, group.owner, owner),
    }));
    this.#inside(name, (inside) => ({ ...inside, owner }));
  }

  #privilege(change: PrivilegeChange): void {
    const { on, database } = change;
    if (on.kind === 'column') return this.#columnPrivilege(change, on);
    const names = new Set('names' in on ? on.names : [on.name]);
    const schema = 'schema' in on ? on.schema : undefined;
    const isMeant = (group: AccessGroup): boolean => group.kind === on.kind && group.schema === schema;
    const make = (group: AccessGroup): Pick<AccessGroup, 'acl' | 'owner'> => ({
      owner: group.owner,
      acl: changeAcl(group.acl, stepOn(change, group.owner)),
    });
    if (on.kind === 'database' || on.kind === 'tablespace' || on.kind === 'parameter') {
      if (on.kind === 'parameter') this.#addParameter(on.name);
      this.#shared = changeGroups(this.#shared, isMeant, names, make);
      return;
    }
    this.#inside(database ?? '', (inside) => {
      const groups = changeGroups(inside.groups, isMeant, names, make);
      const takesColumns = on.kind === 'table' && change.action !== 'grant';
      return { ...inside, groups, columns: takesColumns ? fromColumns(inside, change, on.schema, names) : inside.columns };
    });
  }

  /** The catalog holds a parameter only once somebody has a privilege on it; the bootstrap superuser owns them all. */
  #addParameter(name: string): void {
    if (this.#shared.some((group) => group.kind === 'parameter' && group.names.includes(name))) return;
    const owner = this.#shared.find((group) => group.kind === 'database' && group.names.includes('template1'))?.owner ?? 'postgres';
    const acl = ownerAcl(owner, accessPrivileges('parameter', this.#graph.major));
    this.#shared = [...this.#shared, { kind: 'parameter', schema: undefined, owner, acl, isCatalog: false, names: [name] }];
  }

  #columnPrivilege(change: PrivilegeChange, { schema, table, columns }: Extract<PrivilegeChange['on'], { kind: 'column' }>): void {
    this.#inside(change.database ?? '', (inside) => {
      const isMeant = (each: ColumnAccess): boolean => each.schema === schema && each.table === table && columns.includes(each.column);
      const missing = columns.filter((column) => !inside.columns.some((each) => isMeant(each) && each.column === column));
      const all = [...inside.columns, ...missing.map((column) => ({ schema, table, column, acl: [] }))];
      const step = stepOn(change, ownerOf(inside, schema, table) ?? change.grantor);
      return { ...inside, columns: all.map((each) => (isMeant(each) ? { ...each, acl: changeAcl(each.acl, step) } : each)) };
    });
  }

  /** REASSIGN OWNED and DROP OWNED: what the role owns finds an owner, and what it may in this database it may no more. */
  #disown(database: string, role: string, to: string | undefined): void {
    const without = (acl: readonly AccessEntry[]): readonly AccessEntry[] =>
      acl.filter((entry) => !isRole(entry.grantee, role) && entry.grantor !== role);
    const moved = (group: AccessGroup): AccessGroup => {
      if (group.owner === role && to !== undefined) return { ...group, owner: to, acl: reownAcl(group.acl, role, to) };
      return { ...group, acl: without(group.acl) };
    };
    this.#shared = this.#shared.map(moved);
    this.#inside(database, (inside) => ({
      ...inside,
      owner: inside.owner === role && to !== undefined ? to : inside.owner,
      groups: inside.groups.map(moved),
      columns: inside.columns.map((column) => ({ ...column, acl: without(column.acl) })),
      views: inside.views.map((view) => (view.owner === role && to !== undefined ? { ...view, owner: to } : view)),
      routines: inside.routines.map((routine) => (routine.owner === role && to !== undefined ? { ...routine, owner: to } : routine)),
    }));
  }

  #drop(role: string): void {
    this.#roles.delete(role);
    this.#memberships = this.#memberships.filter((edge) => edge.role !== role && edge.member !== role);
  }
}

/** Where nobody must be become, the server writes the owner as the grantor. */
function stepOn(change: PrivilegeChange, owner: string): AclStep {
  return { ...change, grantor: change.actAs ?? owner };
}

/** A REVOKE on a table takes the same from each of its columns. */
function fromColumns(inside: AccessDatabase, change: PrivilegeChange, schema: string, names: ReadonlySet<string>): readonly ColumnAccess[] {
  return inside.columns.map((column) => {
    if (column.schema !== schema || !names.has(column.table)) return column;
    return { ...column, acl: changeAcl(column.acl, stepOn(change, ownerOf(inside, schema, column.table) ?? change.grantor)) };
  });
}

function ownerOf(inside: AccessDatabase, schema: string, table: string): string | undefined {
  return inside.groups.find((group) => group.kind === 'table' && group.schema === schema && group.names.includes(table))?.owner;
}

/** Changes the objects `names` of the groups that are meant; a group that keeps others is split. */
function changeGroups(
  groups: readonly AccessGroup[],
  isMeant: (group: AccessGroup) => boolean,
  names: ReadonlySet<string>,
  change: (group: AccessGroup) => Pick<AccessGroup, 'acl' | 'owner'>,
): readonly AccessGroup[] {
  return groups.flatMap((group) => {
    if (!isMeant(group)) return [group];
    const changed = group.names.filter((name) => names.has(name));
    if (changed.length === 0) return [group];
    const after = { ...group, ...change(group), names: changed };
    if (changed.length === group.names.length) return [after];
    return [{ ...group, names: group.names.filter((name) => !names.has(name)) }, after];
  });
}
