import type { Repository } from '../../repository/repository.ts';
import { isAhead, momentOf } from '../../repository/stored-moment.ts';
import { listDumpTimes, type ListedContent } from './dump-times.ts';
import { extentOf } from './extent.ts';
import type { DumpManifest } from './manifest.ts';
import { readableDumpManifest } from './stored-dump.ts';

/** A dump, by its label. */
export interface LastDump {
  readonly label: string;
  /** When it began, ISO 8601. */
  readonly at: string;
}

/** What somebody promised to dump, and how old the last dump may be. */
export interface DumpPromise {
  /** `all`: every database that is no template; `as-before`: what the last dump that is no part was asked for. */
  readonly databases: 'all' | 'as-before' | readonly string[];
  /** Not to be dumped though all are. */
  readonly excluded: readonly string[];
  readonly ageMs: number | undefined;
}

/** A database that is to be dumped. */
export interface DatabaseDumps {
  readonly database: string;
  /** The last dump that holds all of it; of before dumps said so, any that holds it. Undefined: there is none. */
  readonly last: LastDump | undefined;
  /** How old that may be: the strictest of the promises. */
  readonly ageMs: number | undefined;
}

/** The last dump of a lineage that is no part, or where all are parts the last; undefined when there is none that can be read. */
export async function lastDump(repository: Repository, systemIdentifier: string, now: Date = new Date()): Promise<LastDump | undefined> {
  let lastPart: LastDump | undefined;
  for await (const dump of newestFirst(await listDumpTimes(repository, `${systemIdentifier}/`, now), repository, systemIdentifier)) {
    if (extentOf(dump.manifest) !== 'part') return lastOf(dump, now);
    lastPart ??= lastOf(dump, now);
  }
  return lastPart;
}

/**
 * Each database that is to be dumped and was there when the newest dump was taken, with its last whole dump, by name. None where there is no dump
 * but parts. Without a promise it is what the last dump that is no part was asked for.
 *
 * However far back it is: the names of the objects tell which dumps may hold a database, and of the others no manifest is read.
 */
export async function lastDumps(
  repository: Repository,
  systemIdentifier: string,
  promises: readonly DumpPromise[],
  now: Date,
): Promise<readonly DatabaseDumps[]> {
  const last = new Map<string, LastDump>();
  let there: There | undefined;
  let wanted: readonly Omit<DatabaseDumps, 'last'>[] | undefined;
  const listed = await listDumpTimes(repository, `${systemIdentifier}/`, now);
  for (const dump of listed.filter(({ startedAt }) => !isAhead(startedAt, now)).toReversed()) {
    if (wanted?.some(({ database }) => !last.has(database) && dump.has(database)) === false) continue;
    const manifest = await readableDumpManifest(repository, `${systemIdentifier}/`, dump.label);
    if (manifest === undefined) continue;
    there ??= databasesThere(manifest);
    if (extentOf(manifest) === 'part') continue;
    wanted ??= promised(there, promises, manifest);
    for (const { database } of manifest.databases)
      if (!last.has(database) && dump.has(database)) last.set(database, lastOf({ ...dump, manifest }, now));
  }
  return (wanted ?? []).map((each) => ({ ...each, last: last.get(each.database) }));
}

/** Labels of dumps of a moment that has not come: nothing tells how old they are. */
export async function dumpsAhead(repository: Repository, systemIdentifier: string, now: Date): Promise<readonly string[]> {
  const listed = await listDumpTimes(repository, `${systemIdentifier}/`, now);
  return listed.filter(({ startedAt }) => isAhead(startedAt, now)).map(({ label }) => label);
}

interface ReadDump extends ListedContent {
  readonly manifest: DumpManifest;
}

async function* newestFirst(listed: readonly ListedContent[], repository: Repository, systemIdentifier: string): AsyncGenerator<ReadDump> {
  for (const dump of listed.toReversed()) {
    const manifest = await readableDumpManifest(repository, `${systemIdentifier}/`, dump.label);
    if (manifest !== undefined) yield { ...dump, manifest };
  }
}

function lastOf({ label, manifest, storedAt }: ReadDump, now: Date): LastDump {
  return { label, at: momentOf(new Date(manifest.startedAt), storedAt, now).toISOString() };
}

/** What databases there were, by name: which of them all are, and those of the provider, which have to be named. */
interface There {
  readonly names: readonly string[];
  readonly ofProvider: ReadonlySet<string>;
}

/** Those that are no templates; of a dump that does not say, those that it holds. */
function databasesThere({ databases, leftOut = [] }: DumpManifest): There {
  const others = leftOut.flatMap(({ database, reason }) => (reason === 'template' ? [] : [database]));
  const ofProvider = leftOut.flatMap(({ database, reason }) => (reason === 'provider' ? [database] : []));
  return { names: [...databases.map(({ database }) => database), ...others].toSorted(), ofProvider: new Set(ofProvider) };
}

function promised(
  { names, ofProvider }: There,
  promises: readonly DumpPromise[],
  before: DumpManifest,
): readonly Omit<DatabaseDumps, 'last'>[] {
  const stated = promises.length > 0 ? promises : [{ databases: 'as-before', excluded: [], ageMs: undefined } as const];
  const all = stated.map((promise) => (promise.databases === 'as-before' ? { ...askedBefore(before), ageMs: promise.ageMs } : promise));
  return names.flatMap((database) => {
    const own = all.filter(({ databases, excluded }) =>
      databases === 'all' ? !excluded.includes(database) && !ofProvider.has(database) : databases.includes(database),
    );
    const ages = own.flatMap(({ ageMs }) => ageMs ?? []);
    return own.length === 0 ? [] : [{ database, ageMs: ages.length === 0 ? undefined : Math.min(...ages) }];
  });
}

function askedBefore({ selection, databases }: DumpManifest): Pick<DumpManifest['selection'] & object, 'databases' | 'excluded'> {
  return selection ?? { databases: databases.map(({ database }) => database), excluded: [] };
}
