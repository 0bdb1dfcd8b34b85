import { Closures } from './closure.ts';
import type { AccessGraph, AccessRole } from './graph.ts';

/**
 * The closures of one database turned around: not whose privileges a role has, but who has the privileges of a role. With it
 * every entry of an access control list is looked at once, however many roles there are.
 *
 * `names` are all roles that are asked about, in the order in which they are counted; one that the graph does not have holds
 * nothing, not even what everybody holds.
 */
export class MatrixReach {
  readonly names: readonly string[];
  /** Of each role that exists, undefined for the others. */
  readonly roles: readonly (AccessRole | undefined)[];
  /** Every role that exists. */
  readonly everybody: readonly number[];
  readonly superusers: readonly number[];
  /** Those that are no superuser and may become one. */
  readonly nearSuperusers: readonly number[];
  readonly #places: ReadonlyMap<string, number>;
  readonly #inheritors = new Map<string, number[]>();
  readonly #becomers: readonly (readonly number[])[];

  constructor(graph: AccessGraph, database: string, names: readonly string[]) {
    this.names = names;
    this.#places = new Map(names.map((name, place) => [name, place]));
    this.roles = names.map((name) => graph.roles.get(name));
    const closures = new Closures(graph, database);
    const becomers: number[][] = names.map(() => []);
    const nearSuperusers: number[] = [];
    for (const [place, name] of names.entries()) {
      if (!graph.roles.has(name)) continue;
      const inherited = closures.inherited(name);
      for (const other of inherited.keys()) if (other !== name) this.#listed(other).push(place);
      if (closures.isSuperuser(name)) continue;
      let isNear = false;
      for (const other of closures.settable(name).keys()) {
        if (other === name) continue;
        if (closures.isSuperuser(other)) isNear = true;
        else if (!inherited.has(other)) becomers[this.#places.get(other) ?? -1]?.push(place);
      }
      if (isNear) nearSuperusers.push(place);
    }
    this.everybody = [...names.keys()].filter((place) => this.roles[place] !== undefined);
    this.superusers = this.everybody.filter((place) => this.roles[place]?.attributes.superuser === true);
    this.nearSuperusers = nearSuperusers;
    this.#becomers = becomers;
  }

  /** Which role of {@link names} it is. */
  place(name: string): number | undefined {
    return this.#places.get(name);
  }

  /** The other roles that have at once what `name` has. */
  inheritors(name: string): readonly number[] {
    return this.#inheritors.get(name) ?? [];
  }

  /** The roles that have what the role at `place` has only after SET ROLE. */
  becomers(place: number): readonly number[] {
    return this.#becomers[place] ?? [];
  }

  #listed(name: string): number[] {
    const before = this.#inheritors.get(name);
    if (before !== undefined) return before;
    const made: number[] = [];
    this.#inheritors.set(name, made);
    return made;
  }
}
