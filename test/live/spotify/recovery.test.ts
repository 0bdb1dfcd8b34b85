import { copyFile, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differences, fingerprint, type Fingerprint } from '../../../demo/fingerprint.ts';
import { runAssertions } from '../../../src/backup/drill/assertions-run.ts';
import { isRunning } from '../../../src/base/processes.ts';
import { serverPid } from '../../../src/postgres/server.ts';
import { parsePolicies } from '../../../src/schedule/parse.ts';
import { writeGenerated } from '../../../src/spotify/generate/run.ts';
import { openRepository } from '../../../src/repository/repository.ts';
import { createDiskStore } from '../../../src/storage/disk.ts';
import { writeConfig, type CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, removeDirectory, startReceiver, type TestReceiver } from '../../backup/repository.ts';
import { waitUntilAllStored } from '../../backup/stored.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { connect } from '../roles/project.ts';
import { countOf, load, migrateWarehouse, PROJECT } from './warehouse.ts';

/** Damage that each assertion of the policy is there to find, as the drill would meet it in a restored warehouse. */
const DAMAGE: readonly (readonly [what: string, statement: string])[] = [
  ['select count(*) > 0 from core.play', 'delete from mart.fact_play; delete from core.play'],
  ['from core.listener l', `delete from core.listener where name = 'listener-002'`],
  ['from raw.batch b', `delete from raw.batch where source = 'streaming_history'`],
  ['from core.track_play_count', 'update core.track_play_count set plays = plays + 1'],
  ['quality.accounting', 'delete from raw.streaming_history_slice where first_row_no = 1'],
  ['left join mart.fact_play', 'delete from mart.fact_play where play_id = (select min(play_id) from mart.fact_play)'],
  ['left join core.play', 'delete from core.play where play_id = (select min(play_id) from core.play)'],
  ['from mart.daily_summary', 'delete from mart.daily_summary where date_id = (select min(date_id) from mart.daily_summary)'],
];

/** Ends the server of a restored cluster at once, as whichever user the restore started it. */
async function endServer(dataDirectory: string): Promise<void> {
  const pid = await serverPid(dataDirectory);
  if (pid === undefined) return;
  process.kill(pid, 'SIGQUIT');
  while (await isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 50));
}

interface Drilled {
  readonly report: { readonly verdict: string; readonly assertions: readonly { readonly sql: string; readonly holds: boolean }[] };
}

