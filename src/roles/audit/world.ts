import { Closures, type Step } from '../access/closure.ts';
import type { AccessEntry, AccessGroup, AccessKind } from '../access/graph.ts';
import type { Grantee } from '../state.ts';
import type { AuditedDatabase, AuditState } from './state.ts';

/** A login that acts with the privileges of some role, and the way to it. */
export interface Holder {
  readonly login: string;
  readonly steps: readonly Step[];
}

/**
 * The state of a cluster with what follows from it: who can act as whom.
 *
 * Superusers are left out of every answer, they need no way around; so are logins that may not connect to the database asked
 * about.
 */
export class AuditWorld {
  readonly state: AuditState;
  readonly now: Date;
  readonly #reaches = new Map<string | undefined, ReadonlyMap<string, readonly Holder[]>>();
  readonly #closures = new Map<string | undefined, Closures>();
  readonly #logins = new Map<string | undefined, readonly string[]>();
  readonly #ways = new Map<string, ReadonlyMap<string, readonly Step[]>>();

  constructor(state: AuditState, now: Date) {
    this.state = state;
    this.now = now;
  }

  isSuperuser(role: string): boolean {
    return this.state.cluster.roles.get(role)?.attributes.superuser === true;
  }

  /** The logins that are not superusers and may connect to `database`, or to any when it is undefined. */
  logins(database: string | undefined): readonly string[] {
    const known = this.#logins.get(database);
    if (known !== undefined) return known;
    const found = [...this.state.cluster.roles.values()]
      .filter((role) => role.login && !role.attributes.superuser && this.mayConnect(role.name, database))
      .map((role) => role.name)
      .sort();
    this.#logins.set(database, found);
    return found;
  }

  /** The logins that have what is granted to `grantee`, at once or after SET ROLE, each with a shortest way. */
  holders(grantee: Grantee, database: string | undefined): readonly Holder[] {
    if (grantee.kind === 'public') return this.logins(database).map((login) => ({ login, steps: [] }));
    return this.#reach(database).get(grantee.name) ?? [];
  }

  /** Whether `role` can act as `other`: it is the same, inherits from it, or may become it. A superuser can. */
  actsAs(role: string, other: string, database: string | undefined): boolean {
    return this.isSuperuser(role) || this.#waysFrom(role, database).has(other);
  }

  databases(): readonly AuditedDatabase[] {
    return [...this.state.databases.values()];
  }

  /** The objects of one kind: of a database, or with none those of the whole cluster. */
  groups(kind: AccessKind, database?: string): readonly AccessGroup[] {
    const { access } = this.state;
    const all = database === undefined ? access.shared : (access.databases.get(database)?.groups ?? []);
    return all.filter((group) => group.kind === kind);
  }

  mayConnect(login: string, database: string | undefined): boolean {
    if (database === undefined) return true;
    const group = this.groups('database').find((each) => each.names.includes(database));
    if (group === undefined) return false;
    const inherited = this.#closure(database).inherited(login);
    return group.acl.some(
      ({ grantee, privilege }) => privilege === 'CONNECT' && (grantee.kind === 'public' || inherited.has(grantee.name)),
    );
  }

  #closure(database: string | undefined): Closures {
    const known = this.#closures.get(database) ?? new Closures(this.state.access, database);
    this.#closures.set(database, known);
    return known;
  }

  /** Every role that `role` has the privileges of, by inheriting or after SET ROLE, with a shortest way. */
  #waysFrom(role: string, database: string | undefined): ReadonlyMap<string, readonly Step[]> {
    const key = JSON.stringify([database, role]);
    const known = this.#ways.get(key);
    if (known !== undefined) return known;
    const closure = this.#closure(database);
    const ways = new Map<string, readonly Step[]>();
    for (const [become, first] of closure.settable(role)) {
      for (const [other, then] of closure.inherited(become)) {
        const before = ways.get(other);
        const steps = [...first, ...then];
        if (before === undefined || steps.length < before.length) ways.set(other, steps);
      }
    }
    this.#ways.set(key, ways);
    return ways;
  }

  #reach(database: string | undefined): ReadonlyMap<string, readonly Holder[]> {
    const known = this.#reaches.get(database);
    if (known !== undefined) return known;
    const reach = new Map<string, Holder[]>();
    for (const login of this.logins(database)) {
      for (const [role, steps] of this.#waysFrom(login, database)) {
        const listed = reach.get(role) ?? [];
        reach.set(role, listed);
        listed.push({ login, steps });
      }
    }
    this.#reaches.set(database, reach);
    return reach;
  }
}

/** The entries that are not the owner's own. */
export function entriesOfOthers(group: Pick<AccessGroup, 'acl' | 'owner'>): readonly AccessEntry[] {
  return group.acl.filter(({ grantee }) => grantee.kind === 'public' || grantee.name !== group.owner);
}

const MOST_NAMED = 5;

/** `svc_api by app_ops`, `svc_etl after SET ROLE app_owner`, and how many more. */
export function holdersText(holders: readonly Holder[]): string {
  const shown = holders.slice(0, MOST_NAMED).map(({ login, steps }) => {
    const become = steps.filter((step) => step.by === 'set-role').at(-1);
    const inherited = steps.filter((step) => step.by !== 'set-role').at(-1);
    const ways = [
      ...(become === undefined ? [] : [`after SET ROLE ${become.role}`]),
      ...(inherited === undefined ? [] : [`by ${inherited.role}`]),
    ];
    return [login, ...ways].join(' ');
  });
  const more = holders.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}
