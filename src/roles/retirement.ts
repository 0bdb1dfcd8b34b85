import type { RolesDocument } from './document/document.ts';
import type { Retirement } from './document/lifecycle.ts';
import { managedScope } from './scope.ts';
import type { ClusterState } from './state.ts';

/** A role that is to go, with whether the file says so by name or by mode `exact`. */
export interface Departure extends Retirement {
  readonly isNamed: boolean;
}

/**
 * The roles that exist and are to go: those under `retire`, due or not, and in mode `exact` all in scope that the file does
 * not declare.
 */
export function departures(document: RolesDocument, cluster: ClusterState): readonly Departure[] {
  const named = document.retire.filter(({ role }) => cluster.roles.has(role)).map((each) => ({ ...each, isNamed: true }));
  if (document.mode !== 'exact') return named;
  const scope = managedScope(document, cluster);
  const isSpoken = (role: string): boolean => document.roles.has(role) || document.retire.some((each) => each.role === role);
  const undeclared = [...cluster.roles.keys()].filter((role) => scope.role(role) && !isSpoken(role)).sort();
  return [
    ...named,
    ...undeclared.map((role) => ({ role, at: document.modeAt, reassignTo: undefined, terminate: false, after: undefined, isNamed: false })),
  ];
}

export function isDue({ after }: Retirement, now: Date): boolean {
  return after === undefined || after <= now.toISOString();
}

/**
 * The file with roles that are to go left alone: until it is due a role keeps what it has, and then all of it goes at once.
 */
export function withoutDepartures(document: RolesDocument, going: readonly Departure[]): RolesDocument {
  return ignoring(
    document,
    going.map(({ role }) => role),
  );
}

/** The file with those of `roles` left alone that it does not declare, even where it says that they are to go. */
export function leavingAlone(document: RolesDocument, roles: readonly string[]): RolesDocument {
  const undeclared = roles.filter((role) => !document.roles.has(role));
  return { ...ignoring(document, undeclared), retire: document.retire.filter(({ role }) => !undeclared.includes(role)) };
}

function ignoring(document: RolesDocument, roles: readonly string[]): RolesDocument {
  const names = roles.map((role) => role.replaceAll(/[*?\\]/g, '\\$&'));
  return { ...document, scope: { ...document.scope, ignoreRoles: [...document.scope.ignoreRoles, ...names] } };
}

/** The file as if no role were to go: those under `retire` keep what they have, and mode `exact` is `manage`. */
export function keepingRoles(document: RolesDocument): RolesDocument {
  const named = document.retire.map((each) => ({ ...each, isNamed: true }));
  return { ...withoutDepartures(document, named), retire: [], mode: document.mode === 'exact' ? 'manage' : document.mode };
}
