import { chown, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { openClient, type ClientOptions } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { SystemUser } from '../../postgres/server.ts';
import { listItem, type Setting } from './clone-settings.ts';
import { makeDirectory, writeText } from './lay-down-apply.ts';

/** A place from which alone a restored cluster can be reached, until what came back with it is undone. */
export interface Quarantine {
  /** Mode 0700: holds the socket, and the pg_hba.conf that trusts whoever gets there. */
  readonly directory: string;
  readonly port: number;
  readonly settings: readonly Setting[];
}

/** Makes the place, in `parent`. `libraries` are what may be preloaded without working by itself. */
export async function makeQuarantine(
  port: number,
  libraries: readonly string[],
  owner: SystemUser | undefined,
  parent = os.tmpdir(),
): Promise<Quarantine> {
  // Not below the data directory: a socket's path must be short.
  const directory = await mkdtemp(path.join(parent, 'dbadmin-quarantine-'));
  if (owner !== undefined) await chown(directory, owner.uid, owner.gid);
  await makeDirectory(directory, 0o700, owner);
  const hba = path.join(directory, 'pg_hba.conf');
  const ident = path.join(directory, 'pg_ident.conf');
  await writeText(hba, 'local all all trust\n', owner);
  await writeText(ident, '', owner);
  return {
    directory,
    port,
    settings: [
      ['listen_addresses', ''],
      ['port', String(port)],
      ['unix_socket_directories', listItem(directory)],
      ['unix_socket_group', ''],
      ['unix_socket_permissions', '0700'],
      ['hba_file', hba],
      ['ident_file', ident],
      ['external_pid_file', path.join(directory, 'server.pid')],
      ['bonjour', 'off'],
      ['ssl', 'off'],
      // Nothing works by itself, and no commit waits for a standby that cannot connect.
      ['shared_preload_libraries', libraries.join(',')],
      ['max_logical_replication_workers', '0'],
      ['synchronous_standby_names', ''],
    ],
  };
}

export async function removeQuarantine({ directory }: Quarantine): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}

/**
 * How to connect to a cluster in quarantine as a superuser: through its socket, without a password. `candidates` are roles
 * that may be there; any of them can tell who is a superuser.
 *
 * @throws {DbadminError} `privilege-missing` when no superuser that may log in is found.
 */
export async function superuserOf(
  quarantine: Quarantine,
  candidates: readonly string[],
  options: ClientOptions = {},
): Promise<ConnectionParameters> {
  let answer = '';
  for (const user of new Set(candidates)) {
    for (const database of ['postgres', 'template1']) {
      const parameters: ConnectionParameters = {
        hosts: [{ host: quarantine.directory, port: quarantine.port }],
        user,
        database,
        password: undefined,
        sslMode: 'disable',
        sslRootCert: undefined,
        sslCert: undefined,
        sslKey: undefined,
        targetSessionAttrs: 'any',
        connectTimeoutMs: 10_000,
        applicationName: 'dbadmin reconcile',
      };
      const found = await findSuperuser(parameters, options);
      if (typeof found === 'string') return { ...parameters, user: found };
      if (found !== undefined) answer = ` The last answer: ${found.detail ?? found.message}.`;
    }
  }
  throw new DbadminError('privilege-missing', 'no superuser of the restored cluster is known', {
    detail: `Tried to connect as ${[...new Set(candidates)].join(', ')}.${answer}`,
    hint: 'Name one as the user of the cluster in the configuration, or with --url.',
  });
}

/** Its name; or why it could not be asked for. Undefined where there is none. */
async function findSuperuser(parameters: ConnectionParameters, options: ClientOptions): Promise<string | DbadminError | undefined> {
  let sql: Awaited<ReturnType<typeof openClient>>;
  try {
    sql = await openClient(parameters, options);
  } catch (error) {
    // No such role or database in the past that was restored.
    if (isDbadminError(error, 'credentials-wrong') || isDbadminError(error, 'connection-failed')) return error;
    throw error;
  }
  try {
    const rows = await sql<{ rolname: string }[]>`select rolname from pg_roles where rolsuper and rolcanlogin order by oid`;
    return rows[0]?.rolname;
  } finally {
    await sql.end({ timeout: 5 });
  }
}
