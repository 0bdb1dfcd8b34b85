import type { TableRowSecurity } from '../lifecycle-state.ts';
import type { ClusterState, DatabaseState } from '../state.ts';
import { globalDefaultKey, PUBLIC } from '../state.ts';
import { linesOfUses, mergeLines, type RawLine } from './lines.ts';
import { databaseLines, objectLines, schemaLines, takeConnects } from './named-lines.ts';
import { byText } from './object-text.ts';
import type { ImportOptions } from './options.ts';
import { columnLines, globalLines } from './other-lines.ts';
import { ownedKinds, ownerLines } from './owner-tree.ts';
import { remainingOf } from './rights.ts';
import { policyTree } from './policy-tree.ts';
import { settingsTree } from './role-tree.ts';
import type { FoundProfile, Use } from './shapes.ts';
import { unlessEmpty, type TreeMap } from './tree.ts';
import { creatorsOf, takeAccessUses, takeFutureUses, takeGrantUses } from './uses.ts';

/** One database taken apart: what may share a profile with others, and what is said by name. */
export interface ImportedDatabase {
  readonly state: DatabaseState;
  readonly creators: ReadonlyMap<string, readonly string[]>;
  readonly uses: readonly Use[];
  readonly named: readonly RawLine[];
  readonly connect: readonly string[];
}

export function takeApart(
  cluster: ClusterState,
  state: DatabaseState,
  options: ImportOptions,
  open: ReadonlySet<string>,
): ImportedDatabase {
  const remaining = remainingOf(cluster, state, options, open);
  const creators = new Map([...state.schemas.keys()].map((schema) => [schema, creatorsOf(remaining, schema, options)] as const));
  const everybodys = builtInDefaults(state, remaining.defaults);
  // That a creator of a schema may make things there is said by naming it.
  for (const [schema, names] of creators) {
    for (const name of names.filter(options.declares)) {
      remaining.database.settleImplied(name, 'CONNECT');
      remaining.schemas.get(schema)?.settleImplied(name, 'USAGE');
      remaining.schemas.get(schema)?.settleImplied(name, 'CREATE');
    }
  }
  const uses = [...takeAccessUses(remaining, creators, options), ...takeGrantUses(remaining, options), ...takeFutureUses(remaining)];
  const connect = takeConnects(remaining);
  const named = [
    ...databaseLines(remaining),
    ...schemaLines(remaining),
    ...objectLines(remaining, options),
    ...columnLines(state, options),
    ...globalLines(state, options),
    ...everybodys,
  ];
  return { state, creators, uses, named, connect };
}

/**
 * What everybody may do by itself with new routines and types of those whose default privileges the file speaks of. Who has
 * taken all of that away, and gives nothing else, stands in a line that grants nothing: then the file speaks of it, too.
 */
function builtInDefaults(state: DatabaseState, defaults: ReadonlySet<DatabaseState['defaults'][number]>): readonly RawLine[] {
  const named = new Set([...defaults].map((entry) => entry.creator));
  const explicit = [...state.globalDefaults].map((key) => key.slice(key.indexOf(' ') + 1));
  const creators = [...new Set([...named, ...explicit])].sort(byText);
  const leaves = (of: 'routine' | 'type') => (creator: string) => !state.globalDefaults.has(globalDefaultKey(creator, of));
  const line = (about: string, grant: readonly string[], on: readonly string[], by: readonly string[]): readonly RawLine[] =>
    by.length === 0 ? [] : [{ about, head: { grant }, on, grantee: PUBLIC, tail: { by } }];
  const silent = creators.filter((creator) => !named.has(creator) && !leaves('routine')(creator) && !leaves('type')(creator));
  return [
    ...line('new routine', ['execute'], ['new routines'], creators.filter(leaves('routine'))),
    ...line('new type', ['usage'], ['new types'], creators.filter(leaves('type'))),
    ...line('new', [], ['new routines', 'new types'], silent),
  ];
}

/** A line of access with a profile takes several schemas, one without names one thing. */
function accessLines(uses: readonly Use[], profiles: readonly FoundProfile[]): readonly TreeMap[] {
  return mergeLines(linesOfUses(uses, profiles)).flatMap((line) => {
    const { on, grant } = line;
    return grant !== undefined && Array.isArray(on) ? on.map((each) => ({ ...line, on: each })) : [line];
  });
}

/** The entry of a database under `databases:`. */
export function databaseTree(
  imported: ImportedDatabase,
  cluster: ClusterState,
  profiles: readonly FoundProfile[],
  more: { readonly lines: readonly RawLine[]; readonly policies: readonly TableRowSecurity[] },
  options: ImportOptions,
): TreeMap {
  const { state, creators, uses, named, connect } = imported;
  const owner = cluster.databases.get(state.name)?.owner;
  const sorted = [...state.schemas].sort(([left], [right]) => byText(left, right));
  const owned = new Map(
    sorted.map(([schema, { owner: whose }]) => [schema, options.declares(whose) ? ownedKinds(state, schema, whose) : []] as const),
  );
  const schemas = sorted.map(([name, schema]): readonly [string, TreeMap] => {
    const isOurs = options.declares(schema.owner);
    const kinds = owned.get(name) ?? [];
    return [
      name,
      {
        owner: isOurs ? schema.owner : undefined,
        owns: unlessEmpty(kinds.map((kind) => `${kind}s`)),
        creators: isOurs || (creators.get(name)?.length ?? 0) > 0 ? (creators.get(name) ?? []) : undefined,
      },
    ];
  });
  const settings = cluster.settings.filter((setting) => setting.role === undefined && setting.database === state.name);
  return {
    owner: owner !== undefined && options.declares(owner) ? owner : undefined,
    connect: unlessEmpty(connect),
    settings: settingsTree(settings),
    schemas: Object.fromEntries(schemas),
    owners: unlessEmpty(ownerLines(state, owned, options)),
    access: unlessEmpty(
      accessLines(
        uses.filter((use) => use.level === 'access'),
        profiles,
      ),
    ),
    grants: unlessEmpty(
      mergeLines([
        ...linesOfUses(
          uses.filter((use) => use.level !== 'access'),
          profiles,
        ),
        ...named,
        ...more.lines,
      ]),
    ),
    row_security: unlessEmpty(policyTree(more.policies)),
  };
}
