import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyOut } from '../../../src/backup/table/copy-apply.ts';
import { inspectTable } from '../../../src/backup/table/definition-inspect.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';

let database: TestDatabase;
let sql: postgres.Sql;

beforeAll(async () => {
  database = await createTestDatabase();
  sql = postgres(database.url, { max: 1, onnotice: () => undefined });
});
afterAll(async () => {
  await sql?.end({ timeout: 1 });
  await database?.drop();
});

test.each([10, 100, 1000, 5000, 20_000])(
  'a connection answers again after the %i rows that it gave, however slowly they were taken',
  async (rows) => {
    await sql.unsafe(`create table play_${rows} (id int primary key, n text);
    insert into play_${rows} select i, repeat(i::text, 20) from generate_series(1, ${rows}) i`);
    const definition = await inspectTable(sql, 'public', `play_${rows}`);
    for (let times = 0; times < 3; times += 1) {
      let [bytes, chunks] = [0, 0];
      const slow = new Writable({
        highWaterMark: 1,
        write(chunk: Buffer, _, done) {
          bytes += chunk.byteLength;
          chunks += 1;
          if (chunks % 100 === 0) setTimeout(done, times * 10);
          else done();
        },
      });
      await pipeline(await copyOut(sql, definition), slow);
      expect(bytes).toBeGreaterThan(rows * 20);
      expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
    }
  },
);
