import { databaseOf, type Change, type PrivilegeChange } from './change.ts';
import { phaseOf } from './lifecycle-change.ts';
import { mergeGrantees } from './merge-grantees.ts';

/** Changes that are made together or not at all, in one database. */
export interface Transaction {
  readonly database: string;
  readonly changes: readonly Change[];
}

/** From 18 on GRANT and REVOKE lock every object they name until commit, and the lock table holds not many more. */
const FIRST_MAJOR_THAT_LOCKS_NAMES = 18;
const MAX_NAMED_OBJECTS = 1000;
/** ALTER … OWNER locks a table's indexes, its sequences and its TOAST table with it. */
const LOCKS_PER_OWNED = 4;

/**
 * The fewest transactions for `changes`, which are in order and hold no passwords.
 *
 * What belongs to the cluster can be changed from any database: with one database to change, both go in one transaction, so
 * that a failure leaves nothing behind. With several, the cluster's part comes first, in the maintenance database. The end of
 * roles comes after all else: no more logins, committed, then sessions ended, then what they own and may, database by
 * database, and the roles themselves.
 */
export function planTransactions(changes: readonly Change[], maintenanceDatabase: string, major: number): readonly Transaction[] {
  const inPhase = (...phases: readonly number[]): readonly Change[] => changes.filter((change) => phases.includes(phaseOf(change)));
  const steps = [inPhase(0), inPhase(1), inPhase(2)];
  const places = new Set(inPhase(3).map((change) => databaseOf(change)));
  const last = places.size <= 1 ? [inPhase(3, 4)] : [inPhase(3), inPhase(4)];
  return [...steps, ...last].flatMap((step) => placeChanges(step, maintenanceDatabase, major));
}

function placeChanges(changes: readonly Change[], maintenanceDatabase: string, major: number): readonly Transaction[] {
  const databases = [...new Set(changes.flatMap((change) => databaseOf(change) ?? []))];
  const [only] = databases;
  const home = databases.length === 1 && only !== undefined ? only : maintenanceDatabase;
  const byPlace = new Map<string, Change[]>();
  for (const change of changes) {
    const database = databaseOf(change);
    const key = database === undefined || databases.length === 1 ? '' : database;
    const listed = byPlace.get(key) ?? [];
    byPlace.set(key, listed);
    listed.push(change);
  }
  return [...byPlace].flatMap(([key, listed]) =>
    split(mergeGrantees(listed), major).map((part) => ({ database: key === '' ? home : key, changes: part })),
  );
}

function split(changes: readonly Change[], major: number): readonly (readonly Change[])[] {
  const parts: Change[][] = [[]];
  let named = 0;
  for (const change of changes.flatMap((each) => splitNames(each, major))) {
    const size = lockedObjects(change, major);
    if (named > 0 && named + size > MAX_NAMED_OBJECTS) {
      parts.push([]);
      named = 0;
    }
    named += size;
    parts.at(-1)?.push(change);
  }
  return parts;
}

/** How many objects a change locks until its transaction ends. A new owner locks on every major. */
function lockedObjects(change: Change, major: number): number {
  if (change.kind === 'own-objects') return change.names.length * LOCKS_PER_OWNED;
  if (change.kind !== 'privilege' || major < FIRST_MAJOR_THAT_LOCKS_NAMES) return 0;
  if (change.on.kind === 'column') return 1;
  return 'names' in change.on && !change.on.all ? change.on.names.length : 0;
}

function splitNames(change: Change, major: number): readonly Change[] {
  if (lockedObjects(change, major) <= MAX_NAMED_OBJECTS) return [change];
  if (change.kind === 'own-objects') {
    return slices(change.names, MAX_NAMED_OBJECTS / LOCKS_PER_OWNED).map((names) => ({ ...change, names }));
  }
  if (change.kind !== 'privilege' || !('names' in change.on)) return [change];
  const { on } = change;
  return slices(on.names, MAX_NAMED_OBJECTS).map((names): PrivilegeChange => ({ ...change, on: { ...on, names } }));
}

function slices(names: readonly string[], size: number): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(names.length / size) }, (_, index) => names.slice(index * size, (index + 1) * size));
}
