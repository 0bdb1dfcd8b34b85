import { granteeText, type ObservedState } from '../state.ts';
import type { DatabaseDetails } from './inspect.ts';
import { speaksOf, type ImportOptions } from './options.ts';

/** What the file does not say, in sentences without the last stop; each kind once, with examples. */
export function leftOut(
  observed: ObservedState,
  options: ImportOptions,
  details: ReadonlyMap<string, Pick<DatabaseDetails, 'selfRevoked'>>,
): readonly string[] {
  const { cluster } = observed;
  const outside = [...cluster.roles.keys()].filter((name) => !options.declares(name) && !name.startsWith('pg_')).sort();
  const edges = cluster.memberships
    .filter((edge) => options.declares(edge.role) && !options.declares(edge.member))
    .map((edge) => `${edge.member} in ${edge.role}`)
    .filter((text, index, all) => all.indexOf(text) === index);
  const forAll = cluster.settings.filter((setting) => setting.role === undefined && setting.database === undefined);
  const databases = [...cluster.databases.keys()].filter((name) => !options.databases.includes(name)).sort();
  const other = [...observed.databases.values()].flatMap((state) =>
    state.other
      .filter((each) => speaksOf(options, each.grantee))
      .map((each) => `${granteeText(each.grantee)} has ${each.text} in ${state.name}`),
  );
  return [
    ...line('roles that are not declared', outside),
    ...line('members of declared roles that are not', edges),
    ...line('databases', databases),
    ...line('settings of all roles', [...new Set(forAll.map((setting) => setting.name))].sort()),
    ...line('privileges that roles.yaml has no words for', other),
    ...line(
      'what owners have revoked from themselves',
      [...details.values()].flatMap((each) => each.selfRevoked),
    ),
  ];
}

const MAX_SHOWN = 5;

function line(what: string, items: readonly string[]): readonly string[] {
  if (items.length === 0) return [];
  const shown = items.slice(0, MAX_SHOWN).join(', ');
  return [`${what}: ${shown}${items.length > MAX_SHOWN ? ` and ${items.length - MAX_SHOWN} more` : ''}`];
}
