import { open } from 'node:fs/promises';
import path from 'node:path';
import type postgres from 'postgres';
import type { TestCluster } from '../postgres/cluster.ts';

const PAGE_BYTES = 8192;

/** Flips one bit of a table's page on disk, as a failing device does: behind the server's back and without its LSN. Gives the file's path in the data directory. */
export async function flipBit(cluster: TestCluster, sql: postgres.Sql, table: string, block: number): Promise<string> {
  const [row] = await sql<{ path: string }[]>`select pg_relation_filepath(${table}) as path`;
  const file = await open(path.join(cluster.dataDirectory ?? '', row?.path ?? ''), 'r+');
  const at = block * PAGE_BYTES + 8000;
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  await file.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
  await file.close();
  return row?.path ?? '';
}

/** Puts other content in place of a table's page on disk, likewise. Gives the file's path in the data directory. */
export async function overwritePage(cluster: TestCluster, sql: postgres.Sql, table: string, block: number, page: Buffer): Promise<string> {
  const [row] = await sql<{ path: string }[]>`select pg_relation_filepath(${table}) as path`;
  const file = await open(path.join(cluster.dataDirectory ?? '', row?.path ?? ''), 'r+');
  await file.write(page, 0, page.byteLength, block * PAGE_BYTES);
  await file.close();
  return row?.path ?? '';
}
