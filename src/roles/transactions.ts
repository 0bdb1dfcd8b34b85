import { databaseOf, type Change, type PrivilegeChange } from './change.ts';

/** Changes that are made together or not at all, in one database. */
export interface Transaction {
  readonly database: string;
  readonly changes: readonly Change[];
}

/** From 18 on GRANT and REVOKE lock every object they name until commit, and the lock table holds not many more. */
const FIRST_MAJOR_THAT_LOCKS_NAMES = 18;
const MAX_NAMED_OBJECTS = 1000;

/**
 * The fewest transactions for `changes`, which are in order and hold no passwords.
 *
 * What belongs to the cluster can be changed from any database: with one database to change, both go in one transaction, so
 * that a failure leaves nothing behind. With several, the cluster's part comes first, in the maintenance database.
 */
export function planTransactions(changes: readonly Change[], maintenanceDatabase: string, major: number): readonly Transaction[] {
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
    split(listed, major).map((part) => ({ database: key === '' ? home : key, changes: part })),
  );
}

function split(changes: readonly Change[], major: number): readonly (readonly Change[])[] {
  if (major < FIRST_MAJOR_THAT_LOCKS_NAMES) return [changes];
  const parts: Change[][] = [[]];
  let named = 0;
  for (const change of changes.flatMap(splitNames)) {
    const size = namedObjects(change);
    if (named > 0 && named + size > MAX_NAMED_OBJECTS) {
      parts.push([]);
      named = 0;
    }
    named += size;
    parts.at(-1)?.push(change);
  }
  return parts;
}

function namedObjects(change: Change): number {
  return change.kind === 'privilege' && 'names' in change.on && !change.on.all ? change.on.names.length : 0;
}

function splitNames(change: Change): readonly Change[] {
  if (change.kind !== 'privilege' || namedObjects(change) <= MAX_NAMED_OBJECTS || !('names' in change.on)) return [change];
  const { on } = change;
  const parts: PrivilegeChange[] = [];
  for (let start = 0; start < on.names.length; start += MAX_NAMED_OBJECTS) {
    parts.push({ ...change, on: { ...on, names: on.names.slice(start, start + MAX_NAMED_OBJECTS) } });
  }
  return parts;
}
