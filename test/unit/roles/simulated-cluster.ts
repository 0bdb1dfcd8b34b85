import { changeOwner } from '../../../src/roles/acl-difference.ts';
import type { Change, DefaultChange, PrivilegeChange } from '../../../src/roles/change.ts';
import { ROLE_ATTRIBUTES } from '../../../src/roles/document/document.ts';
import type { ObjectForm } from '../../../src/roles/object-forms.ts';
import type { ObjectKind } from '../../../src/roles/privileges.ts';
import {
  globalDefaultKey,
  granteeKey,
  isRole,
  PUBLIC,
  relationKey,
  routineKey,
  type AclEntry,
  type ClusterState,
  type DefaultEntry,
  type Membership,
  type ColumnGroup,
  type DatabaseState,
  type GlobalObject,
  type ObjectGroup,
  type ObservedState,
  type OwnedAcl,
  type RoleState,
  type StoredSetting,
} from '../../../src/roles/state.ts';

export interface SimulatedObject {
  readonly schema: string;
  readonly kind: ObjectKind;
  readonly form: ObjectForm;
  readonly name: string;
  owner: string;
  acl: readonly AclEntry[];
  /** A relation's columns with their own privileges. */
  columns: ReadonlyMap<string, readonly AclEntry[]>;
}

export type SimulatedGlobal = { -readonly [K in keyof GlobalObject]: GlobalObject[K] };

/** A cluster of values that changes are made to as PostgreSQL would make them: one database, `music`, on 17 as a superuser. */
export class SimulatedCluster {
  readonly roles = new Map<string, RoleState>();
  memberships: Membership[] = [];
  settings: StoredSetting[] = [];
  database: { owner: string; acl: readonly AclEntry[] } = { owner: 'postgres', acl: [] };
  readonly schemas = new Map<string, { owner: string; acl: readonly AclEntry[] }>();
  objects: SimulatedObject[] = [];
  globals: SimulatedGlobal[] = [];
  readonly tablespaces = new Map<string, OwnedAcl>();
  readonly parameters = new Map<string, OwnedAcl>();
  defaults: DefaultEntry[] = [];
  readonly globalDefaults = new Set<string>();

  make(change: Change): void {
    switch (change.kind) {
      case 'create-role':
        if (this.roles.has(change.role)) throw new Error(`role ${change.role} exists`);
        this.roles.set(change.role, {
          name: change.role,
          login: change.login ?? false,
          attributes: Object.fromEntries(
            ROLE_ATTRIBUTES.map((each) => [each, change.attributes[each] ?? each === 'inherit']),
          ) as RoleState['attributes'],
          connectionLimit: change.connectionLimit ?? -1,
          validUntil: change.validUntil ?? undefined,
          comment: undefined,
          verifier: undefined,
        });
        return;
      case 'alter-role': {
        const before = this.#role(change.role);
        this.roles.set(change.role, {
          ...before,
          login: change.login ?? before.login,
          attributes: { ...before.attributes, ...change.attributes },
          connectionLimit: change.connectionLimit ?? before.connectionLimit,
          validUntil: change.validUntil === undefined ? before.validUntil : (change.validUntil ?? undefined),
        });
        return;
      }
      case 'comment-role':
        this.roles.set(change.role, { ...this.#role(change.role), comment: change.comment });
        return;
      case 'grant-membership':
        this.#role(change.role);
        this.#role(change.member);
        this.memberships = this.memberships.filter((edge) => !isEdge(edge, change));
        this.memberships.push({
          role: change.role,
          member: change.member,
          grantor: change.grantor ?? 'postgres',
          admin: change.admin,
          inherit: change.inherit ?? true,
          set: change.set ?? true,
        });
        return;
      case 'revoke-membership': {
        const found = this.memberships.find((edge) => isEdge(edge, change));
        if (found === undefined) throw new Error('01006: no such edge');
        if (found.admin) this.#refuseDependentEdges(found);
        this.memberships = this.memberships.filter((edge) => edge !== found);
        if (change.what === 'admin') this.memberships.push({ ...found, admin: false });
        return;
      }
      case 'setting': {
        const { role, database, name, value } = change;
        this.settings = this.settings.filter((each) => each.role !== role || each.database !== database || each.name !== name);
        if (value !== undefined) this.settings.push({ role, database, name, value });
        return;
      }
      case 'create-schema':
        this.#role(change.owner);
        this.schemas.set(change.schema, { owner: change.owner, acl: [] });
        return;
      case 'own-schema': {
        const before = this.#schema(change.schema);
        this.schemas.set(change.schema, { owner: change.owner, acl: changeOwner(before.acl, before.owner, change.owner) });
        return;
      }
      case 'own-database':
        this.#role(change.owner);
        this.database = moved(this.database, change.owner);
        return;
      case 'own-objects':
        this.#role(change.owner);
        for (const object of this.objects) {
          if (object.schema !== change.schema || object.kind !== change.of || !change.names.includes(object.name)) continue;
          const { owner } = object;
          object.acl = changeOwner(object.acl, owner, change.owner);
          object.columns = new Map([...object.columns].map(([column, acl]) => [column, changeOwner(acl, owner, change.owner)]));
          object.owner = change.owner;
        }
        return;
      case 'privilege':
        this.#privilege(change);
        return;
      case 'default':
        this.#default(change);
        return;
      case 'password':
      case 'row-security':
      case 'create-policy':
      case 'alter-policy':
      case 'drop-policy':
      case 'retire-login':
      case 'retire-sessions':
      case 'retire-owned':
      case 'drop-role':
        throw new Error(`a change of kind ${change.kind} is not simulated`);
    }
  }

  observe(): ObservedState {
    const cluster: ClusterState = {
      major: 17,
      systemIdentifier: '1',
      currentRole: 'postgres',
      sessionRole: 'postgres',
      isSuperuser: true,
      isStandby: false,
      canReadPasswords: true,
      bootstrapSuperuser: 'postgres',
      roles: this.roles,
      memberships: this.memberships,
      settings: this.settings,
      databases: new Map([['music', this.database]]),
      tablespaces: this.tablespaces,
      parameters: this.parameters,
      settingTypes: new Map([['log_statement', { vartype: 'enum', unit: undefined, needsGrant: false }]]),
    };
    const routine = (name: string, argumentTypes: string): [string, string] => [
      routineKey({ schema: 'core', name, argumentTypes }),
      `${name}(${argumentTypes})`,
    ];
    const relations = this.objects.filter((object) => object.kind === 'table');
    const state: DatabaseState = {
      name: 'music',
      schemas: this.schemas,
      groups: this.#groups(),
      columns: relations.flatMap(columnGroups),
      relationColumns: new Map(relations.map((relation) => [relationKey(relation), [...relation.columns.keys()]])),
      globals: this.globals,
      defaults: this.defaults,
      globalDefaults: this.globalDefaults,
      other: [],
      routines: new Map([routine('f', 'integer, text'), routine('p', '')]),
    };
    return {
      cluster,
      databases: new Map([['music', state]]),
      rowSecurity: new Map(),
      retired: new Map(),
      passwords: new Map(),
      refusedSettings: new Map(),
    };
  }

  #groups(): readonly ObjectGroup[] {
    const groups = new Map<string, ObjectGroup & { readonly names: string[] }>();
    for (const { schema, kind, form, name, owner, acl } of this.objects) {
      const key = JSON.stringify([schema, form, owner, acl]);
      const group = groups.get(key) ?? { schema, kind, form, linked: false, owner, acl, extension: undefined, names: [] };
      groups.set(key, group);
      group.names.push(name);
    }
    return [...groups.values()];
  }

  #role(name: string): RoleState {
    const found = this.roles.get(name);
    if (found === undefined) throw new Error(`role ${name} does not exist`);
    return found;
  }

