import { DATABASE_OWNER } from '../predefined.ts';
import type { AccessGraph, AccessRole } from './graph.ts';

/** How a role comes to have the privileges of another. */
export interface Step {
  /** The role whose privileges come in with this step. */
  readonly role: string;
  readonly by: 'inherit' | 'set-role' | 'database-owner';
}

/** Roles that can be had, each with the shortest way to it. */
export type Reach = ReadonlyMap<string, readonly Step[]>;

const FIRST_MAJOR_WITH_EDGE_OPTIONS = 16;

/**
 * Who has the privileges of whom, in one database of a graph.
 *
 * The same as the server's own recursion: the owner of the database is a member of pg_database_owner there; up to 15 a role
 * without INHERIT passes nothing on, that membership included, and from 16 on each edge says for itself.
 *
 * @see src/backend/utils/adt/acl.c, roles_is_member_of
 */
export class Closures {
  readonly graph: AccessGraph;
  readonly #owner: string | undefined;
  readonly #edges = new Map<
    string,
    { readonly role: string; readonly inherit: boolean; readonly set: boolean; readonly admin: boolean }[]
  >();
  readonly #inherited = new Map<string, Reach>();
  readonly #settable = new Map<string, Reach>();

  /** `database` undefined, or one that was not looked into: nobody is its owner. */
  constructor(graph: AccessGraph, database: string | undefined) {
    this.graph = graph;
    this.#owner = database === undefined ? undefined : graph.databases.get(database)?.owner;
    for (const { member, ...edge } of graph.memberships) {
      const listed = this.#edges.get(member) ?? [];
      this.#edges.set(member, listed);
      listed.push(edge);
    }
  }

  role(name: string): AccessRole | undefined {
    return this.graph.roles.get(name);
  }

  isSuperuser(name: string): boolean {
    return this.role(name)?.attributes.superuser === true;
  }

  /** The roles whose privileges `name` has at once; itself with no steps. */
  inherited(name: string): Reach {
    return remembered(this.#inherited, name, () => this.#walk(name, 'inherit'));
  }

  /** The roles that a session of `name` may become; itself with no steps. A superuser may become every one. */
  settable(name: string): Reach {
    return remembered(this.#settable, name, () => {
      const reach = new Map(this.#walk(name, 'set-role'));
      if (this.isSuperuser(name)) {
        for (const other of this.graph.roles.keys()) if (!reach.has(other)) reach.set(other, [{ role: other, by: 'set-role' }]);
      }
      return reach;
    });
  }

  /** The roles that `name` is a member of in whatever way; itself with no steps. */
  member(name: string): Reach {
    return this.#walk(name, 'member');
  }

  /**
   * The roles that `name` may grant to itself, in however many steps, without those it has already by {@link settable}: it holds
   * their ADMIN OPTION, or may become a role that does.
   */
  administrable(name: string): ReadonlySet<string> {
    const settable = this.settable(name);
    const gained = new Set<string>();
    // A set goes on to what is added while it is walked: what is gained leads further.
    const acting = new Set([...settable.keys(), ...this.inherited(name).keys()]);
    for (const each of acting) {
      for (const role of this.#administered(each)) {
        for (const next of this.settable(role).keys()) {
          gained.add(next);
          acting.add(next);
        }
        for (const next of this.inherited(role).keys()) acting.add(next);
      }
    }
    return new Set([...gained].filter((each) => !settable.has(each)));
  }

  #administered(name: string): readonly string[] {
    const edges = (this.#edges.get(name) ?? []).filter(({ admin }) => admin).map(({ role }) => role);
    if (this.graph.major >= FIRST_MAJOR_WITH_EDGE_OPTIONS || this.role(name)?.attributes.createrole !== true) return edges;
    // Up to 15 this attribute was enough to grant any role but a superuser.
    const others = [...this.graph.roles.values()].filter((each) => !each.attributes.superuser && each.name !== DATABASE_OWNER);
    return [...edges, ...others.map((each) => each.name)];
  }

  #walk(start: string, by: 'inherit' | 'set-role' | 'member'): Reach {
    const found = new Map<string, readonly Step[]>([[start, []]]);
    // A map goes on to what is added while it is walked: breadth first, so the first way found is a shortest one.
    for (const [name, steps] of found) {
      for (const { role, step } of this.#next(name, by)) if (!found.has(role)) found.set(role, [...steps, { role, by: step }]);
    }
    return found;
  }

  #next(name: string, by: 'inherit' | 'set-role' | 'member'): readonly { readonly role: string; readonly step: Step['by'] }[] {
    const withOptions = this.graph.major >= FIRST_MAJOR_WITH_EDGE_OPTIONS;
    const step = by === 'inherit' ? 'inherit' : 'set-role';
    const edges = (this.#edges.get(name) ?? [])
      .filter((edge) => (by === 'inherit' ? edge.inherit : by === 'member' || !withOptions || edge.set))
      .map(({ role }) => ({ role, step }) as const);
    const owns = this.#owner === name && (by !== 'inherit' || withOptions || this.role(name)?.attributes.inherit === true);
    return owns ? [...edges, { role: DATABASE_OWNER, step: by === 'inherit' ? 'database-owner' : step }] : edges;
  }
}

function remembered<Value>(known: Map<string, Value>, name: string, make: () => Value): Value {
  const before = known.get(name);
  if (before !== undefined) return before;
  const made = make();
  known.set(name, made);
  return made;
}
