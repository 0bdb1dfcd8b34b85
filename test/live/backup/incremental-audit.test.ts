import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { statusOf } from '../../../src/commands/backup/show-backup.ts';
import { inspectLineage } from '../../../src/backup/lineage-inspect.ts';
import type { TakeResult } from '../../../src/backup/take/run.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { flipBit, overwritePage } from '../../backup/flip-bit.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { takeInto, takenInto } from '../../backup/take-into.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const MAJORS = drawn(import.meta.filename, [14, 16, 18]);

let directory: string;
let repository: Repository;
const opened: { cluster?: TestCluster; sql?: postgres.Sql } = {};

beforeEach(async () => {
  directory = await makeDirectory();
  repository = await makeRepository(path.join(directory, 'repository'));
});

afterEach(async () => {
  await opened.sql?.end();
  await opened.cluster?.stop();
  await removeDirectory(directory);
});

/** A cluster that cannot tell what changed, with tables large and small that no later work touches. */
async function start(major: number, checksums: boolean): Promise<{ cluster: TestCluster; sql: postgres.Sql }> {
  const settings = { autovacuum: 'off', ...(major >= 17 ? { summarize_wal: 'off' } : {}) };
  const cluster = await startTestCluster({ major, provider: 'embedded', checksums, settings });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  Object.assign(opened, { cluster, sql });
  for (const [table, rows] of Object.entries({ cold: 20_000, small: 300 })) {
    await sql.unsafe(`create table ${table} as select g, repeat(md5(g::text), 10) as t from generate_series(1, ${rows}) g`);
    await sql.unsafe(`vacuum freeze ${table}`);
  }
  await sql`create table warm as select g as n from generate_series(1, 20000) g`;
  return { cluster, sql };
}

async function take(cluster: TestCluster, kind: 'full' | 'incremental' = 'incremental'): Promise<TakeResult> {
  return await takeInto(cluster, { local: repository }, { kind });
}

async function readPage(cluster: TestCluster, sql: postgres.Sql, table: string, block: number): Promise<Buffer> {
  const [row] = await sql<{ path: string }[]>`select pg_relation_filepath(${table}) as path`;
  const file = await open(path.join(cluster.dataDirectory ?? '', row?.path ?? ''), 'r');
  const page = Buffer.alloc(8192);
  await file.read(page, 0, page.byteLength, block * page.byteLength);
  await file.close();
  return page;
}

/** Bytes of something else: whoever takes them for a page sees an LSN that no server has reached. */
function otherBytes(): Buffer {
  const bytes = randomBytes(8192);
  bytes.writeUInt32LE(0x00c0ffee, 0);
  return bytes;
}

