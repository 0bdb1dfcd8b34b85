import type { RolesDocument } from './document/document.ts';
import { isReassignedInParts, type RetireChange, type RetireOwned } from './lifecycle-change.ts';
import type { RetiredInDatabase, RetiredRole } from './lifecycle-state.ts';
import type { Refusals } from './refusal.ts';
import { isDue, type Departure } from './retirement.ts';
import { isConnected } from './scope.ts';
import type { ClusterState } from './state.ts';

/** What ends the roles that are due. */
export interface RetirementPlan {
  readonly changes: readonly RetireChange[];
  /** What is worth knowing: roles that are not due yet, sessions that are open. */
  readonly notes: readonly string[];
}

/** The steps for each role of `going` that is due; refuses where something of it would be lost. */
export function planRetirement(
  document: RolesDocument,
  cluster: ClusterState,
  going: readonly Departure[],
  found: ReadonlyMap<string, RetiredRole>,
  now: Date,
  refusals: Refusals,
): RetirementPlan {
  const changes: RetireChange[] = [];
  const notes: string[] = [];
  for (const departure of going) {
    const state = found.get(departure.role);
    if (state === undefined) continue;
    if (!isDue(departure, now)) {
      notes.push(`role ${departure.role} is to be retired after ${departure.after ?? ''}; until then it keeps what it has`);
      continue;
    }
    check(document, cluster, departure, state, refusals);
    const steps = stepsFor(departure, state);
    changes.push(...steps);
    if (state.sessions > 0 && !departure.terminate) notes.push(sessionNote(state));
    notes.push(...steps.flatMap((step) => (step.kind === 'retire-owned' && isReassignedInParts(step) ? [partsNote(step)] : [])));
  }
  return { changes, notes };
}

function stepsFor({ role, reassignTo, terminate, isNamed }: Departure, state: RetiredRole): readonly RetireChange[] {
  const because = isNamed ? 'retired' : 'not in the file';
  return [
    ...(state.login ? [{ kind: 'retire-login', role, because } as const] : []),
    ...(terminate && state.sessions > 0 ? [{ kind: 'retire-sessions', role } as const] : []),
    ...state.databases.map(({ database, owned, loses }) => ({ kind: 'retire-owned', database, role, reassignTo, owned, loses }) as const),
    { kind: 'drop-role', role, because },
  ];
}

/** One REASSIGN OWNED would lock all of them, with their indexes, and the lock table is small. */
function partsNote({ role, database, owned }: RetireOwned): string {
  return `role ${role} owns ${owned} objects in ${database}: its relations get their new owner some hundreds at a time, each part all or nothing`;
}

/** Why a role that is due cannot go now, though nothing in the file is wrong. */
export function sessionNote({ role, sessions }: RetiredRole): string {
  const open = sessions === 1 ? '1 session is' : `${sessions} sessions are`;
  return `role ${role} is to go and ${open} open as it: end ${sessions === 1 ? 'it' : 'them'}, or list the role under retire with terminate: true`;
}

function check(document: RolesDocument, cluster: ClusterState, departure: Departure, state: RetiredRole, refusals: Refusals): void {
  const { role, reassignTo, at, isNamed } = departure;
  if (role === cluster.bootstrapSuperuser) return refusals.add(at, `role "${role}" is the bootstrap superuser: it cannot go`);
  if (isConnected(role, cluster)) return refusals.add(at, `role "${role}" is the one dbadmin connects as: it cannot retire itself`);
  if (reassignTo !== undefined && !document.roles.has(reassignTo) && !cluster.roles.has(reassignTo)) {
    refusals.add(at, `retire of ${role}: role "${reassignTo}" does not exist and is not declared`);
  }
  for (const { database, open } of state.databases) {
    if (!open)
      refusals.add(at, `role ${role} is needed in database ${database}, which takes no connections: nothing can be taken from it there`);
  }
  const owned = state.databases.filter((each) => each.owned > 0);
  if (reassignTo !== undefined || owned.length === 0) return;
  const what = owned.map(ownedText).join('; ');
  refusals.add(
    at,
    isNamed
      ? `retire of ${role}: it owns ${what}: say who gets that with reassign_to`
      : `mode exact would drop role ${role}, which owns ${what}: declare it, or list it under retire with reassign_to`,
  );
}

function ownedText({ database, owned, examples }: RetiredInDatabase): string {
  const more = owned > examples.length ? ', …' : '';
  return `${owned} object${owned === 1 ? '' : 's'} in ${database} (${examples.join(', ')}${more})`;
}
