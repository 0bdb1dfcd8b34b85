import { changeOwner } from './acl-difference.ts';
import type { Change, OwnObjects } from './change.ts';
import type { DeclaredDatabase, DeclaredSchema, OwnerRule, RolesDocument } from './document/document.ts';
import { isOfForm } from './object-forms.ts';
import { objectIndex, type ObjectIndex } from './object-index.ts';
import type { Refusals } from './refusal.ts';
import { isRole, relationKey, routineKey, type ClusterState, type DatabaseState, type ObjectGroup, type OwnedAcl } from './state.ts';
import { objectsKey } from './wants.ts';

/** Who is to own what, and how everything is once that is done. */
export interface PlannedOwners {
  readonly changes: readonly Change[];
  readonly database: OwnedAcl;
  readonly state: DatabaseState;
}

/**
 * The changes of owners: of the database, its schemas and the objects in them, with schemas made that are not there.
 *
 * A new owner takes the old one's place in the lists of privileges, so what is planned for those begins with the lists as
 * they will be. Mode `add` takes nothing away, so nothing changes hands there.
 */
export function planOwners(
  document: RolesDocument,
  declared: DeclaredDatabase,
  cluster: ClusterState,
  state: DatabaseState,
  refusals: Refusals,
): PlannedOwners {
  const exists = (name: string): boolean => document.roles.has(name) || cluster.roles.has(name);
  const isMoving = document.mode !== 'add';
  const found = cluster.databases.get(declared.name) ?? { owner: cluster.bootstrapSuperuser, acl: [] };
  const changes: Change[] = [];
  let database = found;
  if (declared.owner !== undefined && !exists(declared.owner))
    refusals.add(declared.at, `database ${declared.name}: role "${declared.owner}" does not exist and is not declared`);
  else if (isMoving && declared.owner !== undefined && declared.owner !== found.owner) {
    changes.push({ kind: 'own-database', database: declared.name, owner: declared.owner, was: found.owner });
    database = moved(found, declared.owner);
  }
  const schemas = new Map(state.schemas);
  const objects = new MovedObjects(state);
  for (const schema of declared.schemas.values()) {
    const { name, owner, creators, at } = schema;
    const before = state.schemas.get(name);
    for (const each of new Set([...creators, ...(owner === undefined ? [] : [owner])])) {
      if (!exists(each)) refusals.add(at, `schema ${name}: role "${each}" does not exist and is not declared`);
    }
    if (before === undefined && owner === undefined)
      refusals.add(at, `schema "${name}" does not exist in database ${declared.name} and has no owner to make it for`);
    else if (before === undefined && owner !== undefined) {
      changes.push({ kind: 'create-schema', database: declared.name, schema: name, owner });
      schemas.set(name, { owner, acl: [] });
    } else if (isMoving && before !== undefined && owner !== undefined) {
      if (before.owner !== owner) {
        changes.push({ kind: 'own-schema', database: declared.name, schema: name, owner, was: before.owner });
        schemas.set(name, moved(before, owner));
      }
      objects.schema(schema, owner);
    }
  }
  const index = objectIndex(state);
  for (const rule of declared.owners) {
    if (!exists(rule.owner)) refusals.add(rule.at, `owners: role "${rule.owner}" does not exist and is not declared`);
    else if (isMoving) objects.object(rule, index, refusals);
  }
  const { changes: ofObjects, after } = objects.result();
  const lent = cluster.isSuperuser ? ofObjects : ofObjects.map((change) => withLender(change, schemas.get(change.schema)));
  return { changes: [...changes, ...lent], database, state: { ...state, schemas, ...after } };
}

/** Whoever may create in the schema by itself needs nothing lent; that it may as a member of somebody does not matter then. */
function withLender(change: OwnObjects, schema: OwnedAcl | undefined): OwnObjects {
  if (schema === undefined || schema.owner === change.owner) return change;
  const may = schema.acl.some(
    ({ grantee, privilege, grantor }) => privilege === 'CREATE' && isRole(grantee, change.owner) && grantor === schema.owner,
  );
  return may ? change : { ...change, lentBy: schema.owner };
}

