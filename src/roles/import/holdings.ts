import type { ObjectKind, Privilege } from '../privileges.ts';
import { granteeKey, isRole, type AclEntry, type DatabaseState, type Grantee } from '../state.ts';
import { objectsKey } from '../wants.ts';
import { speaksOf, type ImportOptions } from './options.ts';

/** One privilege of one grantee on the objects of one kind in a schema, from one grantor. */
export interface Holding {
  readonly key: string;
  readonly schema: string;
  readonly kind: ObjectKind;
  readonly grantee: Grantee;
  readonly privilege: Privilege;
  readonly grantable: boolean;
  /** Undefined: each object's owner. */
  readonly grantor: string | undefined;
  /** The objects came with an extension: they are named, whatever else holds. */
  readonly ofExtension: boolean;
  /** Names as the groups of the state have them; the lists are shared with it. */
  readonly names: (readonly string[])[];
  count: number;
}

/** How many objects of a kind a schema has, without those of extensions, and how many of them each role owns. */
export interface Extent {
  total: number;
  readonly owned: Map<string, number>;
  readonly names: (readonly string[])[];
}

/** Whether everybody may call every routine that `extension` brought, as is usual. */
export function isOpenExtension(extension: string, states: readonly DatabaseState[]): boolean {
  const groups = states.flatMap((state) => state.groups.filter((group) => group.extension === extension && group.kind === 'routine'));
  return groups.every((group) => group.acl.some((entry) => entry.grantee.kind === 'public' && entry.grantor === group.owner));
}

/** Types of extensions are left alone. */
function isSaidByExtension({ extension, kind }: DatabaseState['groups'][number], entry: AclEntry, open: ReadonlySet<string>): boolean {
  if (extension === undefined || entry.grantee.kind === 'role') return false;
  return kind === 'type' || (kind === 'routine' && open.has(extension));
}

/** Every privilege on objects in schemas that the file is to say, gathered by what a line can say at once. */
export class Holdings {
  readonly #held = new Map<string, Holding>();
  readonly #extents = new Map<string, Extent>();

  /** `open` are the extensions whose routines PUBLIC may call: `public.keep` says so. */
  constructor(state: DatabaseState, options: ImportOptions, open: ReadonlySet<string>) {
    for (const group of state.groups) {
      if (group.extension === undefined) this.#measure(group.schema, group.kind, group.owner, group.names);
      for (const entry of group.acl) {
        if (speaksOf(options, entry.grantee) && !isSaidByExtension(group, entry, open)) this.#hold(group, entry);
      }
    }
  }

  #measure(schema: string, kind: ObjectKind, owner: string, names: readonly string[]): void {
    const key = objectsKey(schema, kind);
    const extent = this.#extents.get(key) ?? { total: 0, owned: new Map<string, number>(), names: [] };
    this.#extents.set(key, extent);
    extent.total += names.length;
    extent.owned.set(owner, (extent.owned.get(owner) ?? 0) + names.length);
    extent.names.push(names);
  }

  #hold(group: DatabaseState['groups'][number], entry: AclEntry): void {
    const grantor = entry.grantor === group.owner ? undefined : entry.grantor;
    const ofExtension = group.extension !== undefined;
    const { schema, kind } = group;
    const { grantee, privilege, grantable } = entry;
    const key = JSON.stringify([schema, kind, granteeKey(grantee), privilege, grantable, grantor ?? null, ofExtension]);
    const holding = this.#held.get(key) ?? { key, schema, kind, grantee, privilege, grantable, grantor, ofExtension, names: [], count: 0 };
    this.#held.set(key, holding);
    holding.names.push(group.names);
    holding.count += group.names.length;
  }

  extent(schema: string, kind: ObjectKind): Extent | undefined {
    return this.#extents.get(objectsKey(schema, kind));
  }

  /** Those that no line has said yet. */
  left(): readonly Holding[] {
    return [...this.#held.values()];
  }

  /** Takes out what a line says now. */
  settle(holding: Holding): void {
    this.#held.delete(holding.key);
  }

  /**
   * Whether `holding` is on every object of its kind in the schema, so that a wildcard gives nothing more. Objects that the
   * grantee owns do not count: a grant to the owner is never planned.
   */
  isComplete({ schema, kind, grantee, grantor, ofExtension, count }: Holding): boolean {
    const extent = this.extent(schema, kind);
    if (extent === undefined || grantor !== undefined || ofExtension) return false;
    const own = grantee.kind === 'role' ? (extent.owned.get(grantee.name) ?? 0) : 0;
    return count + own === extent.total;
  }

  /** Names of the objects that a wildcard would reach and the holding does not. */
  missing(holding: Holding, state: DatabaseState): readonly string[] {
    const has = new Set(holding.names.flat());
    return state.groups
      .filter((group) => group.schema === holding.schema && group.kind === holding.kind && group.extension === undefined)
      .filter((group) => !isRole(holding.grantee, group.owner))
      .flatMap((group) => group.names.filter((name) => !has.has(name)));
  }
}
