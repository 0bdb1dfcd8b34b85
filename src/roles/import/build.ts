import type { DatabaseState, ObservedState } from '../state.ts';
import { databaseTree, takeApart } from './database-tree.ts';
import { isOpenExtension } from './holdings.ts';
import { mergeLines } from './lines.ts';
import type { DatabaseDetails } from './inspect.ts';
import { nameText } from './object-text.ts';
import type { ImportOptions } from './options.ts';
import { parameterLines, tablespaceLines } from './other-lines.ts';
import { roleSections } from './role-tree.ts';
import { findProfiles, profileTree } from './shapes.ts';
import { unlessEmpty, type TreeMap } from './tree.ts';

/** A roles.yaml that says what a cluster is, and what it is made of. */
export interface ImportedFile {
  readonly tree: TreeMap;
  readonly counts: {
    readonly roles: number;
    readonly profiles: number;
    readonly databases: number;
    readonly accessLines: number;
    readonly grantLines: number;
  };
}

/**
 * The file for a cluster. Gives nothing that is not there: a line stands for many privileges only where all of them are.
 *
 * Pure; whether the plan of the file is empty is for the caller to prove, on the server.
 */
export function buildFile(
  observed: ObservedState,
  options: ImportOptions,
  details: ReadonlyMap<string, Pick<DatabaseDetails, 'rowSecurity'>> = new Map(),
): ImportedFile {
  const { cluster } = observed;
  const states = options.databases.flatMap((name) => observed.databases.get(name) ?? []).map((state) => withoutOwnSchema(state, options));
  const extensions = [...new Set(states.flatMap((state) => state.groups.flatMap((group) => group.extension ?? [])))].sort();
  const open = new Set(extensions.filter((name) => hasRoutines(name, observed) && isOpenExtension(name, states)));
  const imported = states.map((state) => takeApart(cluster, state, options, open));
  const profiles = findProfiles(imported.flatMap((each) => each.uses));
  const shared = tablespaceLines(cluster, options);
  const databases = imported.map(
    (each, index) =>
      [
        each.state.name,
        databaseTree(
          each,
          cluster,
          profiles,
          { lines: index === 0 ? shared : [], policies: details.get(each.state.name)?.rowSecurity ?? [] },
          options,
        ),
      ] as const,
  );
  const sections = roleSections(cluster, options);
  const tree: TreeMap = {
    version: 1,
    cluster: { maintenance_db: options.maintenanceDatabase, min_server: cluster.major },
    scope: options.roleGlobs.length === 0 ? undefined : { roles: options.roleGlobs },
    mode: 'manage',
    public: {
      preset: 'declared',
      keep: unlessEmpty([...open].map((name) => ({ on: `extension ${nameText(name)}`, privileges: ['execute'] }))),
    },
    profiles: unlessEmpty(profileTree(profiles)),
    groups: unlessEmpty(sections.groups),
    services: unlessEmpty(sections.services),
    humans: unlessEmpty(sections.humans),
    databases: unlessEmpty(Object.fromEntries(databases)),
    parameters: unlessEmpty(mergeLines(parameterLines(cluster, options))),
  };
  const lines = (key: string): number => databases.reduce((sum, [, each]) => sum + lengthOf(each[key]), 0);
  return {
    tree,
    counts: {
      roles: [sections.groups, sections.services, sections.humans].reduce((sum, section) => sum + Object.keys(section).length, 0),
      profiles: profiles.length,
      databases: databases.length,
      accessLines: lines('access'),
      grantLines: lines('grants'),
    },
  };
}

/** Where dbadmin keeps its records; it makes the schema itself, so a file that asks for it is wrong on a cluster that has none yet. */
const OWN_SCHEMA = 'dbadmin';

function withoutOwnSchema(state: DatabaseState, options: ImportOptions): DatabaseState {
  const ours = [state.schemas.get(OWN_SCHEMA), ...[...state.groups, ...state.columns].filter(({ schema }) => schema === OWN_SCHEMA)];
  const isUsed = ours.some(
    (each) =>
      each !== undefined &&
      [each.owner, ...each.acl.flatMap(({ grantee }) => (grantee.kind === 'role' ? grantee.name : []))].some(options.declares),
  );
  if (isUsed || state.defaults.some((entry) => entry.schema === OWN_SCHEMA)) return state;
  const isOther = ({ schema }: { readonly schema: string }): boolean => schema !== OWN_SCHEMA;
  return {
    ...state,
    schemas: new Map([...state.schemas].filter(([name]) => name !== OWN_SCHEMA)),
    groups: state.groups.filter(isOther),
    columns: state.columns.filter(isOther),
  };
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

function hasRoutines(extension: string, observed: ObservedState): boolean {
  return [...observed.databases.values()].some((state) =>
    state.groups.some((group) => group.extension === extension && group.kind === 'routine'),
  );
}
