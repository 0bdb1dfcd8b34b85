import { expect, test } from 'vitest';
import { inspectSource, type Source } from '../../../src/backup/source-inspect.ts';
import type { ReplicationConnection } from '../../../src/postgres/replication.ts';

/** A server that answers as one would that was built so: there is no package of such a one. */
async function sourceBuiltWith(sizes: Readonly<Record<string, string>>): Promise<Source> {
  const settings: Readonly<Record<string, string>> = {
    wal_segment_size: '16MB',
    block_size: '8192',
    wal_block_size: '8192',
    data_checksums: 'on',
    ...sizes,
  };
  const server: Pick<ReplicationConnection, 'identifySystem' | 'show' | 'serverVersion'> = {
    serverVersion: 170_002,
    identifySystem: async () =>
      await Promise.resolve({ systemIdentifier: '7300000000000000001', timeline: 1, flushLsn: 0n, databaseName: undefined }),
    show: async (name) => await Promise.resolve(settings[name] ?? ''),
  };
  return await inspectSource(server as ReplicationConnection);
}

test('a server with the usual blocks is one that can be backed up', async () => {
  expect(await sourceBuiltWith({})).toMatchObject({ blockBytes: 8192, walSegmentBytes: 16 * 2 ** 20 });
});

test.each([
  ['block_size', '4096'],
  ['block_size', '32768'],
  ['wal_block_size', '65536'],
])('a server built with %s %s is refused by name, before anything is done with it', async (setting, bytes) => {
  await expect(sourceBuiltWith({ [setting]: bytes })).rejects.toMatchObject({
    code: 'server-unsupported',
    message: `the server was built with ${setting} ${bytes}, and backups are for servers with 8192`,
  });
});
