import type { Change } from './change.ts';
import { depthOf, rankOf } from './order.ts';
import { granteeKey } from './state.ts';

/**
 * The same changes, where those that differ in the grantee alone are one statement.
 *
 * Each GRANT writes the row of every object anew. Twelve groups that may read are one write then and not twelve. Only
 * changes whose order among themselves is of no account are brought together.
 */
export function mergeGrantees(changes: readonly Change[]): readonly Change[] {
  const merged: Change[] = [];
  const places = new Map<string, number>();
  for (const change of changes) {
    if (change.kind !== 'privilege' && change.kind !== 'default') {
      merged.push(change);
      continue;
    }
    const { grantee, ...rest } = change;
    const key = JSON.stringify([rankOf(change), depthOf(change), Object.entries(rest).sort(byName)]);
    const place = places.get(key);
    const first = place === undefined ? undefined : merged[place];
    if (place !== undefined && (first?.kind === 'privilege' || first?.kind === 'default')) {
      const others = [...(first.others ?? []), grantee];
      if (!others.some((each) => granteeKey(each) === granteeKey(first.grantee))) merged[place] = { ...first, others };
      continue;
    }
    places.set(key, merged.length);
    merged.push(change);
  }
  return merged;
}

function byName([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
