import { databaseOf, type Change } from './change.ts';
import { phaseOf } from './lifecycle-change.ts';

/**
 * The changes in the order they must be made: the cluster's before each database's, roles before what names them, what is
 * taken before what is given, grants that rest on others before those when taken and after those when given, wildcards before
 * names, default privileges after them, row security next, and the end of roles last.
 */
export function orderChanges(changes: readonly Change[]): readonly Change[] {
  const keyed = changes.map((change) => ({
    change,
    phase: phaseOf(change),
    database: databaseOf(change) ?? '',
    rank: rankOf(change),
    text: JSON.stringify(change),
  }));
  keyed.sort(
    (left, right) =>
      left.phase - right.phase ||
      compare(left.database, right.database) ||
      left.rank - right.rank ||
      depthOf(right.change) - depthOf(left.change) ||
      compare(left.text, right.text),
  );
  return keyed.map(({ change }) => change);
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** What comes first among changes of one rank: higher goes earlier. */
export function depthOf(change: Change): number {
  if (change.kind === 'privilege') return change.action === 'grant' ? -change.depth : change.depth;
  if (change.kind === 'grant-membership') return -(change.depth ?? 0);
  return change.kind === 'revoke-membership' ? change.depth : 0;
}

const RANKS = {
  'create-role': 0,
  'alter-role': 1,
  'comment-role': 2,
  'revoke-membership': 3,
  'grant-membership': 4,
  setting: 5,
  password: 6,
  'own-database': 9,
  'create-schema': 10,
  'own-schema': 11,
  'own-objects': 12,
  'row-security': 40,
  'drop-policy': 41,
  'create-policy': 42,
  'alter-policy': 43,
  'retire-login': 90,
  'retire-sessions': 91,
  'retire-owned': 92,
  'drop-role': 93,
} as const;

/** Where in the order a change of its kind comes. */
export function rankOf(change: Change): number {
  if (change.kind === 'privilege') {
    // Who takes something back in a schema must still be let into it.
    if (change.action !== 'grant') return change.on.kind === 'schema' || change.on.kind === 'database' ? 21 : 20;
    if (change.actAs !== undefined) return 26;
    if (change.on.kind === 'column') return 25;
    return 'all' in change.on && change.on.all ? 22 : 23;
  }
  if (change.kind !== 'default') return RANKS[change.kind];
  return (change.action === 'grant' ? 32 : 30) + (change.schema === undefined ? 0 : 1);
}
