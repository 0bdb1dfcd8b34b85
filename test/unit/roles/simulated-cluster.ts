import { changeOwner } from '../../../src/roles/acl-difference.ts';
import type { Change, DefaultChange, PrivilegeChange } from '../../../src/roles/change.ts';
import { ROLE_ATTRIBUTES } from '../../../src/roles/document/document.ts';
import {
  globalDefaultKey,
  granteeKey,
  isRole,
  PUBLIC,
  routineKey,
  type AclEntry,
  type ClusterState,
  type DefaultEntry,
  type Membership,
  type ObjectGroup,
  type ObjectKind,
  type ObservedState,
  type RoleState,
  type StoredSetting,
} from '../../../src/roles/state.ts';

export interface SimulatedObject {
  readonly schema: string;
  readonly kind: ObjectKind;
  readonly name: string;
  readonly owner: string;
  acl: readonly AclEntry[];
}

/** A cluster of values that changes are made to as PostgreSQL would make them: one database, `music`, on 17 as a superuser. */
export class SimulatedCluster {
  readonly roles = new Map<string, RoleState>();
  memberships: Membership[] = [];
  settings: StoredSetting[] = [];
  database: { owner: string; acl: readonly AclEntry[] } = { owner: 'postgres', acl: [] };
  readonly schemas = new Map<string, { owner: string; acl: readonly AclEntry[] }>();
  objects: SimulatedObject[] = [];
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
      case 'privilege':
        this.#privilege(change);
        return;
      case 'default':
        this.#default(change);
        return;
      case 'password':
        throw new Error('passwords are not simulated');
    }
  }

  observe(): ObservedState {
    const cluster: ClusterState = {
      major: 17,
      systemIdentifier: '1',
      currentRole: 'postgres',
      isSuperuser: true,
      canReadPasswords: true,
      bootstrapSuperuser: 'postgres',
      roles: this.roles,
      memberships: this.memberships,
      settings: this.settings,
      databases: new Map([['music', this.database]]),
      settingTypes: new Map(),
    };
    const routine = (name: string, argumentTypes: string): [string, string] => [
      routineKey({ schema: 'core', name, argumentTypes }),
      `${name}(${argumentTypes})`,
    ];
    const state = {
      name: 'music',
      schemas: this.schemas,
      groups: this.#groups(),
      defaults: this.defaults,
      globalDefaults: this.globalDefaults,
      other: [],
      routines: new Map([routine('f', 'integer, text'), routine('p', '')]),
    };
    return { cluster, databases: new Map([['music', state]]), passwords: new Map() };
  }

  #groups(): readonly ObjectGroup[] {
    const groups = new Map<string, ObjectGroup & { readonly names: string[] }>();
    for (const { schema, kind, name, owner, acl } of this.objects) {
      const key = JSON.stringify([schema, kind, owner, acl]);
      const group = groups.get(key) ?? { schema, kind, owner, acl, extension: undefined, names: [] };
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
    if (on.kind === 'database') this.database = { ...this.database, acl: changeAcl(this.database.owner, this.database.acl, change) };
    else if (on.kind === 'schema') {
      const before = this.#schema(on.name);
      this.schemas.set(on.name, { ...before, acl: changeAcl(before.owner, before.acl, change) });
    } else {
      for (const object of this.objects) {
        if (object.schema !== on.schema || object.kind !== on.kind) continue;
        if (on.all || on.names.includes(object.name)) object.acl = changeAcl(object.owner, object.acl, change);
      }
    }
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

function changeAcl(owner: string, acl: readonly AclEntry[], change: PrivilegeChange): readonly AclEntry[] {
  const grantor = change.actAs ?? owner;
  let after = [...acl];
  for (const privilege of change.privileges) {
    const isIt = (each: AclEntry): boolean =>
      each.privilege === privilege && each.grantor === grantor && granteeKey(each.grantee) === granteeKey(change.grantee);
    const before = after.find(isIt);
    after = after.filter((each) => !isIt(each));
    if (change.action === 'grant') {
      if (isRole(change.grantee, owner)) throw new Error('the owner was granted something');
      after.push({ grantee: change.grantee, privilege, grantor, grantable: change.grantable || before?.grantable === true });
      continue;
    }
    if (before === undefined) throw new Error('01006: no privileges could be revoked');
    if (change.action === 'revoke-option') after.push({ ...before, grantable: false });
    const { grantee } = change;
    const stillMay = after.some(
      (each) => each.privilege === privilege && each.grantable && granteeKey(each.grantee) === granteeKey(grantee),
    );
    if (!stillMay && after.some((each) => each.privilege === privilege && grantee.kind === 'role' && each.grantor === grantee.name)) {
      throw new Error('2BP01: dependent privileges exist');
    }
  }
  return after.sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));
}
