import type { Acting } from './acting.ts';
import { aclDifference, type AclDifference } from './acl-difference.ts';
import type { PrivilegeChange } from './change.ts';
import type { RolesDocument } from './document/document.ts';
import { isOfForm } from './object-forms.ts';
import { routineBareName } from './object-index.ts';
import { columnAcls, planColumns, type ColumnAcls } from './plan-columns.ts';
import { sortPrivileges, type ObjectKind, type Privilege } from './privileges.ts';
import type { ManagedScope } from './scope.ts';
import { granteeKey, PUBLIC, relationKey, type AclEntry, type DatabaseState, type ObjectGroup } from './state.ts';
import { wholeKey, type WantedColumns, type WantedDatabase } from './wanted-database.ts';
import { objectsKey, WantSet, type Want, type WildcardWant } from './wants.ts';

/**
 * The changes to privileges on tables and their columns, sequences, routines and types.
 *
 * Works on groups of objects with equal privileges, so that its cost grows with what differs and not with how many tables
 * there are; the names come back together in the fewest statements.
 */
export function planObjects(
  document: RolesDocument,
  state: DatabaseState,
  wanted: WantedDatabase,
  scope: ManagedScope,
  acting: Acting,
): readonly PrivilegeChange[] {
  const collected = new Collected(state.name, acting);
  const blocks = new Blocks(state, wanted);
  const ofColumns: PrivilegeChange[] = [];
  for (const group of state.groups) {
    collected.count(group);
    for (const block of blocks.of(group)) {
      const manages = (entry: AclEntry): boolean => managesEntry(entry, group, block, document, state, wanted, scope);
      const { owner, acl, schema } = group;
      const differences = aclDifference(group, block.wants, manages, document.mode);
      for (const difference of differences) collected.add(group, block.names, difference);
      const { single } = block;
      if (single === undefined || (single.observed === undefined && single.wanted === undefined)) continue;
      const subject = { owner, acl, database: state.name, schema, table: single.name, onWhole: differences };
      const named = { ...subject, observed: single.observed, wanted: single.wanted?.byColumn };
      ofColumns.push(...planColumns(named, manages, document.mode, acting));
    }
  }
  return [...collected.changes(), ...ofColumns];
}

/** Objects of a group for which the file says the same. */
interface Block {
  readonly names: readonly string[];
  readonly wants: readonly Want[];
  /** Set where there is one object only, which may have something about its columns. */
  readonly single: Single | undefined;
}

interface Single {
  readonly name: string;
  readonly observed: ColumnAcls | undefined;
  readonly wanted: WantedColumns | undefined;
}

/** Takes groups apart where the file, or a column, says something of single objects. */
class Blocks {
  readonly #wanted: WantedDatabase;
  readonly #columns: ReadonlyMap<string, ColumnAcls>;
  /** Relations with something about their columns, by schema. */
  readonly #relations = new Map<string, Set<string>>();

  constructor(state: DatabaseState, wanted: WantedDatabase) {
    this.#wanted = wanted;
    this.#columns = columnAcls(state.columns);
    for (const { schema, table } of [...state.columns, ...wanted.onColumns.values()]) {
      const names = this.#relations.get(schema) ?? new Set();
      this.#relations.set(schema, names.add(table));
    }
  }

