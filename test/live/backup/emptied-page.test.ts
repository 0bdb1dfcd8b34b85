import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { showOutcome } from '../../../src/commands/backup/show-backup.ts';
import type { TakeResult } from '../../../src/backup/take/run.ts';
import { beginningOf } from '../../../src/backup/suspicion.ts';
import { startCluster, stopCluster } from '../../../src/postgres/server.ts';
import { newFinding, placeFinding } from '../../../src/repository/audit-findings.ts';
import type { BackupSummary } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { overwritePage } from '../../backup/flip-bit.ts';
import { printed } from '../../backup/printed.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { takeInto, takenInto } from '../../backup/take-into.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let directory: string;
let repository: Repository;
let cluster: TestCluster;
let sql: postgres.Sql;

beforeEach(async () => {
  directory = await makeDirectory();
  repository = await makeRepository(path.join(directory, 'repository'));
  cluster = await startTestCluster({ major: 16, provider: 'embedded', settings: { autovacuum: 'off' } });
  sql = connect();
});

afterEach(async () => {
  await sql.end();
  await cluster.stop();
  await removeDirectory(directory);
});

function connect(): postgres.Sql {
  return postgres(cluster.url(), { max: 1, onnotice: () => undefined });
}

/** Has the server read its files anew. */
async function restart(): Promise<void> {
  const { programs, dataDirectory = '' } = cluster;
  if (programs === undefined) throw new Error('the server is in a container');
  await sql.end();
  await stopCluster(programs, dataDirectory);
  await startCluster(programs, dataDirectory, path.join(dataDirectory, '..', 'server.log'));
  sql = connect();
}

async function take(): Promise<BackupSummary> {
  return takenInto(await run(), 'local');
}

async function run(): Promise<TakeResult> {
  return await takeInto(cluster, { local: repository }, { kind: 'full' });
}

/** What backup run says on stderr of what was taken. */
function warningsOf(taken: TakeResult): string {
  return printed((output) => showOutcome(output, { repositories: ['local'] }, taken, 1)).stderr;
}

/** As backup acknowledge writes it. */
async function acknowledge(audited: BackupSummary): Promise<void> {
  const finding = newFinding({
    label: audited.label,
    sound: 'earlier',
    wrong: [audited.label],
    began: beginningOf(audited),
    reason: 'a page of zeros',
    now: new Date(),
  });
  await placeFinding(repository, audited.systemIdentifier, finding);
}

test('a page of zeros is named as emptied, amcheck and VACUUM pass over it, and VACUUM FULL with the rows brought back ends it', async () => {
  const rows = 'select g, repeat(md5(g::text), 10) as t from generate_series(1, 20000) g';
  await sql.unsafe(`create table cold as ${rows}`);
  await sql`alter table cold add primary key (g)`;
  await sql`vacuum freeze cold`;
  await sql`create extension amcheck`;
  const before = await take();
  await sql`checkpoint`;
  const file = await overwritePage(cluster, sql, 'cold', 100, Buffer.alloc(8192));
  await restart();
  const mismatch = { path: file, block: 100, emptied: true };
  const taken = await run();
  const found = takenInto(taken, 'local');
  expect(warningsOf(taken)).toMatch(new RegExp(`${file} block 100 \\(emptied\\): the cluster is wrong`));
  expect(found.audit).toMatchObject({ comparedWith: before.label, mismatches: [mismatch] });

  const countOf = async (): Promise<number> => (await sql<{ n: number }[]>`select count(t)::int as n from cold`)[0]?.n ?? 0;
  expect(await countOf()).toBeLessThan(20_000);
  expect(await sql`select * from verify_heapam('cold')`).toEqual([]);
  const missing = await sql.unsafe(`select r::text from (${rows}) r except all select c::text from cold c`);
  expect(missing.length).toBe(20_000 - (await countOf()));
  await sql`select bt_index_check('cold_pkey', true)`;

  // The rows alone do not end it: the page stays as it is.
  await sql.unsafe(`insert into cold ${rows} on conflict do nothing`);
  await sql`vacuum cold`;
  expect(await countOf()).toBe(20_000);
  await acknowledge(found);
  const again = await take();
  expect(again.audit).toMatchObject({ comparedWith: before.label, mismatches: [mismatch] });

  await sql`vacuum full cold`;
  await acknowledge(again);
  const mended = await take();
  expect(mended.audit).toMatchObject({ comparedWith: before.label, mismatches: [] });
  expect(await countOf()).toBe(20_000);
});
