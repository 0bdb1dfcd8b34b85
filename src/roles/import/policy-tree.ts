import type { PolicyState, TableRowSecurity } from '../lifecycle-state.ts';
import { byText, nameText } from './object-text.ts';
import { oneOrList, unlessEmpty, type TreeMap } from './tree.ts';

/** `row_security:` of a database: tables with their policies, expressions as the server writes them. */
export function policyTree(tables: readonly TableRowSecurity[]): readonly TreeMap[] {
  return tables
    .map((table): readonly [key: string, tree: TreeMap] => {
      const name = `${nameText(table.schema)}.${nameText(table.name)}`;
      const policies = [...table.policies].sort((left, right) => byText(left.name, right.name)).map(policyLine);
      return [
        name,
        { table: name, enable: table.enabled ? undefined : false, force: table.forced ? true : undefined, policies: unlessEmpty(policies) },
      ];
    })
    .sort(([left], [right]) => byText(left, right))
    .map(([, tree]) => tree);
}

function policyLine({ name, command, restrictive, to, using, check }: PolicyState): TreeMap {
  return {
    name,
    for: command === 'all' ? undefined : command,
    restrictive: restrictive ? true : undefined,
    to: to === undefined ? undefined : oneOrList(to),
    using,
    check,
  };
}
