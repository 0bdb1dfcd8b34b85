import { randomBytes } from 'node:crypto';
import { appendFile, chown, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { messageOf, DbadminError } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { quoteName } from '../../postgres/quote.ts';
import { findServerPrograms, missingServerPrograms, type Environment } from '../../postgres/programs.ts';
import { initCluster, startCluster, stopCluster, type ServerPrograms } from '../../postgres/server.ts';
import { markInUse, sweepAbandoned } from './sweep-run.ts';

/** Nothing of a scratch server outlives it, so nothing has to reach the disk. */
const SETTINGS = [
  "listen_addresses = ''",
  'fsync = off',
  'synchronous_commit = off',
  'full_page_writes = off',
  'wal_level = minimal',
  'max_wal_senders = 0',
  'autovacuum = off',
  'jit = off',
  "shared_preload_libraries = ''",
];
const PORT = 5432;
const PREFIX = 'dbadmin-scratch-';

/** Where to replay: a server that is there, or one of its own made of the programs of a major. */
export type ScratchPlace =
  | { readonly kind: 'server'; readonly connection: ConnectionParameters }
  | { readonly kind: 'own'; readonly major: number };

/**
 * An empty database for as long as `work` takes. `database` is its name where the server is its own; elsewhere it has a random one.
 *
 * @throws {DbadminError} `program-missing` where the server programs of the major are not on this machine.
 */
export async function withScratch<Value>(
  place: ScratchPlace,
  database: string,
  env: Environment,
  work: (connection: ConnectionParameters) => Promise<Value>,
): Promise<Value> {
  if (place.kind === 'server') return await withScratchDatabase(place.connection, work);
  const programs = await findServerPrograms(place.major, env);
  if (programs === undefined) throw missingServerPrograms(place.major);
  return await withScratchServer(programs, database, work);
}

/**
 * An empty server for as long as `work` takes, with one empty database of the given name. It listens on a socket in a directory
 * that only its own user may enter, on no network. It has ended, and its files are gone, when this returns or throws.
 */
async function withScratchServer<Value>(
  programs: ServerPrograms,
  database: string,
  work: (superuser: ConnectionParameters) => Promise<Value>,
): Promise<Value> {
  const owner = programs.runAs?.uid ?? process.getuid?.() ?? 0;
  await sweepAbandoned(os.tmpdir(), PREFIX, [owner, process.getuid?.() ?? 0]);
  // Short: the path of a socket may have 107 bytes.
  const directory = await mkdtemp(path.join(os.tmpdir(), PREFIX));
  const dataDirectory = path.join(directory, 'data');
  const release = await markInUse(directory);
  try {
    if (programs.runAs !== undefined) await chown(directory, programs.runAs.uid, programs.runAs.gid);
    await initCluster(programs, dataDirectory, { checksums: false });
    const settings = [...SETTINGS, `unix_socket_directories = '${directory.replaceAll("'", "''")}'`, `port = ${PORT}`];
    await appendFile(path.join(dataDirectory, 'postgresql.conf'), `\n${settings.join('\n')}\n`);
    await startCluster(programs, dataDirectory, path.join(directory, 'server.log'));
    const superuser = socketParameters(directory);
    if (database !== superuser.database) await inDatabase(superuser, `create database ${quoteName(database)} template template0`);
    return await work({ ...superuser, database });
  } finally {
    await stopCluster(programs, dataDirectory, 'immediate').catch(() => undefined);
    await release();
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * An empty database on a server that is there already, for as long as `work` takes.
 *
 * @throws {DbadminError} `privilege-missing`, `connection-failed`.
 */
async function withScratchDatabase<Value>(
  server: ConnectionParameters,
  work: (connection: ConnectionParameters) => Promise<Value>,
): Promise<Value> {
  const database = `dbadmin_scratch_${randomBytes(6).toString('hex')}`;
  try {
    await inDatabase(server, `create database ${quoteName(database)} template template0`);
  } catch (error) {
    if (error instanceof DbadminError) throw error;
    throw new DbadminError('privilege-missing', `cannot make a scratch database as ${server.user}`, {
      detail: messageOf(error),
      hint: 'Name a server whose user may create databases and roles; it must not be production.',
      cause: error,
    });
  }
  try {
    return await work({ ...server, database });
  } finally {
    await inDatabase(server, `drop database if exists ${quoteName(database)} with (force)`);
  }
}

function socketParameters(directory: string): ConnectionParameters {
  return {
    hosts: [{ host: directory, port: PORT }],
    user: 'postgres',
    database: 'postgres',
    password: undefined,
    sslMode: 'disable',
    sslRootCert: undefined,
    sslCert: undefined,
    sslKey: undefined,
    targetSessionAttrs: 'any',
    connectTimeoutMs: 10_000,
    applicationName: 'dbadmin scratch',
  };
}

async function inDatabase(parameters: ConnectionParameters, statement: string): Promise<void> {
  const sql = await openClient(parameters);
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
