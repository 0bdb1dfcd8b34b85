import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chooseMoment, drawOf } from '../../../src/backup/drill/choose-moment.ts';
import { inspectLineage, readLineage } from '../../../src/backup/lineage-inspect.ts';
import { inspectRestore, type Preflight } from '../../../src/backup/restore/inspect.ts';
import { formatMoment, targetUs, timeTarget, type RestoreTarget } from '../../../src/backup/restore/target.ts';
import { LeftBehind } from '../../../src/backup/restore/unreachable.ts';
import { recoverableStretches, recoverableWindows } from '../../../src/backup/windows.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { runCommand, writeConfig } from '../../backup/command.ts';
import { drill } from '../../backup/drill.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore, startReceiver } from '../../backup/repository.ts';
import { waitUntilStored } from '../../backup/stored.ts';
import { clusterAddress } from '../../postgres/address.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const sleep = async (ms: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, ms));

/** Rows 1 to 4 on timeline 1; restored to row 1 in the morning's place, it went on as timeline 2 with rows 10 and 11. */
describe.each(drawn(import.meta.filename, [15, 18]))('a moment on a timeline that was left, on PostgreSQL %i', (major) => {
  let directory: string;
  let config: string;
  let repository: Repository;
  let cluster: TestCluster;
  /** After each row, and while the new timeline stood idle. */
  const after = new Map<number | 'promotion', Date>();
  /** Of row 4. Timeline 2 gives the numbers of rows 2 and 3 a second time. */
  let lastTransaction = '';

  async function write(url: string, n: number): Promise<string> {
    const sql = postgres(url, { max: 1 });
    const [inserted] = await sql<{ xid: string }[]>`insert into step values (${n}) returning xmin::text as xid`;
    if (n === 4) lastTransaction = inserted?.xid ?? '';
    const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
    await sql.end();
    await sleep(20);
    after.set(n, new Date());
    await sleep(20);
    return row?.lsn ?? '';
  }

  beforeAll(async () => {
    directory = await makeDirectory();
    repository = await makeRepository(path.join(directory, 'repository'));
    cluster = await startTestCluster({ major, provider: 'embedded', settings: { autovacuum: 'off' } });
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    const sql = postgres(cluster.url(), { max: 1 });
    await sql`create table step (n int)`;
    await sql.end();
    let receiver = startReceiver(cluster, repository);
    await backUp(cluster, repository);
    const first = parseLsn(await write(cluster.url(), 1));
    await write(cluster.url(), 2);
    // A stretch of time long enough for a random moment to be found in it.
    await sleep(1000);
    await write(cluster.url(), 3);
    const named = postgres(cluster.url(), { max: 1 });
    await named`select pg_create_restore_point('left behind')`;
    await named.end();
    await waitUntilStored(repository, parseLsn(await write(cluster.url(), 4)));
    await cluster.crash();
    await receiver.stop();
    // The checkpoint that ends its recovery tells when the new timeline began to the second.
    await sleep(1000);
    const promoted = await restore({
      repository,
      target: { kind: 'lsn', lsn: first },
      exclusive: true,
      into: path.join(directory, 'promoted'),
    });
    receiver = startReceiver(clusterAddress(Number(new URL(promoted.url).port), undefined) as unknown as TestCluster, repository);
    await sleep(1500);
    after.set('promotion', new Date());
    await sleep(500);
    await write(promoted.url, 10);
    await waitUntilStored(repository, parseLsn(await write(promoted.url, 11)));
    await sleep(1000);
    await promoted.stop();
    await receiver.stop();
  }, 120_000);
  afterAll(async () => {
    await cluster?.stop();
    await removeDirectory(directory);
  });

  const momentAfter = (what: number | 'promotion'): Date => after.get(what) ?? new Date(0);

  async function plan(moment: Date | RestoreTarget, timeline?: number): Promise<Preflight> {
    const request = { repository, clusterName: 'main', systemIdentifier: undefined, exclusive: false, backup: undefined };
    const target = moment instanceof Date ? ({ kind: 'time', at: moment } as const) : moment;
    return await inspectRestore({ ...request, target, timeline, dataDirectory: path.join(directory, 'none'), tablespaces: new Map() });
  }

  async function rowsOf(at: Date, timeline: number | undefined): Promise<readonly number[]> {
    const into = path.join(directory, `clone-${at.getTime()}-${timeline}`);
    const clone = await restore({ repository, target: { kind: 'time', at }, into, ...(timeline === undefined ? {} : { timeline }) });
    const sql = postgres(clone.url, { max: 1 });
    const rows = await sql<{ n: number }[]>`select n from step order by n`;
    await sql.end();
    await clone.stop();
    return rows.map(({ n }) => n);
  }

  test('it is refused, and the refusal names both ways: the timeline with its commits, and the last moment that both have', async () => {
    const refusal: unknown = await plan(momentAfter(3)).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(LeftBehind);
    expect(refusal).toMatchObject({
      code: 'target-unreachable',
      message: expect.stringMatching(/ lies on timeline 1, which timeline 2 \(from 1 at 0\/[0-9A-F]+\) does not go along$/),
      detail: expect.stringMatching(/Timeline 1 has 2 commits up to then behind 0\/[0-9A-F]+, from .* to .*\.$/),
      hint: expect.stringMatching(/^Give --timeline 1 .* --to ".*" for the last commit that both have; --timeline 2 leaves/),
    });
    const said = /--to "([^"]+)"/.exec((refusal as LeftBehind).hint ?? '')?.[1] ?? '';
    const shared = timeTarget(said, new Date());
    expect(shared.at <= momentAfter(1)).toBe(true);
    const { resolution } = await plan(shared);
    expect(resolution.left).toEqual([]);
    // The very commit whose time it is comes back.
    expect(resolution.before?.timeUs).toBe(targetUs(shared));
    const refused = /of ([^,]+ [+-]\d{2}:\d{2})\.$/m.exec((refusal as LeftBehind).detail ?? '')?.[1] ?? '';
    expect(refused).toBe(said);
    const words = ['restore', '--to', momentAfter(3).toISOString(), '--into', path.join(directory, 'none'), '--dry-run'];
    const { status, stderr } = await runCommand([...words, '--config', config]);
    expect(`${status} ${stderr}`).toMatch(/^1 [^]*lies on timeline 1[^]*--timeline 1/);
  });

  test('a restore point and a transaction on it are refused with the timeline to give, and reached along it', async () => {
    for (const target of [
      { kind: 'name', name: 'left behind' },
      { kind: 'xid', xid: lastTransaction },
    ] as const) {
      await expect(plan(target)).rejects.toMatchObject({
        code: 'target-unreachable',
        message: expect.stringMatching(/^recovery target .* lies on timeline 1, which timeline 2 \(from 1 at .*\) does not go along$/),
        hint: 'Give --timeline 1.',
      });
      expect((await plan(target, 1)).lineage.timeline).toBe(1);
    }
    await expect(plan({ kind: 'name', name: 'nowhere' })).rejects.toMatchObject({ message: expect.stringContaining('is not recoverable') });
  });

  test('a moment when the old one had ended and the new one had not begun is refused, too', async () => {
    await expect(plan(new Date(momentAfter(4).getTime() + 50))).rejects.toBeInstanceOf(LeftBehind);
  });

  test('along the timeline that was named all of it comes back', async () => {
    expect(await rowsOf(momentAfter(3), 1)).toEqual([1, 2, 3]);
  });

  test('along the newest one, when that was named, what does not come back is said in the place of the promise', async () => {
    const words = ['restore', '--to', momentAfter(3).toISOString(), '--timeline', '2', '--into', path.join(directory, 'none'), '--dry-run'];
    const text = await runCommand([...words, '--config', config]);
    expect(`${text.status} ${text.stderr}${text.stdout}`).toMatch(/^0 [^]*not with it: Timeline 1 has 2 commits up to then/);
    expect(text.stdout).not.toContain('everything acknowledged');
    const json = await runCommand([...words, '--config', config, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ preflight: { left: [{ timeline: 1, commits: 2 }] } });
    expect(await rowsOf(momentAfter(3), 2)).toEqual([1]);
  });

  test('once the new one had begun a moment is its own, though it had committed nothing yet', async () => {
    const { resolution } = await plan(momentAfter('promotion'));
    expect(resolution.left).toMatchObject([{ lineage: { timeline: 1 }, count: 3 }]);
    expect(await rowsOf(momentAfter('promotion'), undefined)).toEqual([1]);
    const later = await plan(momentAfter(10));
    expect(later.resolution.left).toEqual([]);
    expect((await plan(momentAfter(1))).resolution.left).toEqual([]);
  });

  test('a drill that draws such a moment restores the branch that it lies on', async () => {
    const contents = await inspectLineage(repository, 'main');
    const stretches = recoverableStretches(recoverableWindows(contents, await readLineage(contents), contents.coverage));
    const seed = Array.from({ length: 1000 }, (_, n) => String(n)).find((each) => {
      const moment = chooseMoment(stretches, drawOf(each, 'moment'));
      return moment !== undefined && moment > momentAfter(2) && moment < new Date(momentAfter(3).getTime() - 100);
    });
    expect(seed, JSON.stringify(stretches)).toBeDefined();
    const assertions = [{ sql: 'select array_agg(n order by n)::text from step', is: '{1,2}' }];
    const held = await drill(repository, directory, { aim: { kind: 'random', seed: seed ?? '' }, assertions });
    expect(held).toMatchObject({
      error: undefined,
      plan: { timeline: 1, lastCommit: { at: expect.any(String) } },
      reached: { state: 'paused', lastCommit: 'committed' },
      assertions: [{ holds: true }],
    });
    expect(formatMoment(new Date(held.plan?.lastCommit?.at ?? 0)) <= formatMoment(momentAfter(2))).toBe(true);
  });
});
