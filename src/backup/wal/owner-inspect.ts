import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseControlFile } from '../../postgres/control-file.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { ReplicationConnection } from '../../postgres/replication.ts';
import { inspectSource, type Source } from '../source-inspect.ts';
import type { WalOwner } from './push-run.ts';

/** Which cluster's WAL is to come, from the server itself. */
export async function askOwner(parameters: ConnectionParameters): Promise<Source> {
  const connection = await ReplicationConnection.open(parameters, { applicationName: 'dbadmin wal push' });
  try {
    return await inspectSource(connection);
  } finally {
    await connection.close();
  }
}

/**
 * Which cluster pushes: archive_command runs in its data directory. Undefined where there is no control file.
 *
 * The server's version stands in PG_VERSION as its major alone.
 */
export async function ownerOfDataDirectory(directory: string): Promise<WalOwner | undefined> {
  try {
    const control = parseControlFile(await readFile(path.join(directory, 'global', 'pg_control')));
    const major = Number.parseInt(await readFile(path.join(directory, 'PG_VERSION'), 'utf8'), 10);
    return { systemIdentifier: control.systemIdentifier, walSegmentBytes: control.walSegmentBytes, serverVersion: major * 10_000 };
  } catch {
    // Not a data directory, or not readable in this moment: the server is asked instead.
    return undefined;
  }
}
