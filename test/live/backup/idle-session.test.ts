import net from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReplicationConnection } from '../../../src/postgres/replication.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

let directory: string;
beforeAll(async () => {
  directory = await makeDirectory();
});
afterAll(async () => await removeDirectory(directory));

describe.each(drawn(import.meta.filename, [14, 18]))('where PostgreSQL %i ends sessions that are idle', (major) => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startTestCluster({ major, settings: { idle_session_timeout: '300ms' } });
  });
  afterAll(async () => await cluster.stop());

  test('a replication connection may wait', async () => {
    const connection = await ReplicationConnection.open(cluster.parameters());
    await pause(1000);
    expect(await connection.show('idle_session_timeout')).toBe('0');
    await connection.close();
  });

  test('a replication connection whose client vanished is given up within minutes', async () => {
    const connection = await ReplicationConnection.open(cluster.parameters());
    const [idle, interval, count] = [
      await connection.show('tcp_keepalives_idle'),
      await connection.show('tcp_keepalives_interval'),
      await connection.show('tcp_keepalives_count'),
    ].map(Number);
    expect((idle ?? 0) + (interval ?? 0) * (count ?? 0)).toBe(120);
    await connection.close();
  });

  test('a backup is taken into a repository that takes its time', async () => {
    const repository = await makeRepository(path.join(directory, String(major)));
    expect((await backUp(cluster, slow(repository), { kind: 'full' })).missing).toEqual([]);
  });

  test('a pooler that takes no options is asked without', async () => {
    const pooler = await startPooler(cluster);
    try {
      const parameters = { ...cluster.parameters(), hosts: [{ host: '127.0.0.1', port: pooler.port }] };
      const connection = await ReplicationConnection.open(parameters);
      expect(await connection.show('idle_session_timeout')).toBe('300ms');
      await connection.close();
      expect(pooler.refused).toBe(1);
    } finally {
      await pooler.close();
    }
  });
});

/** The repository, each listing of which takes longer than the server waits. */
function slow(repository: Repository): Repository {
  const store = passThrough(repository.store);
  return {
    ...repository,
    store: {
      ...store,
      async *list(prefix) {
        await pause(400);
        yield* store.list(prefix);
      },
    },
  };
}

interface Pooler {
  readonly port: number;
  readonly refused: number;
  close(): Promise<void>;
}

/** Refuses what it does not know of the first message, as PgBouncer does, and lets everything else through. Without TLS. */
async function startPooler(cluster: TestCluster): Promise<Pooler> {
  let refused = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined);
    const onFirst = (first: Buffer): void => {
      const isRequestForTls = first.length === 8 && first.readUInt32BE(4) === 80_877_103;
      if (isRequestForTls) {
        client.write('N');
        client.once('data', onFirst);
      } else if (first.includes('idle_session_timeout')) {
        refused += 1;
        const fields = 'SFATAL\0C08P01\0Munsupported startup parameter in options: idle_session_timeout\0\0';
        const message = Buffer.alloc(5 + fields.length, `E\0\0\0\0${fields}`, 'latin1');
        message.writeUInt32BE(4 + fields.length, 1);
        client.end(message);
      } else {
        const behind = net.connect(cluster.port, cluster.host, () => behind.write(first));
        sockets.add(behind);
        behind.on('error', () => client.destroy());
        client.pipe(behind).pipe(client);
      }
    };
    client.once('data', onFirst);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get refused() {
      return refused;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
