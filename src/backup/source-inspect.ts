import { DbadminError } from '../base/errors.ts';
import { refuseOtherBlocks } from './block-sizes.ts';
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

/** @throws {DbadminError} `server-unsupported` for a server that was built with other sizes of blocks. */
export async function inspectSource(connection: ReplicationConnection): Promise<Source> {
  const { systemIdentifier } = await connection.identifySystem();
  const walSegmentBytes = await showSize(connection, 'wal_segment_size');
  const blockBytes = Number(await connection.show('block_size'));
  refuseOtherBlocks({ blockBytes, walBlockBytes: Number(await connection.show('wal_block_size')) });
  const checksums = (await connection.show('data_checksums')) === 'on';
  return { systemIdentifier, serverVersion: connection.serverVersion, walSegmentBytes, blockBytes, checksums };
}

const UNITS: Readonly<Record<string, number>> = { B: 1, kB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };

/** The bytes of a setting that SHOW prints as `16MB` or `1GB`. */
export async function showSize(connection: ReplicationConnection, name: string): Promise<number> {
  const text = await connection.show(name);
  const match = /^(\d+)([kMGT]?B)$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  if (match === null || unit === undefined) throw new DbadminError('protocol-violation', `the server gave ${name} as "${text}"`);
  return Number(match[1]) * unit;
}
