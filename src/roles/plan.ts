import { DbadminError } from '../base/errors.ts';
import type { Change } from './change.ts';
import type { RolesDocument } from './document/document.ts';
import { matchesAny } from './document/globs.ts';
import { onlyChanges } from './only.ts';
import { orderChanges } from './order.ts';
import { findLacks, type Lack } from './lacks.ts';
import { refuseCircles } from './membership-circles.ts';
import { membershipNotes } from './membership-notes.ts';
import { isCreatorsEdge, planCluster, stuckMemberships } from './plan-cluster.ts';
import { planDatabase } from './plan-database.ts';
import { planShared } from './plan-shared.ts';
import { planRetirement } from './plan-retirement.ts';
import { planRowSecurity } from './plan-row-security.ts';
import { settingAssignment } from './print.ts';
import { Refusals } from './refusal.ts';
import { departures, withoutDepartures, type Departure } from './retirement.ts';
import { isConnected, managedScope, type ManagedScope } from './scope.ts';
import { granteeText, type ClusterState, type ObservedState } from './state.ts';
import { wantedCluster, type WantedCluster } from './wanted-cluster.ts';
import { differingSettings } from './wanted-settings.ts';

/** What must change for a cluster to be as its file says, in order, and what the file leaves alone. */
export interface RolesPlan {
  readonly changes: readonly Change[];
  readonly unmanaged: Unmanaged;
  /** Things worth knowing that are no changes; full sentences without the last stop. */
  readonly notes: readonly string[];
  /** What the role that plans may not do of it, and what would have to be done for it; empty for a superuser. */
  readonly lacks: readonly Lack[];
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
  /** `role → member` where the role is declared and the member out of scope, or the member made the role by itself. */
  readonly memberships: readonly string[];
  /** What roles in scope may do by privileges of kinds the file cannot speak of: `role: SELECT on column a.b.c`. */
  readonly privileges: readonly string[];
}

/**
 * The difference between the file and the cluster. Pure: `now` decides which memberships have ended.
 *
 * @throws {DbadminError} `server-unsupported`, `roles-invalid` when the file names what is not there, `usage` when `--only` does.
 */
export function planRoles(file: RolesDocument, observed: ObservedState, now: Date): RolesPlan {
  const { cluster } = observed;
  if (cluster.major < file.minServer) {
    throw new DbadminError('server-unsupported', `${file.file} is for PostgreSQL ${file.minServer} or later and this is ${cluster.major}`, {
      hint: 'Lower cluster.min_server in the file if it holds nothing newer.',
    });
  }
  refuseIdle(file, cluster);
  const refusals = new Refusals(file);
  const going = departures(file, cluster);
  const document = withoutDepartures(file, going);
  const scope = managedScope(document, cluster);
  const wanted = wantedCluster(document, cluster, now, refusals);
  refuseCircles(document, cluster, wanted, scope, refusals);
  for (const [name, finding] of observed.passwords) {
    const at = document.roles.get(name)?.at;
    if (typeof finding === 'object' && at !== undefined) refusals.add(at, finding.problem);
  }
  refuseSettings(wanted, observed, refusals);
  const changes: Change[] = [...planCluster(document, observed, wanted, scope), ...planShared(document, cluster, scope, refusals)];
  const exists = (role: string): boolean => document.roles.has(role) || cluster.roles.has(role);
  for (const declared of document.databases.values()) {
    const state = observed.databases.get(declared.name);
    if (state === undefined) refusals.add(declared.at, `database "${declared.name}" does not exist or takes no connections`);
    else changes.push(...planDatabase(document, declared, cluster, state, scope, refusals));
    const rows = observed.rowSecurity.get(declared.name);
    if (rows !== undefined) changes.push(...planRowSecurity(declared, rows, document.mode, exists, refusals));
  }
  const end = planRetirement(document, cluster, going, observed.retired, now, refusals);
  changes.push(...end.changes);
  refusals.throwIfAny();
  const all = orderChanges(changes);
  const ordered = file.only === undefined ? all : onlyChanges(all, file.only);
  return {
    changes: ordered,
    unmanaged: findUnmanaged(document, observed, scope, going),
    notes: [
      ...leftOutNotes(file, all.length - ordered.length),
      ...notesOn(document, observed),
      ...membershipNotes(document, cluster, now),
      ...end.notes,
    ],
    lacks: findLacks(ordered, observed, stuckMemberships(document, cluster, wanted, scope)),
  };
}

function refuseSettings({ settings }: WantedCluster, { cluster, refusedSettings }: ObservedState, refusals: Refusals): void {
  for (const setting of differingSettings(settings, cluster)) {
    const why = refusedSettings.get(settingAssignment(setting));
    if (why === undefined) continue;
    const { role, database } = setting;
    const whose = [...(role === undefined ? [] : [`role ${role}`]), ...(database === undefined ? [] : [`database ${database}`])].join(
      ' in ',
    );
    refusals.add(setting.at, `settings of ${whose}: ${why}`);
  }
}

function findUnmanaged(document: RolesDocument, observed: ObservedState, scope: ManagedScope, going: readonly Departure[]): Unmanaged {
  const { cluster } = observed;
  const leaves = new Set(going.map(({ role }) => role));
  const own = [...cluster.roles.keys()].filter((name) => !name.startsWith('pg_')).sort();
  return {
    roles: own.filter((name) => !scope.role(name) && !leaves.has(name)),
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
    .filter(
      (edge) =>
        (document.roles.has(edge.role) && !scope.role(edge.member) && !isConnected(edge.member, cluster)) ||
        isCreatorsEdge(document, cluster, edge),
    )
    .map((edge) => `${edge.role} → ${edge.member}`)
    .sort();
}

/** A misspelt name would leave nothing to do, which looks like being in sync. */
function refuseIdle({ only = [], roles, databases }: RolesDocument, cluster: ClusterState): void {
  const schemas = [...databases.values()].flatMap((database) => [...database.schemas.keys()]);
  const names = [...roles.keys(), ...cluster.roles.keys(), ...schemas];
  const idle = only.filter((glob) => !names.some((name) => matchesAny(name, [glob])));
  if (idle.length === 0) return;
  throw new DbadminError('usage', `--only ${idle.join(', ')}: there is no such role, and no such schema in the file`);
}

function leftOutNotes({ only }: RolesDocument, count: number): readonly string[] {
  if (only === undefined || count === 0) return [];
  return [
    `only what is about ${only.join(', ')}: ${count} other change${count === 1 ? '' : 's'} of the file ${count === 1 ? 'is' : 'are'} left out`,
  ];
}

function notesOn(document: RolesDocument, observed: ObservedState): readonly string[] {
  const unreadable = [...observed.passwords].filter(([name, finding]) => finding === 'unreadable' && observed.cluster.roles.has(name));
  const notes: string[] = [];
  if (observed.cluster.isStandby) notes.push('this server is a standby: what is planned on it is applied to its primary');
  if (unreadable.length > 0) {
    notes.push(
      `the passwords of ${unreadable.map(([name]) => name).join(', ')} were not compared: ${observed.cluster.currentRole} may not read pg_authid`,
    );
  }
  if (document.mode === 'add') notes.push('mode add: nothing is taken away, so more may be allowed than the file says');
  return notes;
}
