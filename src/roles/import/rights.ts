import type { Privilege } from '../privileges.ts';
import {
  granteeKey,
  isRole,
  PUBLIC,
  role,
  type ClusterState,
  type DatabaseState,
  type DefaultEntry,
  type Grantee,
  type OwnedAcl,
} from '../state.ts';
import { Holdings } from './holdings.ts';
import { speaksOf, type ImportOptions } from './options.ts';

/** A privilege on the database or on a schema. */
export interface PlaceRight {
  readonly grantee: Grantee;
  readonly privilege: Privilege;
  readonly grantable: boolean;
  /** Undefined: the owner. */
  readonly grantor: string | undefined;
}

/** The privileges on one database or schema that no line has said yet. */
export class Place {
  readonly owner: string;
  readonly #all: ReadonlySet<string>;
  readonly #left = new Map<string, PlaceRight>();

  constructor({ owner, acl }: OwnedAcl, options: ImportOptions) {
    this.owner = owner;
    // What a line implies is the owner's grant; that somebody else granted the same is another entry.
    const counts = acl.filter((entry) => entry.grantee.kind === 'public' || entry.grantor === owner);
    this.#all = new Set(counts.map((entry) => rightKey(entry.grantee, entry.privilege)));
    for (const { grantee, privilege, grantable, grantor } of acl) {
      if (!speaksOf(options, grantee)) continue;
      const right = { grantee, privilege, grantable, grantor: grantor === owner ? undefined : grantor };
      this.#left.set(JSON.stringify([rightKey(grantee, privilege), right.grantor ?? null]), right);
    }
  }

  /** Whether a line that implies the privilege gives the role nothing that it does not have. */
  implies(name: string, privilege: Privilege): boolean {
    return this.owner === name || this.#isEverybodys(privilege) || this.#all.has(rightKey(role(name), privilege));
  }

  /** A line implies the privilege: an entry that says just that is said. What PUBLIC has is not implied for anybody again. */
  settleImplied(name: string, privilege: Privilege): void {
    if (this.#isEverybodys(privilege)) return;
    const key = JSON.stringify([rightKey(role(name), privilege), null]);
    if (this.#left.get(key)?.grantable === false) this.#left.delete(key);
  }

  settle(right: PlaceRight): void {
    this.#left.delete(JSON.stringify([rightKey(right.grantee, right.privilege), right.grantor ?? null]));
  }

  left(): readonly PlaceRight[] {
    return [...this.#left.values()];
  }

  #isEverybodys(privilege: Privilege): boolean {
    return this.#all.has(rightKey(PUBLIC, privilege));
  }
}

function rightKey(grantee: Grantee, privilege: Privilege): string {
  return `${privilege} ${granteeKey(grantee)}`;
}

/** What one database holds, as it is used up by the lines that say it. */
export interface Remaining {
  readonly state: DatabaseState;
  readonly database: Place;
  readonly schemas: ReadonlyMap<string, Place>;
  readonly holdings: Holdings;
  readonly defaults: Set<DefaultEntry>;
}

export function remainingOf(cluster: ClusterState, state: DatabaseState, options: ImportOptions, open: ReadonlySet<string>): Remaining {
  const own = cluster.databases.get(state.name) ?? { owner: cluster.bootstrapSuperuser, acl: [] };
  return {
    state,
    database: new Place(own, options),
    schemas: new Map([...state.schemas].map(([name, schema]) => [name, new Place(schema, options)])),
    holdings: new Holdings(state, options, open),
    defaults: new Set(
      state.defaults.filter(
        (entry) =>
          speaksOf(options, entry.grantee) &&
          !isRole(entry.grantee, entry.creator) &&
          (entry.schema === undefined || state.schemas.has(entry.schema)),
      ),
    ),
  };
}
