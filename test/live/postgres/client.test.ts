import { expect, test } from 'vitest';
import { openClient } from '../../../src/postgres/client.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

test('a client that asks for it has its statements not compiled, whatever the server does for others', async () => {
  const cluster = await startTestCluster({ major: 17, settings: { jit: 'on' } });
  try {
    for (const [options, expected] of [
      [{}, 'on'],
      [{ jit: false } as const, 'off'],
    ] as const) {
      const sql = await openClient(cluster.parameters(), options);
      expect(await sql`show jit`).toEqual([{ jit: expected }]);
      await sql.end();
    }
  } finally {
    await cluster.stop();
  }
});
