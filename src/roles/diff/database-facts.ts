import { granteeText, type ClusterState, type DatabaseState } from '../state.ts';
import { settingFact } from './cluster-facts.ts';
import type { Fact } from './difference.ts';
import { aclFacts, ownerFact } from './place-facts.ts';

/** Everything of a database but the objects in its schemas, for which see `object-differences.ts`. `place` names it when there are several. */
export function databaseFacts(cluster: ClusterState, state: DatabaseState, place: string): readonly Fact[] {
  const own = cluster.databases.get(state.name);
  return [
    ...(own === undefined ? [] : [ownerFact(`the database${place}`, own.owner), ...aclFacts(`the database${place}`, own)]),
    ...cluster.settings
      .filter((setting) => setting.database === state.name)
      .map(({ role, name, value }) =>
        settingFact(role ?? 'the database', name, value, place === '' ? ' in the database' : ` in ${state.name}`),
      ),
    ...[...state.schemas].flatMap(([name, schema]) => [
      ownerFact(`schema ${name}${place}`, schema.owner),
      ...aclFacts(`schema ${name}${place}`, schema),
    ]),
    ...state.columns.flatMap((group) =>
      group.columns.flatMap((column) => aclFacts(`column ${group.schema}.${group.table}.${column}${place}`, group)),
    ),
    ...state.globals.flatMap((object) => [
      ownerFact(`${object.kind} ${object.name}${place}`, object.owner),
      ...aclFacts(`${object.kind} ${object.name}${place}`, object),
    ]),
    ...state.defaults.map((entry): Fact => ({
      section: 'default privileges',
      subject: granteeText(entry.grantee),
      text: `${entry.privilege} on ${entry.of}s that ${entry.creator} will make${entry.schema === undefined ? '' : ` in ${entry.schema}`}${place}`,
      value: entry.grantable ? 'with grant option' : '',
    })),
  ];
}
