import { databaseOf, type Change } from './change.ts';

/**
 * The changes in the order they must be made: the cluster's before each database's, roles before what names them, what is
 * taken before what is given, grants that rest on others before those, wildcards before names, default privileges last.
 */
export function orderChanges(changes: readonly Change[]): readonly Change[] {
  const keyed = changes.map((change) => ({
    change,
    database: databaseOf(change) ?? '',
    rank: rankOf(change),
    text: JSON.stringify(change),
  }));
  keyed.sort(
    (left, right) =>
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

function depthOf(change: Change): number {
  return change.kind === 'revoke-membership' || change.kind === 'privilege' ? change.depth : 0;
}

const RANKS = {
  'create-role': 0,
  'alter-role': 1,
  'comment-role': 2,
  'revoke-membership': 3,
  'grant-membership': 4,
  setting: 5,
  password: 6,
  'create-schema': 10,
  'own-schema': 11,
} as const;

function rankOf(change: Change): number {
  if (change.kind === 'privilege') {
    if (change.action !== 'grant') return 20;
    return 'all' in change.on && change.on.all ? 21 : 22;
  }
  if (change.kind !== 'default') return RANKS[change.kind];
  return (change.action === 'grant' ? 32 : 30) + (change.schema === undefined ? 0 : 1);
}
