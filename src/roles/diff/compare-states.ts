import type { ObservedState } from '../state.ts';
import { clusterFacts } from './cluster-facts.ts';
import { databaseFacts } from './database-facts.ts';
import { briefly, compareFacts, sortDifferences, type Difference, type Fact } from './difference.ts';
import { objectDifferences } from './object-differences.ts';

/** Databases to hold against each other: by their names on each side. */
export interface DatabasePair {
  readonly left: string;
  readonly right: string;
}

/** The databases of two clusters that have the same name, and those that only one has. */
export function pairDatabases(
  left: ObservedState,
  right: ObservedState,
): { readonly pairs: readonly DatabasePair[]; readonly facts: readonly [readonly Fact[], readonly Fact[]] } {
  const both = [...left.databases.keys()].filter((name) => right.databases.has(name)).sort();
  const only = (state: ObservedState): readonly Fact[] =>
    [...state.databases.keys()]
      .filter((name) => !both.includes(name))
      .map((name) => ({ section: 'objects', subject: name, text: 'database', value: '' }));
  return { pairs: both.map((name) => ({ left: name, right: name })), facts: [only(left), only(right)] };
}

/**
 * What two clusters differ in: roles, memberships and settings, and what `pairs` of databases hold. With `scope` databases
 * only, those that stand in one pair are compared under one name.
 */
export function compareStates(
  left: ObservedState,
  right: ObservedState,
  pairs: readonly DatabasePair[],
  more: readonly [readonly Fact[], readonly Fact[]] = [[], []],
): readonly Difference[] {
  const comparesPasswords = left.cluster.canReadPasswords && right.cluster.canReadPasswords;
  const facts = (state: ObservedState, side: keyof DatabasePair): readonly Fact[] => [
    ...clusterFacts(state.cluster, comparesPasswords),
    ...pairs.flatMap((pair) => {
      const database = state.databases.get(pair[side]);
      return database === undefined ? [] : databaseFacts(state.cluster, database, placeOf(pair, pairs));
    }),
  ];
  const objects = pairs.flatMap((pair) => {
    const [ours, theirs] = [left.databases.get(pair.left), right.databases.get(pair.right)];
    return ours === undefined || theirs === undefined ? [] : objectDifferences(ours, theirs, placeOf(pair, pairs));
  });
  const [leftMore, rightMore] = more;
  return sortDifferences([
    ...briefly(compareFacts([...facts(left, 'left'), ...leftMore], [...facts(right, 'right'), ...rightMore])),
    ...objects,
  ]);
}

/** Which database, where more than one is compared. */
export function placeOf(pair: DatabasePair, pairs: readonly DatabasePair[]): string {
  return pairs.length === 1 ? '' : ` in database ${pair.left}`;
}
