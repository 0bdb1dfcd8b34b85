import { DbadminError } from '../base/errors.ts';
import type { ReplicationConnection } from '../postgres/replication.ts';

/** What a backup or a WAL receiver has to know of the cluster it reads. */
export interface Source {
  readonly systemIdentifier: string;
  readonly serverVersion: number;
  readonly walSegmentBytes: number;
  readonly blockBytes: number;
  /** Whether the cluster has data checksums. */
  readonly checksums: boolean;
}

export async function inspectSource(connection: ReplicationConnection): Promise<Source> {
  const { systemIdentifier } = await connection.identifySystem();
  const walSegmentBytes = parseSegmentSize(await connection.show('wal_segment_size'));
  const blockBytes = Number(await connection.show('block_size'));
  const checksums = (await connection.show('data_checksums')) === 'on';
  return { systemIdentifier, serverVersion: connection.serverVersion, walSegmentBytes, blockBytes, checksums };
}

/** `16MB` or `1GB`, as SHOW wal_segment_size prints it. */
function parseSegmentSize(text: string): number {
  const match = /^(\d+)(MB|GB)$/.exec(text);
  if (match === null) throw new DbadminError('protocol-violation', `the server gave wal_segment_size as "${text}"`);
  return Number(match[1]) * (match[2] === 'GB' ? 1024 : 1) * 1024 * 1024;
}
