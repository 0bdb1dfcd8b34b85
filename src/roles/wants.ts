import type { NarrowForm } from './object-forms.ts';
import type { ObjectKind, Privilege } from './privileges.ts';
import { granteeKey, type Grantee } from './state.ts';

/** A privilege somebody is to have. */
export interface Want {
  readonly grantee: Grantee;
  readonly privilege: Privilege;
  readonly grantable: boolean;
  /** Who grants it; undefined: the owner of the object. */
  readonly grantor?: string | undefined;
}

/** What every object of a kind in a schema gets, less those excepted. */
export interface WildcardWant extends Want {
  /** By name; for a routine, without its arguments. */
  readonly except: ReadonlySet<string>;
  readonly only: NarrowForm | undefined;
}

/** Wants without doubles: the same privilege asked for twice is grantable when one of them says so. */
export class WantSet {
  readonly #wants = new Map<string, Want>();

  add(want: Want): void {
    const key = `${granteeKey(want.grantee)} ${want.privilege} ${want.grantor ?? ''}`;
    const before = this.#wants.get(key);
    this.#wants.set(key, before === undefined ? want : { ...before, grantable: before.grantable || want.grantable });
  }

  list(): readonly Want[] {
    return [...this.#wants.values()];
  }
}

/** The set under `key`, made when there is none. */
export function wantsUnder(sets: Map<string, WantSet>, key: string): WantSet {
  const wants = sets.get(key) ?? new WantSet();
  sets.set(key, wants);
  return wants;
}

/** A key of {@link WildcardWant}s. */
export function objectsKey(schema: string, kind: ObjectKind): string {
  return `${kind} ${schema}`;
}
