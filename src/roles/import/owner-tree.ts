import { OBJECT_KINDS, type ObjectKind } from '../privileges.ts';
import type { DatabaseState } from '../state.ts';
import { byText, objectText } from './object-text.ts';
import type { ImportOptions } from './options.ts';
import { oneOrList, type TreeMap } from './tree.ts';

/** The kinds of which the owner of a schema owns every object, so that `owns` says it. */
export function ownedKinds(state: DatabaseState, schema: string, owner: string): readonly ObjectKind[] {
  return OBJECT_KINDS.filter((kind) => {
    const groups = ownable(state).filter((group) => group.schema === schema && group.kind === kind);
    return groups.length > 0 && groups.every((group) => group.owner === owner);
  });
}

/** `owners:`, for every object of a declared role that `owns` does not speak of. */
export function ownerLines(
  state: DatabaseState,
  owned: ReadonlyMap<string, readonly ObjectKind[]>,
  options: ImportOptions,
): readonly TreeMap[] {
  const found = new Map<string, string[]>();
  for (const group of state.groups) {
    const isSaid = group.extension === undefined && owned.get(group.schema)?.includes(group.kind) === true;
    if (group.linked || isSaid || !options.declares(group.owner)) continue;
    const names = found.get(group.owner) ?? [];
    found.set(group.owner, names);
    names.push(...group.names.map((name) => objectText(group.kind, group.schema, name)));
  }
  return [...found].sort(([left], [right]) => byText(left, right)).map(([owner, names]) => ({ owner, of: oneOrList(names.sort(byText)) }));
}

/** A sequence of a column goes with its table, and `owns` leaves alone what extensions made. */
function ownable(state: DatabaseState): DatabaseState['groups'] {
  return state.groups.filter((group) => !group.linked && group.extension === undefined);
}
