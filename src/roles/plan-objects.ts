import { aclDifference, type AclDifference } from './acl-difference.ts';
import type { PrivilegeChange } from './change.ts';
import type { RolesDocument } from './document/document.ts';
import { sortPrivileges, type Privilege } from './privileges.ts';
import type { ManagedScope } from './scope.ts';
import { granteeKey, PUBLIC, type AclEntry, type DatabaseState, type ObjectGroup, type ObjectKind } from './state.ts';
import { objectsKey, WantSet, type Want, type WantedDatabase } from './wanted-database.ts';

/**
 * The changes to privileges on tables, sequences, routines and types.
 *
 * Works on groups of objects with equal privileges, so that its cost grows with what differs and not with how many tables
 * there are; the names come back together in the fewest statements.
 */
export function planObjects(
  document: RolesDocument,
  database: string,
  state: DatabaseState,
  wanted: WantedDatabase,
  scope: ManagedScope,
): readonly PrivilegeChange[] {
  const collected = new Collected(database);
  for (const group of state.groups) {
    collected.count(group);
    for (const block of blocksOf(group, wanted)) {
      const manages = (entry: AclEntry): boolean => managesEntry(entry, group, block, database, state, wanted, scope);
      const differences = aclDifference(group.owner, group.acl, block.wants, manages, document.mode);
      for (const difference of differences) collected.add(group, block.names, difference);
    }
  }
  return collected.changes();
}

/** Objects of a group for which the file says the same. */
interface Block {
  readonly names: readonly string[];
  readonly wants: readonly Want[];
}

function blocksOf(group: ObjectGroup, wanted: WantedDatabase): readonly Block[] {
  const key = objectsKey(group.schema, group.kind);
  const named = wanted.onNamed.get(key);
  const wildcards = group.extension === undefined ? (wanted.onAll.get(key) ?? []) : [];
  const special = new Set([...(named?.keys() ?? []), ...wildcards.flatMap((want) => [...want.except])]);
  const wantsFor = (name: string | undefined): readonly Want[] => {
    const wants = new WantSet();
    for (const { except, ...want } of wildcards) if (name === undefined || !except.has(name)) wants.add(want);
    for (const want of (name === undefined ? undefined : named?.get(name))?.list() ?? []) wants.add(want);
    const isKept = group.extension !== undefined && group.kind === 'routine' && wanted.publicExtensions.has(group.extension);
    if (isKept) wants.add({ grantee: PUBLIC, privilege: 'EXECUTE', grantable: false });
    return wants.list();
  };
  const rest = special.size === 0 ? group.names : group.names.filter((name) => !special.has(name));
  const single = special.size === 0 ? [] : group.names.filter((name) => special.has(name));
  return [
    ...(rest.length === 0 ? [] : [{ names: rest, wants: wantsFor(undefined) }]),
    ...single.map((name) => ({ names: [name], wants: wantsFor(name) })),
  ];
}

function managesEntry(
  entry: AclEntry,
  group: ObjectGroup,
  block: Block,
  database: string,
  state: DatabaseState,
  wanted: WantedDatabase,
  scope: ManagedScope,
): boolean {
  if (!scope.schema(database, group.schema) || !scope.grantee(entry.grantee)) return false;
  if (entry.grantee.kind === 'public' && group.kind === 'type') return false;
  // What an extension brought is its own business, unless the file names the object.
  if (group.extension !== undefined) return entry.grantee.kind === 'role' && block.wants.some((want) => want.grantee.kind === 'role');
  return !comesFromForeignDefault(entry, group, state, wanted, scope);
}

/** Put there when somebody out of scope made the object, by default privileges that we leave alone: it would come back each time. */
function comesFromForeignDefault(
  entry: AclEntry,
  group: ObjectGroup,
  state: DatabaseState,
  wanted: WantedDatabase,
  scope: ManagedScope,
): boolean {
  if (entry.grantor !== group.owner || scope.role(group.owner)) return false;
  if (wanted.defaults.some((each) => each.creator === group.owner)) return false;
  return state.defaults.some(
    (each) =>
      each.creator === group.owner &&
      each.of === group.kind &&
      each.privilege === entry.privilege &&
      (each.schema === undefined || each.schema === group.schema) &&
      granteeKey(each.grantee) === granteeKey(entry.grantee),
  );
}

/** Gathers what differs on single objects into statements on many. */
class Collected {
  readonly #database: string;
  readonly #totals = new Map<string, number>();
  readonly #found = new Map<string, Found>();

  constructor(database: string) {
    this.#database = database;
  }

  count(group: ObjectGroup): void {
    const key = objectsKey(group.schema, group.kind);
    this.#totals.set(key, (this.#totals.get(key) ?? 0) + group.names.length);
  }

  add(group: ObjectGroup, names: readonly string[], difference: AclDifference): void {
    const actAs = difference.grantor === group.owner ? undefined : difference.grantor;
    const { privilege, ...rest } = difference;
    const key = JSON.stringify([group.schema, group.kind, rest.action, granteeKey(rest.grantee), rest.grantable, actAs, rest.depth]);
    const found = this.#found.get(key) ?? { ...rest, actAs, schema: group.schema, kind: group.kind, byPrivilege: new Map() };
    this.#found.set(key, found);
    const listed = found.byPrivilege.get(privilege) ?? [];
    found.byPrivilege.set(privilege, listed);
    listed.push({ owner: group.owner, names });
  }

  changes(): readonly PrivilegeChange[] {
    return [...this.#found.values()].flatMap((found) => {
      const bySameNames = new Map<string, { readonly privileges: Privilege[]; readonly parts: readonly Part[] }>();
      for (const [privilege, parts] of found.byPrivilege) {
        // The lists are shared with the state, so their first names tell them apart.
        const key = JSON.stringify(parts.map(({ owner, names }) => [owner, names[0], names.length]));
        const before = bySameNames.get(key);
        if (before === undefined) bySameNames.set(key, { privileges: [privilege], parts });
        else before.privileges.push(privilege);
      }
      return [...bySameNames.values()].map(({ privileges, parts }) => this.#change(found, privileges, parts));
    });
  }

  #change(found: Found, privileges: readonly Privilege[], parts: readonly Part[]): PrivilegeChange {
    const names = parts.flatMap((part) => part.names).sort();
    const total = this.#totals.get(objectsKey(found.schema, found.kind)) ?? 0;
    const owners = new Set(parts.map((part) => part.owner));
    return {
      kind: 'privilege',
      action: found.action,
      database: this.#database,
      // GRANT has no ALL TYPES. One object alone is better named.
      on: { kind: found.kind, schema: found.schema, names, all: found.kind !== 'type' && total > 1 && names.length === total },
      privileges: sortPrivileges(privileges),
      grantee: found.grantee,
      grantable: found.grantable,
      grantor: found.actAs ?? (owners.size === 1 ? ([...owners][0] ?? '') : 'their owners'),
      actAs: found.actAs,
      depth: found.depth,
    };
  }
}

interface Part {
  readonly owner: string;
  readonly names: readonly string[];
}

interface Found extends Omit<AclDifference, 'privilege'> {
  readonly actAs: string | undefined;
  readonly schema: string;
  readonly kind: ObjectKind;
  readonly byPrivilege: Map<Privilege, Part[]>;
}