function moved<T extends OwnedAcl>(subject: T, owner: string): T {
  return { ...subject, owner, acl: changeOwner(subject.acl, subject.owner, owner) };
}

/** Objects that change hands: with their schema, or because the file names their owner. */
class MovedObjects {
  readonly #database: string;
  readonly #state: DatabaseState;
  /** By schema and kind: who gets everything. */
  readonly #whole = new Map<string, string>();
  /** By schema and kind, then by name. */
  readonly #named = new Map<string, Map<string, string>>();

  constructor(state: DatabaseState) {
    this.#database = state.name;
    this.#state = state;
  }

  schema({ name, owns }: DeclaredSchema, owner: string): void {
    for (const kind of owns) this.#whole.set(objectsKey(name, kind), owner);
  }

  object({ on, owner, at }: OwnerRule, index: ObjectIndex, refusals: Refusals): void {
    const name = on.kind === 'routine' ? this.#state.routines.get(routineKey(on)) : on.name;
    const found = name === undefined ? undefined : index.find(on.schema, on.kind, name);
    if (name === undefined || found === undefined || !isOfForm(found.form, on.only)) {
      return refusals.add(at, `owners: there is no ${on.only ?? on.kind} ${on.schema}.${on.name} in database ${this.#database}`);
    }
    const key = objectsKey(on.schema, on.kind);
    this.#named.set(key, (this.#named.get(key) ?? new Map<string, string>()).set(name, owner));
  }

  /** The changes, and the state after them. */
  result(): { readonly changes: readonly OwnObjects[]; readonly after: Partial<Pick<DatabaseState, 'groups' | 'columns'>> } {
    if (this.#whole.size === 0 && this.#named.size === 0) return { changes: [], after: {} };
    const changes = new Map<string, OwnObjects & { readonly names: string[] }>();
    const owners = new Map<string, string>();
    const groups = this.#state.groups.flatMap((group) =>
      [...this.#ownersIn(group)].map(([owner, names]): ObjectGroup => {
        if (owner === group.owner) return { ...group, names };
        if (group.kind === 'table') for (const name of names) owners.set(relationKey({ schema: group.schema, name }), owner);
        // A sequence of an identity column goes with its table, and cannot go without it.
        if (!group.linked) collect(changes, this.#database, group, names, owner);
        return { ...moved(group, owner), names };
      }),
    );
    const columns = this.#state.columns.map((group) => {
      const owner = owners.get(relationKey({ schema: group.schema, name: group.table }));
      return owner === undefined ? group : moved(group, owner);
    });
    return { changes: [...changes.values()].map((change) => ({ ...change, names: [...change.names].sort() })), after: { groups, columns } };
  }

  #ownersIn(group: ObjectGroup): ReadonlyMap<string, readonly string[]> {
    const named = this.#named.get(objectsKey(group.schema, group.kind));
    const whole =
      group.extension === undefined ? this.#whole.get(objectsKey(group.schema, group.linked ? 'table' : group.kind)) : undefined;
    const rest = whole ?? group.owner;
    if (named === undefined || group.linked) return new Map([[rest, group.names]]);
    const found = new Map<string, string[]>();
    for (const name of group.names) {
      const owner = named.get(name) ?? rest;
      const names = found.get(owner) ?? [];
      found.set(owner, names);
      names.push(name);
    }
    return found;
  }
}

function collect(
  changes: Map<string, OwnObjects & { readonly names: string[] }>,
  database: string,
  { schema, kind, owner: was }: ObjectGroup,
  names: readonly string[],
  owner: string,
): void {
  const key = JSON.stringify([schema, kind, was, owner]);
  const change = changes.get(key) ?? { kind: 'own-objects', database, of: kind, schema, names: [], owner, was };
  changes.set(key, change);
  for (const name of names) change.names.push(name);
}