describe('the warehouse, backed up and restored', () => {
  let cluster: TestCluster;
  let directory: string;
  let config: string;
  let env: Record<string, string>;
  let sql: postgres.Sql;
  let receiver: TestReceiver | undefined;
  let before: readonly Fingerprint[];
  let moment: Date;
  const dbadmin = async (...args: readonly string[]): Promise<CommandEnd> =>
    await runInProcess([...args, '--config', config, '--yes'], env);
  const assertions = async (): Promise<Parameters<typeof runAssertions>[1]> => {
    const file = path.join(PROJECT, 'backups/policies.yaml');
    const { jobs } = parsePolicies(await readFile(file, 'utf8'), { file, env: {}, localZone: 'UTC' });
    return jobs.flatMap(({ work }) => (work.kind === 'drill' ? work.assertions : []));
  };

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: 17, provider: 'embedded' });
    const admin = connect(cluster.url());
    await admin.unsafe('create database listening');
    await admin.end();
    await migrateWarehouse(cluster.url('listening'));
    sql = connect(cluster.url('listening'));
    await mkdir(path.join(directory, 'scratch'), { mode: 0o711 });
    await mkdir(path.join(directory, 'backups'));
    await copyFile(path.join(PROJECT, 'backups/policies.yaml'), path.join(directory, 'backups/policies.yaml'));
    config = await writeConfig(directory, { ...cluster, url: () => cluster.url('listening') }, path.join(directory, 'repository'));
    env = {
      DBADMIN_SCRATCH: path.join(directory, 'scratch'),
      XDG_STATE_HOME: path.join(directory, 'state'),
      DBADMIN_PG_BIN_17: cluster.programs?.binDirectory ?? '',
    };
    await writeGenerated(path.join(directory, 'generated'), { listeners: 2, plays: 400, seed: 5 });
  });
  afterAll(async () => {
    await receiver?.stop();
    await sql?.end({ timeout: 1 });
    await cluster?.stop();
    if (directory !== undefined) await removeDirectory(directory);
  });

  it('E6: plays of a listener deleted at T are back after a restore to just before, and every table is as it was', async () => {
    expect(await dbadmin('backup', 'init')).toMatchObject({ status: 0 });
    const repository = await openRepository(await createDiskStore(path.join(directory, 'repository')), { kind: 'none' });
    receiver = startReceiver(cluster, repository);
    expect(await dbadmin('backup', 'run', '--type', 'full')).toMatchObject({ status: 0 });
    await load(sql, path.join(directory, 'generated'));
    await sql.unsafe('call mart.refresh()');
    before = await fingerprint(sql);
    await new Promise((resolve) => setTimeout(resolve, 20));
    moment = new Date();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const gone =
      await sql`delete from core.play using core.listener as l where l.listener_id = play.listener_id and l.name = 'listener-001'`;
    await sql.unsafe('call mart.refresh()');
    expect(gone.count).toBeGreaterThan(100);
    expect(differences(before, await fingerprint(sql))).not.toEqual([]);
    await waitUntilAllStored(repository, sql);
    await receiver.stop();
    receiver = undefined;

    const into = path.join(directory, 'restored');
    const end = await dbadmin('restore', '--to', moment.toISOString(), '--into', into, '--start');
    expect(end.stderr).not.toContain('error');
    expect(end.status).toBe(0);
    const port = Number(/127\.0\.0\.1:(\d+) /.exec(end.stdout.slice(end.stdout.indexOf('open ')))?.[1]);
    const clone = connect(cluster.url('listening').replace(`:${cluster.port}/`, `:${port}/`));
    try {
      expect(differences(before, await fingerprint(clone))).toEqual([]);
      expect(
        await countOf(clone, `select count(*) from core.play join core.listener as l using (listener_id) where l.name = 'listener-001'`),
      ).toBe(gone.count);
      const sums = async (from: postgres.Sql): Promise<unknown> => await from`select * from mart.checksums() order by 1`;
      const restored = await sums(clone);
      await clone.unsafe('call mart.rebuild()');
      expect(await sums(clone)).toEqual(restored);
    } finally {
      await clone.end({ timeout: 1 });
      await endServer(into);
    }
  });

  it('E5: a drill restores it, and what the policy asserts of core and mart holds', async () => {
    const end = await dbadmin('backup', 'drill', '--policy', 'listening', '--to', moment.toISOString(), '--json');
    expect(end.stderr).not.toContain('error');
    const { report } = JSON.parse(end.stdout) as Drilled;
    expect(report.verdict).toBe('passed');
    expect(report.assertions.map(({ holds }) => holds)).toEqual((await assertions()).map(() => true));
    expect(report.assertions.filter((each) => each.sql.includes('mart.')).length).toBeGreaterThanOrEqual(3);
    expect(end.status).toBe(0);
    expect((await dbadmin('backup', 'list')).stdout).toMatch(/proven .* ago/);
  });

  it('E5: each assertion fails on the damage it is there for', async () => {
    const all = await assertions();
    expect(all.map((each) => DAMAGE.filter(([what]) => each.sql.includes(what)).length)).toEqual(all.map(() => 1));
    for (const [what, statement] of DAMAGE) {
      const wanted = all.filter((each) => each.sql.includes(what));
      const session = await sql.reserve();
      try {
        // Damage goes past keys and triggers.
        await session.unsafe(`begin; set local session_replication_role = replica; ${statement}`);
        for (const each of wanted) {
          const [row] = await session.unsafe(each.sql).values();
          expect(String(row?.[0]), each.sql).not.toBe(each.is === true ? 'true' : String(each.is));
        }
      } finally {
        await session.unsafe('rollback');
        session.release();
      }
    }
    expect((await runAssertions(cluster.parameters('listening'), all, new AbortController().signal)).filter(({ holds }) => !holds)).toEqual(
      [],
    );
  });
});
