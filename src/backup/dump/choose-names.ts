import { DbadminError } from '../../base/errors.ts';
import type { DumpManifest } from './manifest.ts';
import { NAME_BYTES, withSuffix } from './working-name.ts';

/** What is chosen of: a manifest, as far as it names databases. */
interface NamedDatabases {
  readonly label: string;
  readonly databases: readonly Pick<DumpManifest['databases'][number], 'database'>[];
}

/**
 * The databases that are asked for. `wanted` are names of databases, or several with commas between them; none is all.
 *
 * @throws {DbadminError} `usage` when one is not in the dump.
 */
export function chooseDumped({ label, databases }: NamedDatabases, wanted: readonly string[]): readonly string[] {
  const there = databases.map(({ database }) => database);
  const chosen = wanted.flatMap((each) => (there.includes(each) ? [each] : each.split(','))).filter((each) => each !== '');
  const absent = chosen.find((database) => !there.includes(database));
  if (absent !== undefined) {
    throw new DbadminError('usage', `dump ${label} has no database ${absent}`, { detail: `It has ${there.join(', ')}.` });
  }
  return [...new Set(chosen.length === 0 ? there : chosen)];
}

/**
 * Each database that is restored with the name it gets: `app_20261121t203001z` unless `app=other` is among `names`. `wanted` as {@link chooseDumped}
 * has them.
 *
 * @throws {DbadminError} `usage` when one is not in the dump, a name is for one that is not restored, or two would get one name.
 */
export function chooseNames(manifest: NamedDatabases, wanted: readonly string[], names: readonly string[]): ReadonlyMap<string, string> {
  const there = manifest.databases.map(({ database }) => database);
  const restored = new Set(chooseDumped(manifest, wanted));
  const given = new Map<string, string>();
  for (const [database, name] of names.map((each) => splitName(each, there))) {
    if (!restored.has(database)) throw new DbadminError('usage', `--name ${database}=${name}: --databases does not have ${database}`);
    if (given.has(database)) throw new DbadminError('usage', `--name gives database ${database} two names`);
    given.set(database, name);
  }
  const moment = manifest.label.replace(/-dump$/, '').toLowerCase();
  const chosenNames = new Map([...restored].map((database) => [database, given.get(database) ?? withSuffix(database, `_${moment}`)]));
  refuseSameName(chosenNames);
  return chosenNames;
}

function splitName(text: string, there: readonly string[]): readonly [string, string] {
  const database = there.find((each) => text.startsWith(`${each}=`) && text.length > each.length + 1);
  if (database === undefined) throw new DbadminError('usage', `--name takes DATABASE=NEW with a database of the dump, not "${text}"`);
  const name = text.slice(database.length + 1);
  if (Buffer.byteLength(name) > NAME_BYTES) {
    throw new DbadminError('usage', `--name ${text}: the name has more than ${NAME_BYTES} bytes, and PostgreSQL cuts off what is behind`);
  }
  return [database, name];
}

/** The second would be found out when the first is restored. */
function refuseSameName(names: ReadonlyMap<string, string>): void {
  const databases = new Map<string, string>();
  for (const [database, name] of names) {
    const other = databases.get(name);
    if (other !== undefined) {
      throw new DbadminError('usage', `databases ${other} and ${database} would both get the name ${name}`, {
        hint: 'Choose another name for one of them with --name OLD=NEW.',
      });
    }
    databases.set(name, database);
  }
}
