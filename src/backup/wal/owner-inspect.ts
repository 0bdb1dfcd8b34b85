import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseControlFile, type ControlFile } from '../../postgres/control-file.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { ReplicationConnection } from '../../postgres/replication.ts';
import { refuseOtherBlocks } from '../block-sizes.ts';
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
 *
 * @throws {DbadminError} `server-unsupported` for a cluster with other sizes of blocks.
 */
export async function ownerOfDataDirectory(directory: string): Promise<WalOwner | undefined> {
  const found = await readControl(directory);
  if (found === undefined) return undefined;
  const { systemIdentifier, walSegmentBytes, blockSize, walBlockSize } = found.control;
  refuseOtherBlocks({ blockBytes: blockSize, walBlockBytes: walBlockSize });
  return { systemIdentifier, walSegmentBytes, serverVersion: found.major * 10_000 };
}

async function readControl(directory: string): Promise<{ readonly control: ControlFile; readonly major: number } | undefined> {
  try {
    const control = parseControlFile(await readFile(path.join(directory, 'global', 'pg_control')));
    return { control, major: Number.parseInt(await readFile(path.join(directory, 'PG_VERSION'), 'utf8'), 10) };
  } catch {
    // Not a data directory, or not readable in this moment: the server is asked instead.
    return undefined;
  }
}
