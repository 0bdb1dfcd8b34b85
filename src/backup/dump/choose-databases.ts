import { DbadminError } from '../../base/errors.ts';
import { quoteName } from '../../postgres/quote.ts';
import type { DumpSource, UndumpableDatabase } from './inspect.ts';
import type { DumpSelection, LeftOutDatabase } from './manifest.ts';

export interface ChosenDatabases {
  /** Each once. */
  readonly databases: readonly string[];
  /** All others that are there. */
  readonly leftOut: readonly LeftOutDatabase[];
}

/**
 * What of a cluster a dump takes: the databases named, or all that are no templates and not the provider's own, but for those excluded. One that cannot be dumped keeps
 * no other from it, and is left out by name.
 *
 * @throws {DbadminError} `usage` when one named is not there, or all are excluded; `privilege-missing` when none of them can be dumped.
 */
export function chooseDatabases(
  source: Pick<DumpSource, 'databases' | 'undumpable' | 'ofProvider'>,
  selection: Pick<DumpSelection, 'databases' | 'excluded'>,
): ChosenDatabases {
  const there = [...source.databases, ...namesBut(source.undumpable, ['template'])];
  const named =
    selection.databases === 'all'
      ? [...source.databases, ...namesBut(source.undumpable, ['template', 'provider'])]
      : [...new Set(selection.databases)];
  const absent = named.find((database) => !there.includes(database));
  if (absent !== undefined) {
    if (absent === 'template0' || absent === 'template1' || namesOf(source.undumpable, 'template').includes(absent)) throw template(absent);
    throw new DbadminError('usage', `there is no database ${absent} to dump`, {
      detail: `The cluster has ${there.toSorted().join(', ')}.`,
    });
  }
  const wanted = new Set(named.filter((database) => !selection.excluded.includes(database)));
  const unwanted = (database: string): LeftOutDatabase => {
    return { database, reason: selection.excluded.includes(database) ? 'excluded' : 'not-asked' };
  };
  const databases = [...wanted].filter((database) => source.databases.includes(database) || source.ofProvider.includes(database));
  const leftOut = [
    ...source.databases.filter((database) => !wanted.has(database)).map(unwanted),
    ...source.undumpable.flatMap((each): readonly LeftOutDatabase[] => {
      if (databases.includes(each.database)) return [];
      if (each.reason === 'provider') return [wanted.has(each.database) ? { ...each, reason: 'no-privilege' } : each];
      return [each.reason === 'template' || wanted.has(each.database) ? each : unwanted(each.database)];
    }),
  ].toSorted((a, b) => (a.database < b.database ? -1 : 1));
  if (databases.length === 0) throw nothingToDump(wanted);
  return { databases, leftOut };
}

/** Of template0 and template1 no dump is taken, whatever the catalog says of them. */
function template(name: string): DbadminError {
  const own = name === 'template0' || name === 'template1';
  return new DbadminError('usage', `database ${name} is a template, and those are not dumped`, {
    detail: 'Nothing was dumped.',
    hint: `${own ? 'Dump it' : `Where it is none any more: ALTER DATABASE ${quoteName(name)} IS_TEMPLATE false; or dump it`} by pg_dump itself.`,
  });
}

function namesOf(databases: readonly UndumpableDatabase[], wanted: UndumpableDatabase['reason']): readonly string[] {
  return databases.flatMap(({ database, reason }) => (reason === wanted ? [database] : []));
}

function namesBut(databases: readonly UndumpableDatabase[], reasons: readonly UndumpableDatabase['reason'][]): readonly string[] {
  return databases.flatMap(({ database, reason }) => (reasons.includes(reason) ? [] : [database]));
}

function nothingToDump(wanted: ReadonlySet<string>): DbadminError {
  if (wanted.size === 0) return new DbadminError('usage', 'there is no database to dump: all that are there are excluded');
  return new DbadminError('privilege-missing', `none of these databases can be dumped: ${[...wanted].join(', ')}`, {
    hint: 'GRANT CONNECT ON DATABASE … TO the role that dumps, and see that they take connections.',
  });
}
