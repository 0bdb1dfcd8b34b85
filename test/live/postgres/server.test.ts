import postgres from 'postgres';
import { afterAll, expect, test } from 'vitest';
import { EMBEDDED_MAJORS, hasEmbedded } from '../../../src/postgres/embedded.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import { createTestDatabase } from '../../postgres/fixture.ts';

const database = await createTestDatabase();
afterAll(async () => await database.drop());

test('a test file has a database of its own in the shared cluster', async () => {
  const [row] = await database.sql<{ name: string }[]>`select current_database() as name`;
  expect(row?.name).toBe(database.name);
});

test.each(EMBEDDED_MAJORS.filter(hasEmbedded))('embedded PostgreSQL %i initialises, starts, crashes and stops', async (major) => {
  const cluster = await startEmbeddedCluster({ major, password: 'a password' });
  try {
    const sql = postgres(cluster.url(), { max: 1 });
    const [row] = await sql<{ version: string; checksums: string }[]>`
      select current_setting('server_version_num') as version, current_setting('data_checksums') as checksums`;
    await sql.end();
    expect(Math.floor(Number(row?.version) / 10_000)).toBe(major);
    expect(row?.checksums).toBe('on');
    await cluster.crash();
    await expect(postgres(cluster.url(), { max: 1 })`select 1`).rejects.toThrow(/ECONNREFUSED/);
  } finally {
    await cluster.stop();
  }
});
