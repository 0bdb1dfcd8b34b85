import { DbadminError } from '../base/errors.ts';
import type { Change } from './change.ts';
import type { RolesDocument } from './document/document.ts';
import { orderChanges } from './order.ts';
import { planCluster } from './plan-cluster.ts';
import { planDatabase } from './plan-database.ts';
import { Refusals, refuseUnsupported } from './refusal.ts';
import { managedScope, type ManagedScope } from './scope.ts';
import { granteeText, type ClusterState, type ObservedState } from './state.ts';
import { wantedCluster } from './wanted-cluster.ts';

/** What must change for a cluster to be as its file says, in order, and what the file leaves alone. */
export interface RolesPlan {
  readonly changes: readonly Change[];
  readonly unmanaged: Unmanaged;
  /** Things worth knowing that are no changes; full sentences without the last stop. */
  readonly notes: readonly string[];
}

/** What is there and was not looked at or not touched. */
export interface Unmanaged {
  /** Roles out of scope, without the server's own. */
  readonly roles: readonly string[];
  /** Roles in scope that the file does not declare. They keep existing; what they may do is taken from them. */
  readonly undeclaredRoles: readonly string[];
  /** Databases that the file does not declare. */
  readonly databases: readonly string[];
  /** `database.schema` of databases in scope. */
  readonly schemas: readonly string[];
  /** `role → member` where the role is declared and the member is out of scope. */
  readonly memberships: readonly string[];
  /** What roles in scope may do by privileges of kinds the file cannot speak of: `role: SELECT on column a.b.c`. */
  readonly privileges: readonly string[];
}

/**
 * The difference between the file and the cluster. Pure: `now` decides which memberships have ended.
 *
 * @throws {DbadminError} `roles-unsupported`, `server-unsupported`, or `roles-invalid` when the file names what is not there.
 */
export function planRoles(document: RolesDocument, observed: ObservedState, now: Date): RolesPlan {
  refuseUnsupported(document);
  const { cluster } = observed;
  if (cluster.major < document.minServer) {
    throw new DbadminError(
      'server-unsupported',
      `${document.file} is for PostgreSQL ${document.minServer} or later and this is ${cluster.major}`,
      {
        hint: 'Lower cluster.min_server in the file if it holds nothing newer.',
      },
    );
  }
  const refusals = new Refusals(document);
  const scope = managedScope(document, cluster);
  const changes: Change[] = [...planCluster(document, observed, wantedCluster(document, cluster, now, refusals), scope)];
  for (const declared of document.databases.values()) {
    const state = observed.databases.get(declared.name);
    if (state === undefined) refusals.add(declared.at, `database "${declared.name}" does not exist or takes no connections`);
    else changes.push(...planDatabase(document, declared, cluster, state, scope, refusals));
  }
  refusals.throwIfAny();
  return { changes: orderChanges(changes), unmanaged: findUnmanaged(document, observed, scope), notes: notesOn(document, observed) };
}

function findUnmanaged(document: RolesDocument, observed: ObservedState, scope: ManagedScope): Unmanaged {
  const { cluster } = observed;
  const own = [...cluster.roles.keys()].filter((name) => !name.startsWith('pg_')).sort();
  return {
    roles: own.filter((name) => !scope.role(name)),
    undeclaredRoles: own.filter((name) => scope.role(name) && !document.roles.has(name)),
    databases: [...cluster.databases.keys()].filter((name) => !document.databases.has(name)).sort(),
    schemas: [...observed.databases.values()].flatMap((database) =>
      [...database.schemas.keys()]
        .filter((name) => !scope.schema(database.name, name))
        .sort()
        .map((name) => `${database.name}.${name}`),
    ),
    memberships: outsideMemberships(document, cluster, scope),
    privileges: otherPrivileges(observed, scope),
  };
}

function otherPrivileges(observed: ObservedState, scope: ManagedScope): readonly string[] {
  const found = [...observed.databases.values()].flatMap((database) =>
    database.other
      .filter((each) => each.grantee.kind === 'role' && scope.role(each.grantee.name))
      .map((each) => `${granteeText(each.grantee)}: ${each.text}`),
  );
  return [...new Set(found)].sort();
}

function outsideMemberships(document: RolesDocument, cluster: ClusterState, scope: ManagedScope): readonly string[] {
  return cluster.memberships
    .filter((edge) => document.roles.has(edge.role) && !scope.role(edge.member) && edge.member !== cluster.currentRole)
    .map((edge) => `${edge.role} → ${edge.member}`)
    .sort();
}

function notesOn(document: RolesDocument, observed: ObservedState): readonly string[] {
  const unreadable = [...observed.passwords].filter(([name, finding]) => finding === 'unreadable' && observed.cluster.roles.has(name));
  const notes: string[] = [];
  if (unreadable.length > 0) {
    notes.push(
      `the passwords of ${unreadable.map(([name]) => name).join(', ')} were not compared: ${observed.cluster.currentRole} may not read pg_authid`,
    );
  }
  if (document.mode === 'add') notes.push('mode add: nothing is taken away, so more may be allowed than the file says');
  return notes;
}
