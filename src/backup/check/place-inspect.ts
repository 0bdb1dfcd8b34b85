import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { isDbadminError, systemCodeOf } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { parseControlFile } from '../../postgres/control-file.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { note, problem, type Finding } from './finding.ts';

/** Where the server says that its cluster lies: the data directory first, then its tablespaces. Empty where it does not say, or cannot be asked. */
export async function inspectServerDirectories(connection: ConnectionParameters): Promise<readonly string[]> {
  try {
    const sql = await openClient(connection, { applicationName: 'dbadmin backup check' });
    try {
      const rows = await sql<{ directory: string | null }[]>`
        select current_setting('data_directory', true) as directory
        union all (select pg_catalog.pg_tablespace_location(oid) from pg_catalog.pg_tablespace
          where spcname not in ('pg_default', 'pg_global') order by oid)`;
      const [data, ...tablespaces] = rows.map(({ directory }) => directory ?? '');
      return data === undefined || data === '' ? [] : [data, ...tablespaces.filter(path.isAbsolute)];
    } finally {
      await sql.end({ timeout: 1 });
    }
  } catch (error) {
    // Whoever may not see the data directory is told nothing; a server that is away, or goes away just now, is a finding of its own.
    if (isDbadminError(error) || systemCodeOf(error) !== undefined) return [];
    throw error;
  }
}

/**
 * Whether a repository on disk lies inside the cluster, or beside it on one file system. Says nothing where the cluster is on another machine,
 * as far as that can be known: its data directory is not here, or has another cluster in it.
 */
export async function checkPlace(
  what: string,
  repositoryPath: string,
  cluster: { readonly directories: readonly string[]; readonly systemIdentifier: string | undefined; readonly databaseIsHere: boolean },
): Promise<readonly Finding[]> {
  const [dataDirectory] = cluster.directories;
  if (dataDirectory === undefined || !(await isHere(dataDirectory, cluster))) return [];
  const repository = await placeOf(repositoryPath);
  if (repository === undefined) return [];
  const places = (await Promise.all(cluster.directories.map(placeOf))).filter((each) => each !== undefined);
  const around = places.find((each) => isInside(repository.path, each.path));
  if (around !== undefined) {
    // Of a tablespace's place a base backup has PostgreSQL's own directory in it alone.
    const harm =
      around === places[0] ? 'each backup copies the repository into itself' : 'what clears that directory takes the backups with it';
    return [
      problem(
        `${what} place`,
        `${repositoryPath} lies inside the cluster, in ${around.path}: ${harm}, and restore --delta is refused there`,
        `move ${repositoryPath} out of it, best to another disk, and correct its path in dbadmin.yaml`,
      ),
    ];
  }
  const beside = places.find(({ device }) => device === repository.device);
  if (beside === undefined) return [];
  return [
    note(
      `${what} place`,
      `on the same file system as ${beside.path}: what takes that disk takes the cluster and its backups`,
      'keep it on another disk or machine, or a copy of it there: another repository in dbadmin.yaml, and dbadmin repository sync to it',
    ),
  ];
}

/** By the system identifier; where that may not be read, by the way to the server. */
async function isHere(
  dataDirectory: string,
  { systemIdentifier, databaseIsHere }: { readonly systemIdentifier: string | undefined; readonly databaseIsHere: boolean },
): Promise<boolean> {
  try {
    const control = parseControlFile(await readFile(path.join(dataDirectory, 'global', 'pg_control')));
    return systemIdentifier === undefined ? databaseIsHere : control.systemIdentifier === systemIdentifier;
  } catch (error) {
    return databaseIsHere && systemCodeOf(error) === 'EACCES';
  }
}

async function placeOf(directory: string): Promise<{ readonly path: string; readonly device: number } | undefined> {
  try {
    const real = await realpath(directory);
    return { path: real, device: (await stat(real)).dev };
  } catch {
    return undefined;
  }
}

function isInside(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`);
}
