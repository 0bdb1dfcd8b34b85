import type { Detachment } from './change.ts';
import type { RolesDocument } from './document/document.ts';
import type { ManagedScope } from './scope.ts';
import type { ClusterState } from './state.ts';
import { hasEdgeOptions } from './wanted-cluster.ts';

/** Who will have the privileges of whom once the file is applied. */
export class Inheritance {
  readonly #document: RolesDocument;
  readonly #cluster: ClusterState;
  readonly #scope: ManagedScope;
  readonly #known = new Map<string, ReadonlyMap<string, readonly string[]>>();

  constructor(document: RolesDocument, cluster: ClusterState, scope: ManagedScope) {
    this.#document = document;
    this.#cluster = cluster;
    this.#scope = scope;
  }

  /** The roles whose privileges `start` has at once, each with the way to it; itself among them. */
  of(start: string): ReadonlyMap<string, readonly string[]> {
    const before = this.#known.get(start);
    if (before !== undefined) return before;
    const found = new Map<string, readonly string[]>([[start, [start]]]);
    for (const [name, path] of found) {
      for (const { role } of this.#edges(name)) if (!found.has(role)) found.set(role, [...path, role]);
    }
    this.#known.set(start, found);
    return found;
  }

  isSuperuser(role: string): boolean {
    return (this.#document.roles.get(role)?.attributes ?? this.#cluster.roles.get(role)?.attributes)?.superuser === true;
  }

  /** What must be set aside for `role` to act as itself on what is the owner's; undefined when it does. */
  detachment(role: string, owner: string): Detachment | undefined {
    if (role === owner) return undefined;
    const superuser = this.isSuperuser(role);
    const edges = this.#edges(role).filter((edge) => this.of(edge.role).has(owner));
    if (!superuser && edges.length === 0) return undefined;
    return hasEdgeOptions(this.#cluster.major)
      ? { superuser, attribute: false, edges }
      : { superuser, attribute: edges.length > 0, edges: [] };
  }

  /** Declared roles as the file says, undeclared ones in scope nothing, others as they are. */
  #edges(name: string): readonly { readonly role: string; readonly grantor: string }[] {
    const { bootstrapSuperuser, currentRole, isSuperuser, memberships } = this.#cluster;
    const declared = this.#document.roles.get(name);
    const planner = isSuperuser ? bootstrapSuperuser : currentRole;
    const wanted = (declared?.memberOf ?? [])
      .filter((edge) => edge.inherit ?? declared?.attributes.inherit === true)
      .map((edge) => ({ role: edge.role, grantor: edge.grantedBy ?? planner }));
    const isKept = this.#document.mode === 'add' || !this.#scope.role(name);
    const kept = isKept ? memberships.filter((edge) => edge.member === name && edge.inherit) : [];
    return [...wanted, ...kept.map(({ role, grantor }) => ({ role, grantor }))];
  }
}