  of(group: ObjectGroup): readonly Block[] {
    const key = objectsKey(group.schema, group.kind);
    const named = this.#wanted.onNamed.get(key);
    const wildcards = (group.extension === undefined ? (this.#wanted.onAll.get(key) ?? []) : []).filter(({ only }) =>
      isOfForm(group.form, only),
    );
    const excepted = new Set(wildcards.flatMap((want) => [...want.except]));
    const relations = group.kind === 'table' ? this.#relations.get(group.schema) : undefined;
    const nameOf = group.kind === 'routine' && excepted.size > 0 ? routineBareName : (name: string): string => name;
    const isSpecial = (name: string): boolean =>
      (named?.has(name) ?? false) || (relations?.has(name) ?? false) || (excepted.size > 0 && excepted.has(nameOf(name)));
    const isPlain = named === undefined && relations === undefined && excepted.size === 0;
    const rest = isPlain ? group.names : group.names.filter((name) => !isSpecial(name));
    const alone = isPlain ? [] : group.names.filter(isSpecial);
    return [
      ...(rest.length === 0 ? [] : [{ names: rest, wants: this.#wants(group, wildcards, undefined, [], undefined), single: undefined }]),
      ...alone.map((name) => {
        const single = this.#single(group, name);
        const own = named?.get(name)?.list() ?? [];
        return { names: [name], wants: this.#wants(group, wildcards, nameOf(name), own, single?.wanted), single };
      }),
    ];
  }

  #single(group: ObjectGroup, name: string): Single | undefined {
    if (group.kind !== 'table') return undefined;
    const key = relationKey({ schema: group.schema, name });
    return { name, observed: this.#columns.get(key), wanted: this.#wanted.onColumns.get(key) };
  }

  #wants(
    group: ObjectGroup,
    wildcards: readonly WildcardWant[],
    name: string | undefined,
    own: readonly Want[],
    columns: WantedColumns | undefined,
  ): readonly Want[] {
    const wants = new WantSet();
    for (const { except, only: _only, ...want } of wildcards) {
      const isLeftOut = name !== undefined && except.has(name);
      if (!isLeftOut && columns?.insteadOf.has(wholeKey(want.grantee, want.privilege)) !== true) wants.add(want);
    }
    for (const want of own) wants.add(want);
    const isKept = group.extension !== undefined && group.kind === 'routine' && this.#wanted.publicExtensions.has(group.extension);
    if (isKept) wants.add({ grantee: PUBLIC, privilege: 'EXECUTE', grantable: false });
    return wants.list();
  }
}

function managesEntry(
  entry: AclEntry,
  group: ObjectGroup,
  block: Block,
  document: RolesDocument,
  state: DatabaseState,
  wanted: WantedDatabase,
  scope: ManagedScope,
): boolean {
  if (!scope.schema(state.name, group.schema) || !scope.grantee(entry.grantee)) return false;
  if (entry.grantee.kind === 'public' && group.kind === 'type' && document.public.preset !== 'declared') return false;
  // What an extension brought is its own business, unless the file names the object.
  if (group.extension !== undefined) {
    if (entry.grantee.kind === 'public') return document.public.preset === 'declared' && group.kind !== 'type';
    return block.wants.some((want) => want.grantee.kind === 'role');
  }
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
  readonly #acting: Acting;
  readonly #totals = new Map<string, number>();
  readonly #found = new Map<string, Found>();

  constructor(database: string, acting: Acting) {
    this.#database = database;
    this.#acting = acting;
  }

  count(group: ObjectGroup): void {
    const key = objectsKey(group.schema, group.kind);
    this.#totals.set(key, (this.#totals.get(key) ?? 0) + group.names.length);
  }

  add(group: ObjectGroup, names: readonly string[], difference: AclDifference): void {
    const actAs = difference.grantor === group.owner ? undefined : difference.grantor;
    const { privilege, ...rest } = difference;
    const acted = this.#acting(group.schema, group.owner, actAs, rest.action);
    const key = JSON.stringify([group.schema, group.kind, rest.action, granteeKey(rest.grantee), rest.grantable, actAs, rest.depth, acted]);
    const found = this.#found.get(key) ?? { ...rest, actAs, acted, schema: group.schema, kind: group.kind, byPrivilege: new Map() };
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
      ...found.acted,
    };
  }
}

interface Part {
  readonly owner: string;
  readonly names: readonly string[];
}

interface Found extends Omit<AclDifference, 'privilege'> {
  readonly actAs: string | undefined;
  readonly acted: ReturnType<Acting>;
  readonly schema: string;
  readonly kind: ObjectKind;
  readonly byPrivilege: Map<Privilege, Part[]>;
}
