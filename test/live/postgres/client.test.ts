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

test('bytes come as they are, in whichever form the server, the database or the role has them written', async () => {
  const cluster = await startTestCluster({ major: 17, settings: { bytea_output: 'escape' } });
  const bytes = Buffer.concat([
    Buffer.from('\\x41 \\366 # no backslash is lost\n'),
    Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  ]);
  const sql = await openClient(cluster.parameters());
  try {
    for (const form of ['escape', 'hex']) {
      await sql.unsafe(`set bytea_output = '${form}'`);
      expect(await sql`select ${bytes}::bytea as bytes, octet_length(${bytes}::bytea) as length, ''::bytea as none`).toEqual([
        { bytes, length: bytes.byteLength, none: Buffer.alloc(0) },
      ]);
    }
  } finally {
    await sql.end();
    await cluster.stop();
  }
});
