/** Roles, who is a member of whom, and where they may do something: what a picture shows. */
export interface RoleGraph {
  readonly roles: readonly GraphRole[];
  readonly memberships: readonly GraphMembership[];
  readonly access: readonly GraphAccess[];
}

export interface GraphRole {
  readonly name: string;
  /** `outside` is a role that the file names and does not declare. */
  readonly kind: 'login' | 'group' | 'predefined' | 'outside';
  /** `superuser`, `createrole` and what else lets a role do more than its privileges. */
  readonly powers: readonly string[];
}

export interface GraphMembership {
  readonly member: string;
  readonly role: string;
  /** What differs from a plain membership: `no inherit`, `admin`, `until 2027-01-31`. */
  readonly options: readonly string[];
  /** When the file ends it, an instant as ISO 8601 in UTC; undefined where it does not, and of a cluster, which does not know. */
  readonly until?: string;
}

/** What a role, or PUBLIC when undefined, may do in one schema, or with the database where there is no schema. */
export interface GraphAccess {
  readonly role: string | undefined;
  readonly database: string;
  readonly schema: string | undefined;
  /** In words: `tables: SELECT`. */
  readonly what: readonly string[];
}

/**
 * The graph around the roles that `isWanted` names: those, what they are members of, all the way up, and who is a member of
 * them, all the way down; with the access of each.
 */
export function around(graph: RoleGraph, isWanted: (name: string) => boolean): RoleGraph {
  const start = graph.roles.map((role) => role.name).filter(isWanted);
  const kept = new Set([
    ...reach(start, graph.memberships, (edge) => [edge.member, edge.role]),
    ...reach(start, graph.memberships, (edge) => [edge.role, edge.member]),
  ]);
  return {
    roles: graph.roles.filter((role) => kept.has(role.name)),
    memberships: graph.memberships.filter((edge) => kept.has(edge.member) && kept.has(edge.role)),
    access: graph.access.filter((each) => each.role !== undefined && kept.has(each.role)),
  };
}

function reach(
  start: readonly string[],
  edges: readonly GraphMembership[],
  ends: (edge: GraphMembership) => readonly [from: string, to: string],
): ReadonlySet<string> {
  const seen = new Set(start);
  for (const name of seen) {
    for (const edge of edges) {
      const [from, to] = ends(edge);
      // A set that grows is walked to its new end.
      if (from === name) seen.add(to);
    }
  }
  return seen;
}

/** Words per (role, database, schema), gathered from wherever they come; the same word once. */
export class AccessWords {
  readonly #found = new Map<string, { readonly access: Omit<GraphAccess, 'what'>; readonly words: Map<string, Set<string>> }>();

  /** `about` is `tables`, `schema`, a named object; `privilege` one of its privileges. */
  add(role: string | undefined, database: string, schema: string | undefined, about: string, privileges: readonly string[]): void {
    const key = JSON.stringify([role ?? null, database, schema ?? null]);
    const found = this.#found.get(key) ?? { access: { role, database, schema }, words: new Map<string, Set<string>>() };
    this.#found.set(key, found);
    const listed = found.words.get(about) ?? new Set<string>();
    found.words.set(about, listed);
    for (const privilege of privileges) listed.add(privilege);
  }

  list(): readonly GraphAccess[] {
    return [...this.#found.values()]
      .map(({ access, words }) => ({
        ...access,
        what: [...words].map(([about, privileges]) => `${about === '' ? '' : `${about}: `}${[...privileges].join(', ')}`),
      }))
      .sort((left, right) => compare(keyOf(left), keyOf(right)));
  }
}

function keyOf(access: GraphAccess): string {
  return JSON.stringify([access.role ?? '', access.database, access.schema ?? '']);
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
