import { routineBareName } from '../object-index.ts';
import { sortPrivileges, type Privilege } from '../privileges.ts';
import { granteeKey, type Grantee } from '../state.ts';
import type { Holding } from './holdings.ts';
import { grantHead, type RawLine } from './lines.ts';
import { byText, nameText, objectText, wildcardText } from './object-text.ts';
import type { ImportOptions } from './options.ts';
import type { Place, Remaining } from './rights.ts';
import { oneOrList } from './tree.ts';

/** A wildcard with exceptions must be much shorter than the names. */
const MAX_EXCEPTIONS = 10;

/** How a holding is said: every object but `except`, or none of them, and `names` besides. */
interface Saying {
  /** Names, of routines without their arguments; undefined: no line about the whole schema. */
  readonly except: readonly string[] | undefined;
  readonly names: readonly (readonly string[])[];
}

/** What no shape could say: objects by name, or all but a few. */
export function objectLines(remaining: Remaining, options: ImportOptions): readonly RawLine[] {
  const bySet = new Map<string, { readonly holding: Holding; readonly saying: Saying; readonly privileges: Privilege[] }>();
  for (const holding of remaining.holdings.left()) {
    const saying = (options.wildcards ? exceptions(holding, remaining) : undefined) ?? { except: undefined, names: holding.names };
    // Names that stand in the same groups are the same: the first of each list tells them apart.
    const set = saying.except ?? saying.names.map((list) => [list[0], list.length]);
    const { schema, kind, grantee, grantable, grantor, ofExtension } = holding;
    const key = JSON.stringify([schema, kind, granteeKey(grantee), grantable, grantor ?? null, ofExtension, set]);
    const found = bySet.get(key) ?? { holding, saying, privileges: [] };
    bySet.set(key, found);
    found.privileges.push(holding.privilege);
  }
  return [...bySet.values()].flatMap(({ holding, saying, privileges }): readonly RawLine[] => {
    const { schema, kind, grantee } = holding;
    const line = { about: kind, head: grantHead(sortPrivileges(privileges)), grantee };
    const on = saying.names.flat().map((name) => objectText(kind, schema, name));
    const named: readonly RawLine[] = on.length === 0 ? [] : [{ ...line, on, tail: tailOf(holding) }];
    if (saying.except === undefined) return named;
    const left = [...saying.except].sort(byText).map((name) => `${nameText(schema)}.${nameText(name)}`);
    return [{ ...line, on: [wildcardText(kind, schema)], tail: { except: oneOrList(left), ...tailOf(holding) } }, ...named];
  });
}

function tailOf({ grantable, grantor }: { readonly grantable: boolean; readonly grantor: string | undefined }): RawLine['tail'] {
  return { with_grant_option: grantable ? true : undefined, granted_by: grantor };
}

/** All but a few, or undefined where the names themselves are better. */
function exceptions(holding: Holding, remaining: Remaining): Saying | undefined {
  if (holding.grantor !== undefined || holding.ofExtension) return undefined;
  const missing = (remaining.holdings.extent(holding.schema, holding.kind)?.total ?? 0) - holding.count;
  // Those that the grantee owns are among the missing and need no exception.
  if (missing > MAX_EXCEPTIONS * 20 && missing * 2 > holding.count) return undefined;
  const signatures = remaining.holdings.missing(holding, remaining.state);
  const isRoutine = holding.kind === 'routine';
  const except = isRoutine ? [...new Set(signatures.map(routineBareName))] : signatures;
  if (except.length === 0 || except.length > MAX_EXCEPTIONS || except.length * 4 > holding.count) return undefined;
  // Without arguments, an exception takes the routines of the same name along.
  const names = isRoutine ? holding.names.map((list) => list.filter((name) => except.includes(routineBareName(name)))) : [];
  return { except, names: names.filter((list) => list.length > 0) };
}

/** What is left of the privileges on schemas: those with a grantor of their own. */
export function schemaLines(remaining: Remaining): readonly RawLine[] {
  return [...remaining.schemas].flatMap(([name, place]) => placeLines(place, 'schema', `schema ${nameText(name)}`));
}

/** Privileges on the database itself, CONNECT of roles apart: see {@link takeConnects}. */
export function databaseLines(remaining: Remaining): readonly RawLine[] {
  return placeLines(remaining.database, 'database', `database ${nameText(remaining.state.name)}`);
}

/** Who may connect by a plain grant of the owner: the list `connect`. */
export function takeConnects(remaining: Remaining): readonly string[] {
  const names: string[] = [];
  for (const right of remaining.database.left()) {
    if (right.privilege !== 'CONNECT' || right.grantor !== undefined || right.grantable || right.grantee.kind === 'public') continue;
    names.push(right.grantee.name);
    remaining.database.settle(right);
  }
  return names.sort(byText);
}

function placeLines(place: Place, about: string, on: string): readonly RawLine[] {
  const sets = new Map<string, { readonly grantee: Grantee; readonly privileges: Privilege[]; readonly tail: RawLine['tail'] }>();
  for (const right of place.left()) {
    const key = JSON.stringify([granteeKey(right.grantee), right.grantable, right.grantor ?? null]);
    const found = sets.get(key) ?? { grantee: right.grantee, privileges: [], tail: tailOf(right) };
    sets.set(key, found);
    found.privileges.push(right.privilege);
    place.settle(right);
  }
  return [...sets.values()].map(({ grantee, privileges, tail }) => ({
    about,
    head: grantHead(sortPrivileges(privileges)),
    on: [on],
    grantee,
    tail,
  }));
}