  #schema(name: string): { owner: string; acl: readonly AclEntry[] } {
    const found = this.schemas.get(name);
    if (found === undefined) throw new Error(`schema ${name} does not exist`);
    return found;
  }

  #refuseDependentEdges(edge: Membership): void {
    const others = this.memberships.filter(
      (other) => other !== edge && other.role === edge.role && other.member === edge.member && other.admin,
    );
    if (others.length === 0 && this.memberships.some((other) => other.role === edge.role && other.grantor === edge.member)) {
      throw new Error('2BP01: dependent privileges exist');
    }
  }

  #privilege(change: PrivilegeChange): void {
    const { on } = change;
    if (change.grantee.kind === 'role') this.#role(change.grantee.name);
    const acting = (owner: string): string =>
      change.detached === undefined && this.#inherits(change.actAs, owner) ? owner : (change.actAs ?? owner);
    const changed = (subject: OwnedAcl): OwnedAcl => ({ ...subject, acl: changeAcl(subject, change, acting(subject.owner)) });
    if (on.kind === 'database') this.database = { ...this.database, ...changed(this.database) };
    else if (on.kind === 'schema') this.schemas.set(on.name, { ...this.#schema(on.name), ...changed(this.#schema(on.name)) });
    else if (on.kind === 'tablespace') this.tablespaces.set(on.name, changed(this.#one(this.tablespaces, on.name)));
    else if (on.kind === 'parameter') {
      this.parameters.set(on.name, changed(this.parameters.get(on.name) ?? { owner: 'postgres', acl: [] }));
    } else if ('name' in on) {
      for (const object of this.globals) if (object.kind === on.kind && object.name === on.name) object.acl = changed(object).acl;
    } else if (on.kind === 'column') {
      for (const object of this.objects) {
        if (object.kind !== 'table' || object.schema !== on.schema || object.name !== on.table) continue;
        const columns = new Map(object.columns);
        for (const column of on.columns) {
          const acl = object.columns.get(column);
          if (acl === undefined) throw new Error(`column ${column} does not exist`);
          columns.set(column, changeAcl({ owner: object.owner, acl }, change, acting(object.owner), object.acl));
        }
        object.columns = columns;
      }
    } else {
      for (const object of this.objects) {
        if (object.schema !== on.schema || object.kind !== on.kind) continue;
        if (!on.all && !on.names.includes(object.name)) continue;
        const grantor = acting(object.owner);
        object.acl = changeAcl(object, change, grantor);
        object.columns = new Map([...object.columns].map(([column, acl]) => [column, withoutRevoked(acl, change, grantor)]));
      }
    }
  }

  /** A role with the privileges of the owner acts as the owner, whoever it is. */
  #inherits(name: string | undefined, owner: string): boolean {
    const found = new Set(name === undefined ? [] : [name]);
    for (const each of found) for (const edge of this.memberships) if (edge.member === each && edge.inherit) found.add(edge.role);
    return found.has(owner) || [...found].some((each) => this.roles.get(each)?.attributes.superuser === true);
  }

  #one(subjects: ReadonlyMap<string, OwnedAcl>, name: string): OwnedAcl {
    const found = subjects.get(name);
    if (found === undefined) throw new Error(`${name} does not exist`);
    return found;
  }

  #default(change: DefaultChange): void {
    const { creator, schema, of, grantee } = change;
    this.#role(creator);
    if (schema === undefined && of === 'routine' && !this.globalDefaults.has(globalDefaultKey(creator, of))) {
      this.globalDefaults.add(globalDefaultKey(creator, of));
      this.defaults.push({ creator, schema, of, grantee: PUBLIC, privilege: 'EXECUTE', grantable: false });
    }
    for (const privilege of change.privileges) {
      const isIt = (each: DefaultEntry): boolean =>
        each.creator === creator &&
        each.schema === schema &&
        each.of === of &&
        each.privilege === privilege &&
        granteeKey(each.grantee) === granteeKey(grantee);
      const before = this.defaults.find(isIt);
      this.defaults = this.defaults.filter((each) => !isIt(each));
      if (change.action === 'grant')
        this.defaults.push({ creator, schema, of, grantee, privilege, grantable: change.grantable || before?.grantable === true });
      else if (before === undefined) throw new Error('no such default privilege');
      else if (change.action === 'revoke-option') this.defaults.push({ ...before, grantable: false });
    }
  }
}

