import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { Secret } from '../../../src/base/secret.ts';
import type { RepositoryConfig } from '../../../src/config/config.ts';
import type { CommandContext } from '../../../src/commands/command.ts';
import { returningByAll } from '../../../src/commands/restore/other-ledgers.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';

test('whoever interrupts does not wait for a repository that does not answer', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  const s3 = {
    name: 'far',
    type: 's3',
    bucket: 'music',
    prefix: '',
    region: 'here',
    endpoint,
    pathStyle: true,
    accessKeyId: 'key',
    secretAccessKey: new Secret('secret'),
    encryption: { kind: 'none' },
  };
  const interruption = new AbortController();
  const context = { clock: systemClock, log: silentLog, signal: interruption.signal, patienceMs: 0 } as unknown as CommandContext;
  const from = {
    config: { repositories: new Map([['far', s3 as unknown as RepositoryConfig]]) } as unknown as Parameters<
      typeof returningByAll
    >[1]['config'],
    cluster: { repositories: ['near', 'far'] },
    repository: { name: 'near' },
    opened: await makeMemoryRepository(),
    systemIdentifier: '7312345678901234567',
  };
  setTimeout(() => interruption.abort(new Error('interrupted')), 100);
  try {
    await expect(returningByAll(context, from, [], (all) => all)).rejects.toThrow('interrupted');
  } finally {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
});