describe('an incremental backup that reads everything', () => {
  test.each(MAJORS)('PostgreSQL %i: names the pages that changed without their LSN, and passes none on as changed', async (major) => {
    const { cluster, sql } = await start(major, false);
    const first = takenInto(await take(cluster), 'local');
    await sql`update warm set n = n + 1 where n % 7 = 0`;
    const second = await take(cluster);
    expect(second.mode.kind).toBe('hashes');
    expect(takenInto(second, 'local').audit).toMatchObject({ comparedWith: first.label, mismatches: [] });
    expect(takenInto(second, 'local').audit?.pages).toBeGreaterThan(1000);

    // Hints: read after the backup, they change pages without a trace, which is no damage.
    await sql`select count(*) from warm`;
    await sql`checkpoint`;
    const clean = takenInto(await take(cluster), 'local');
    expect(clean.audit).toMatchObject({ mismatches: [] });
    expect(clean.audit?.benign).toBeGreaterThan(0);

    const large = await flipBit(cluster, sql, 'cold', 123);
    const small = await flipBit(cluster, sql, 'small', 3);
    await sql`insert into small values (0, 'beside it')`;
    const emptied = await overwritePage(cluster, sql, 'cold', 200, Buffer.alloc(8192));
    for (const [table, block] of [
      ['cold', 321],
      ['small', 5],
    ] as const)
      await overwritePage(cluster, sql, table, block, otherBytes());
    const found = await take(cluster);
    const { label, audit } = takenInto(found, 'local');
    expect(found.mode.kind).toBe('hashes');
    expect(audit?.comparedWith).toBe(clean.label);
    expect(new Set(audit?.mismatches)).toEqual(
      new Set([
        { path: large, block: 123 },
        { path: small, block: 3 },
        { path: emptied, block: 200, emptied: true },
        { path: large, block: 321 },
        { path: small, block: 5 },
      ]),
    );
    expect(statusOf(found)).toBe(3);
    const next = await take(cluster);
    expect(takenInto(next, 'local')).toMatchObject({ parent: label, audit: { mismatches: [] } });
    const full = await take(cluster, 'full');
    expect(takenInto(full, 'local').audit?.mismatches).toEqual([]);

    const { suspicions } = await inspectLineage(repository, 'main');
    const later = [next, full].map((each) => takenInto(each, 'local').label);
    const earlier = [first.label, takenInto(second, 'local').label, clean.label];
    expect(suspicions.open).toMatchObject([{ audit: label, comparedWith: clean.label, earlier, later, pages: 5 }]);
  });

  test('names a page of which the storage gives an older version again, whose checksum is right', async () => {
    const { cluster, sql } = await start(16, true);
    const older = await readPage(cluster, sql, 'cold', 77);
    await sql`update cold set t = 'changed' where ctid = '(77,1)'`;
    await sql`checkpoint`;
    await take(cluster);
    const file = await overwritePage(cluster, sql, 'cold', 77, older);
    const found = takenInto(await take(cluster), 'local');
    expect(found).toMatchObject({ kind: 'incremental', damage: null, audit: { mismatches: [{ path: file, block: 77 }] } });
  });

  test.each(MAJORS)('PostgreSQL %i: a full one names a page of other bytes, of which the server itself says nothing', async (major) => {
    const { cluster, sql } = await start(major, true);
    await take(cluster);
    await sql`update warm set n = n + 1 where n % 7 = 0`;
    await sql`checkpoint`;
    const file = await overwritePage(cluster, sql, 'cold', 321, otherBytes());
    const found = await take(cluster, 'full');
    expect(takenInto(found, 'local')).toMatchObject({ damage: null, audit: { mismatches: [{ path: file, block: 321 }] } });
    expect(statusOf(found)).toBe(3);
    // It is what the cluster has: nothing more is said of it.
    expect(takenInto(await take(cluster, 'full'), 'local').audit?.mismatches).toEqual([]);
  });

  test('takes the pages of an index that is being built as they are: they change for hours before anything is logged of them', async () => {
    const { cluster, sql } = await start(16, false);
    // The build waits within the index expression, so that two backups find it at two places.
    await sql`create function place(n int) returns point language plpgsql immutable as $$ begin
      if n in (5000, 15000) then perform pg_advisory_xact_lock_shared(n); end if; return point(n, n * n % 1009); end $$`;
    const [gate, builder] = [postgres(cluster.url(), { max: 1 }), postgres(cluster.url(), { max: 1, onnotice: () => undefined })];
    try {
      await take(cluster);
      await gate`select pg_advisory_lock(5000), pg_advisory_lock(15000)`;
      const built = builder`create index building on warm using spgist (place(n))`.execute();
      for (const number of [5000, 15_000]) {
        await expect
          .poll(async () => (await sql`select from pg_locks where locktype = 'advisory' and not granted and objid = ${number}`).count, {
            timeout: 60_000,
          })
          .toBe(1);
        const result = await take(cluster);
        expect(takenInto(result, 'local').audit?.mismatches).toEqual([]);
        expect(statusOf(result)).toBe(0);
        await gate`select pg_advisory_unlock(${number})`;
      }
      await built;
    } finally {
      await Promise.all([gate.end(), builder.end()]);
    }
    expect(takenInto(await take(cluster), 'local').audit?.mismatches).toEqual([]);
  });
});
