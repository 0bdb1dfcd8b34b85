import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { judgeDrill } from '../../../src/backup/drill/judge.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { drill } from '../../backup/drill.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { waitUntilAllStored } from '../../backup/stored.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

describe('a drill', () => {
  let cluster: TestCluster;
  let directory: string;
  let repository: Repository;

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: 17 });
    repository = await makeRepository(path.join(directory, 'repository'));
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe(`
      create table step (n int primary key, t text); insert into step values (1);
      create table turned as select g as n from generate_series(1, 1000) g; create function turn(n int) returns int language sql immutable as 'select n';
      create index turned_index on turned (turn(n)); create or replace function turn(n int) returns int language sql immutable as 'select -n'`);
    const receiver = startReceiver(cluster, repository);
    await backUp(cluster, repository);
    for (let n = 2; n <= 30; n += 1) {
      await sql`insert into step values (${n}, ${'x'.repeat(3000)})`;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const limit of ['statement_timeout', 'transaction_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'])
      await sql.unsafe(`alter database postgres set ${limit} = '1ms'`);
    await waitUntilAllStored(repository, sql);
    await sql.end();
    await receiver.stop();
  });
  afterAll(async () => {
    await cluster.stop();
    await removeDirectory(directory);
  });

  test('to the latest passes when the end of the WAL was reached, amcheck is clean and the assertions hold', async () => {
    const run = await drill(repository, directory, {
      assertions: [{ sql: 'select count(*) from step', is: 30 }],
    });
    expect(run).toMatchObject({ error: undefined, plan: { end: 'end-of-wal' }, reached: { state: 'open', timeline: 2 } });
    expect(run.reached?.lsn).toBe(run.plan?.fromLsn);
    expect(run.amcheck).toMatchObject({ state: 'clean', heapAllIndexed: false, databases: 3 });
    expect(run.assertions).toMatchObject([{ got: '30', holds: true }]);
    expect(judgeDrill(run)).toEqual({ verdict: 'passed', failures: [], weaknesses: [] });
    expect(run.times.rtoMs).toBeGreaterThan((run.times.restoreMs ?? 0) + (run.times.recoveryMs ?? 0));
  });

  test('limits of time that came back with the cluster end none of its checks', async () => {
    const run = await drill(repository, directory, {
      assertions: [
        { sql: "select count(*) from pg_db_role_setting, unnest(setconfig) c where c like '%timeout=1ms'", is: 4 },
        { sql: 'select pg_sleep(0.1) is not null', is: true },
      ],
    });
    expect(judgeDrill(run)).toEqual({ verdict: 'passed', failures: [], weaknesses: [] });
  });

  test('to random moments reaches exactly the commit that the WAL promises, and its seed draws the same again', async () => {
    const seed = String(Date.now());
    const run = await drill(repository, directory, {
      aim: { kind: 'random', seed },
      assertions: [{ sql: 'select max(n) = count(*) from step', is: true }],
    });
    expect(run.target).toMatchObject({ asked: 'random', seed });
    expect(judgeDrill(run).failures).toEqual([]);
    expect(run.reached?.state).toBe('paused');
    if (run.plan?.end === 'lsn') {
      expect(run.reached).toMatchObject({ lsn: run.plan.untilLsn, lastCommit: 'committed' });
    }
    const again = await drill(repository, directory, { aim: { kind: 'random', seed }, amcheck: 'off' });
    expect(again.plan).toEqual(run.plan);
    // Nobody looked inside.
    expect(judgeDrill(again).verdict).toBe('proved-nothing');
  });

  test('an assertion that does not hold fails it, and says what was there', async () => {
    const assertions = [
      { sql: 'select count(*) from step', is: 29 },
      { sql: 'select n from step', is: 1 },
      { sql: 'select n from no_such_table', is: 1 },
      { sql: 'insert into step values (99) returning n', is: 99 },
    ];
    const run = await drill(repository, directory, { assertions, amcheck: 'off' });
    expect(run.assertions.map(({ holds }) => holds)).toEqual([false, false, false, false]);
    expect(judgeDrill(run)).toMatchObject({
      verdict: 'failed',
      failures: [
        expect.stringContaining('gave 30'),
        expect.stringContaining('30 rows'),
        expect.stringContaining('no_such_table'),
        expect.stringContaining('read-only'),
      ],
    });
  });

  test('an index that lacks rows of its table is found when every row is looked for', async () => {
    const run = await drill(repository, directory, {
      aim: { kind: 'given', target: { kind: 'immediate' }, asked: 'immediate' },
      amcheck: 'heap-all-indexed',
    });
    expect(run.amcheck).toMatchObject({ state: 'damaged', findings: [expect.stringMatching(/turned_index.*lacks matching index tuple/)] });
    expect(judgeDrill(run).verdict).toBe('failed');
  });

  test('a backup whose content is damaged fails it, naming the object', async () => {
    const names = (await readdir(path.join(directory, 'repository'), { recursive: true })).filter((name) =>
      /packs\/..\/[0-9a-f]{32}$/.test(name),
    );
    const pack = path.join(directory, 'repository', names.sort()[0] ?? '');
    const original = await readFile(pack);
    const bytes = Buffer.from(original);
    bytes.writeUInt8(bytes.readUInt8(bytes.byteLength >> 1) ^ 1, bytes.byteLength >> 1);
    await writeFile(pack, bytes);
    const run = await drill(repository, directory);
    expect(judgeDrill(run)).toMatchObject({ verdict: 'failed', failures: [expect.stringContaining(path.basename(pack))] });
    expect(run.reached).toBeNull();
    await writeFile(pack, original);
  });

  test('leaves nothing behind', async () => {
    expect((await readdir(directory)).filter((name) => name.startsWith('dbadmin-drill-'))).toEqual([]);
  });
});