function isEdge(
  edge: Membership,
  change: { readonly role: string; readonly member: string; readonly grantor: string | undefined },
): boolean {
  return edge.role === change.role && edge.member === change.member && edge.grantor === change.grantor;
}

function moved<T extends OwnedAcl>(subject: T, owner: string): T {
  return { ...subject, owner, acl: changeOwner(subject.acl, subject.owner, owner) };
}

function columnGroups(relation: SimulatedObject): readonly ColumnGroup[] {
  const { schema, name, owner } = relation;
  return [...relation.columns].flatMap(([column, acl]) =>
    acl.length === 0 ? [] : [{ schema, table: name, owner, columns: [column], acl }],
  );
}

/** A REVOKE on a relation takes the same from its columns, and does not mind when there is nothing. */
function withoutRevoked(acl: readonly AclEntry[], change: PrivilegeChange, grantor: string): readonly AclEntry[] {
  if (change.action === 'grant') return acl;
  const isHit = (entry: AclEntry): boolean =>
    change.privileges.includes(entry.privilege) && entry.grantor === grantor && granteeKey(entry.grantee) === granteeKey(change.grantee);
  return change.action === 'revoke'
    ? acl.filter((entry) => !isHit(entry))
    : acl.map((entry) => (isHit(entry) ? { ...entry, grantable: false } : entry));
}

function changeAcl(
  { owner, acl }: OwnedAcl,
  change: PrivilegeChange,
  grantor: string,
  support: readonly AclEntry[] = [],
): readonly AclEntry[] {
  let after = [...acl];
  for (const privilege of change.privileges) {
    const isIt = (each: AclEntry): boolean =>
      each.privilege === privilege && each.grantor === grantor && granteeKey(each.grantee) === granteeKey(change.grantee);
    const mayGrant = [...after, ...support].some((each) => each.privilege === privilege && each.grantable && isRole(each.grantee, grantor));
    if (grantor !== owner && !mayGrant) throw new Error('01006 or 01007: the grantor has no grant option');
    const before = after.find(isIt);
    after = after.filter((each) => !isIt(each));
    if (change.action === 'grant') {
      if (isRole(change.grantee, owner)) throw new Error(`the owner was granted something: ${JSON.stringify([owner, acl, change])}`);
      after.push({ grantee: change.grantee, privilege, grantor, grantable: change.grantable || before?.grantable === true });
      continue;
    }
    // Not even a notice for the one who became the owner's member.
    if (before === undefined && grantor !== (change.actAs ?? owner)) continue;
    if (before === undefined) throw new Error('01006: no privileges could be revoked');
    if (change.action === 'revoke-option') after.push({ ...before, grantable: false });
    const { grantee } = change;
    const stillMay = after.some(
      (each) => each.privilege === privilege && each.grantable && granteeKey(each.grantee) === granteeKey(grantee),
    );
    // What the owner grants rests on nothing.
    if (
      !stillMay &&
      !isRole(grantee, owner) &&
      after.some((each) => each.privilege === privilege && grantee.kind === 'role' && each.grantor === grantee.name)
    ) {
      throw new Error('2BP01: dependent privileges exist');
    }
  }
  return after.sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));
}
