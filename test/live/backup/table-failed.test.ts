import { rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportTable, type ExportRequest } from '../../../src/backup/table/export-run.ts';
import { importTable } from '../../../src/backup/table/import-run.ts';
import { transferTables } from '../../../src/backup/table/transfer-run.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { copyInStream, copyOutStream } from '../../../src/postgres/copy-stream.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let directory: string;
let cluster: TestCluster;
let sql: postgres.Sql;

beforeAll(async () => {
  directory = await makeDirectory();
  cluster = await startTestCluster({ major: 16, provider: 'embedded' });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql.unsafe('create table public.plain (n int); insert into public.plain values (1), (2)');
  await sql.unsafe(`create database win encoding 'WIN1252' template template0 lc_collate 'C' lc_ctype 'C'`);
  const win = postgres(cluster.url('win'), { max: 1 });
  // No character of WIN1252 has this byte: no other encoding can have it.
  await win.unsafe(`create table public.t (t text); insert into t values ('a'), (convert_from('\\x81', 'WIN1252'))`);
  await win.end();
});

afterAll(async () => {
  await sql.end();
  await cluster.stop();
  await removeDirectory(directory);
});

function request(name: string, database?: string): ExportRequest {
  const table = { parameters: cluster.parameters(database), schema: 'public', name };
  return { ...table, directory: path.join(directory, name), clock: systemClock, tool: 'test', signal: new AbortController().signal };
}

test('an error that comes with the first rows is told to whoever reads them, and the connection goes on', async () => {
  const rows = await copyOutStream(sql, 'copy (select 1 / (2 - n) from generate_series(1, 2) as n) to stdout');
  await expect(rows.toArray()).rejects.toThrow('division by zero');
  expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
  const good = await copyOutStream(sql, 'copy (select 7) to stdout');
  expect(String(Buffer.concat((await good.toArray()) as Buffer[]))).toBe('7\n');
  await expect(copyOutStream(sql, 'copy nothing to stdout')).rejects.toThrow('does not exist');
  expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
});

test('what the server refuses after the last row is told to whoever wrote them, and the connection goes on', async () => {
  const into = await copyInStream(sql, 'copy public.plain from stdin');
  await expect(pipeline(['3\n', 'x\n'], into)).rejects.toThrow('invalid input syntax');
  await pipeline(['3\n'], await copyInStream(sql, 'copy public.plain from stdin'));
  await expect(copyInStream(sql, 'copy nothing from stdin')).rejects.toThrow('does not exist');
  expect(await sql`delete from public.plain where n = 3 returning n`).toEqual([{ n: 3 }]);
});

test('an export or a copy of rows that cannot be written in UTF-8 is refused in the words of the server', async () => {
  await expect(exportTable(request('t', 'win'))).rejects.toMatchObject({
    code: 'query-failed',
    message: expect.stringMatching(/^"public"."t" was not exported: .* holds no table\.json$/) as unknown,
    detail: expect.stringContaining('0x81') as unknown,
  });
  const table = { schema: 'public', name: 't' };
  await expect(transferTables(cluster.parameters('win'), cluster.parameters(), [table], 'back', request('t').signal)).rejects.toMatchObject(
    {
      code: 'query-failed',
      detail: expect.stringContaining('0x81') as unknown,
    },
  );
  expect(await sql`select 1 from pg_namespace where nspname = 'back'`).toEqual([]);
});

test('an export without its rows is not imported, and says so', async () => {
  const { directory: out, parameters } = request('plain');
  await exportTable(request('plain'));
  await rm(path.join(out, 'rows.csv'));
  await expect(importTable({ parameters, directory: out, to: { schema: 'public', name: 'again' } })).rejects.toMatchObject({
    code: 'file-unreadable',
    message: expect.stringMatching(/^cannot read .*rows\.csv$/) as unknown,
  });
});

test('bytes of a database of SQL_ASCII stay what they are in another of it, and are told to be none of UTF-8 elsewhere', async () => {
  for (const name of ['bytes', 'others'])
    await sql.unsafe(`create database ${name} encoding 'SQL_ASCII' template template0 lc_collate 'C' lc_ctype 'C'`);
  const [bytes, others] = ['bytes', 'others'].map((name) => postgres(cluster.url(name), { max: 1, onnotice: () => undefined }));
  if (bytes === undefined || others === undefined) throw new Error('no databases');
  await bytes.unsafe(`create table public.raw (id int primary key, t text); create table public.clean (t text);
    insert into raw values (1, convert_from('\\xe4', 'SQL_ASCII')), (2, 'a"b'), (3, convert_from('\\xc3a4', 'SQL_ASCII'));
    insert into clean select t from raw where id > 1`);
  const held = [
    { id: 1, hex: 'e4' },
    { id: 2, hex: '612262' },
    { id: 3, hex: 'c3a4' },
  ];
  const inTable = async (client: postgres.Sql, table: string): Promise<unknown> =>
    await client.unsafe(`select id, encode(convert_to(t, 'SQL_ASCII'), 'hex') as hex from ${table} order by id`);
  const table = { schema: 'public', name: 'raw' };
  for (const [to, schema] of [
    ['bytes', 'back'],
    ['others', 'back'],
  ] as const)
    await transferTables(cluster.parameters('bytes'), cluster.parameters(to), [table], schema, request('raw').signal);
  for (const client of [bytes, others]) expect(await inTable(client, 'back.raw')).toEqual(held);

  expect(await exportTable(request('raw', 'bytes'))).toMatchObject({ encoding: 'SQL_ASCII', rows: 3 });
  await exportTable(request('clean', 'bytes'));
  const into = (name: string, database?: string): Parameters<typeof importTable>[0] => ({
    parameters: cluster.parameters(database),
    directory: request(name).directory,
    to: undefined,
  });
  expect(await importTable(into('raw', 'others'))).toMatchObject({ made: true, rows: 3 });
  expect(await inTable(others, 'public.raw')).toEqual(held);
  await others.unsafe('delete from public.raw where id = 1');
  expect(await importTable(into('raw', 'others'))).toMatchObject({ made: false, added: 1 });
  expect(await inTable(others, 'public.raw')).toEqual(held);
  await expect(importTable(into('raw'))).rejects.toMatchObject({
    code: 'query-failed',
    detail: expect.stringContaining('0xe4') as unknown,
    hint: expect.stringContaining('encoding SQL_ASCII') as unknown,
  });
  expect(await importTable(into('clean'))).toMatchObject({ made: true, rows: 2 });
  expect(await sql`select t from public.clean`).toEqual([{ t: 'a"b' }, { t: 'ä' }]);
  await bytes.end();
  await others.end();
});
