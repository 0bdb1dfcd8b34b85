import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, open, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { inspectPosition } from '../../../src/backup/reconcile/position-inspect.ts';
import { pgCtlLine } from '../../../src/postgres/pg-ctl-line.ts';
import { serverPid, startCluster, stopCluster, type ServerPrograms } from '../../../src/postgres/server.ts';
import { appendLedger } from '../../../src/repository/ledger.ts';
import { writeConfig, type CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { freePort } from '../../postgres/address.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

describe('nobody waits any longer for what follows the recovery of a restored cluster', () => {
  let directory: string;
  let cluster: TestCluster;
  let config: string;
  let port: number;
  let controller: AbortController;
  const into = (): string => path.join(directory, 'restored');
  const rolesFile = (): string => path.join(directory, 'roles', 'roles.yaml');
  const held = (): string => path.join(directory, 'hold', 'held');
  const released = (): string => path.join(directory, 'hold', 'released');
  const programs = (): ServerPrograms => {
    if (cluster.programs === undefined) throw new Error('the embedded cluster has programs');
    return cluster.programs;
  };
  const interrupt = (): void => controller.abort(new DbadminError('interrupted', 'interrupted by SIGTERM'));

  async function restore(...more: string[]): Promise<CommandEnd> {
    const words = ['restore', '--immediate', '--into', into(), '--start', '--port', String(port), '--json', '--yes', '--config', config];
    return await runInProcess([...words, ...more], process.env, controller.signal);
  }

  /** Restores with --reconcile, and is interrupted while the ledger's listener is erased. */
  async function interruptReconcile(): Promise<CommandEnd> {
    const restoring = restore('--reconcile');
    await expect.poll(() => existsSync(held()), { timeout: 60_000 }).toBe(true);
    interrupt();
    await writeFile(released(), '');
    return await restoring;
  }

  async function listeners(): Promise<unknown> {
    const sql = postgres({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max: 1 });
    try {
      const [row] = await sql`select array_agg(id) as ids from listener`;
      return row?.['ids'];
    } finally {
      await sql.end();
    }
  }

  beforeAll(async () => {
    directory = await makeDirectory();
    for (const each of ['hold', 'roles']) await mkdir(path.join(directory, each));
    // The server's user makes files in it.
    await chmod(path.join(directory, 'hold'), 0o777);
    cluster = await startTestCluster({ major: 17, provider: 'embedded' });
    const repository = await makeRepository(path.join(directory, 'repository'));
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    const wait = `: >${held()}; until [ -e ${released()} ]; do sleep 0.05; done; cat >/dev/null`;
    await sql.unsafe(`create table listener (id int);
      insert into listener values (70), (71);
      create procedure forget(who int) language plpgsql as
        $$ begin copy (select 1) to program '${wait}'; delete from listener where id = who; end $$`);
    await backUp(cluster, repository);
    const procedure = ['public', 'forget'] as const;
    const deed = { kind: 'subject-forgotten', database: 'postgres', procedure, arguments: [71], subject: 'listener 71' } as const;
    await appendLedger(repository, { ...(await inspectPosition(sql)), at: new Date(), by: 'a test', deed });
    await sql.end();
  });
  beforeEach(async () => {
    port = await freePort();
    controller = new AbortController();
  });
  afterEach(async () => {
    await writeFile(released(), '');
    await stopCluster(programs(), into(), 'immediate');
    for (const each of [into(), `${into()}.wal`]) await removeDirectory(each);
    for (const each of [held(), released(), rolesFile()]) await rm(each, { force: true });
  });
  afterAll(async () => {
    await cluster?.stop();
    await removeDirectory(directory);
  });

  test('interrupted while it is compared with the project, it stays open, and is said to, with all that is known of it', async () => {
    await promisify(execFile)('mkfifo', [rolesFile()]);
    const restoring = restore();
    // Opened once somebody reads it: the cluster is open then.
    const roles = await open(rolesFile(), 'w');
    interrupt();
    await roles.writeFile('no roles');
    await roles.close();
    const { status, stdout, stderr } = await restoring;
    expect(`${status} ${stderr}`).toMatch(/^130 /);
    const stop = pgCtlLine(programs(), into(), 'stop -m fast');
    expect(stderr).toContain(`interrupted by SIGTERM: the cluster in ${into()} is open, and stays open. To stop it: ${stop}`);
    expect(JSON.parse(stdout)).toMatchObject({ restored: { state: 'open', interrupted: true, port }, differs: { roles: null } });
    expect(await listeners()).toEqual([70, 71]);
  });

  test('interrupted while the last of what came back is taken away, it is not started, and what was done is told', async () => {
    const { status, stdout, stderr } = await interruptReconcile();
    expect(`${status} ${stderr}`).toMatch(/^130 .*interrupted by SIGTERM: the cluster in .* is not started$/m);
    expect(JSON.parse(stdout)).toMatchObject({
      restored: { state: 'shut-down', interrupted: true },
      reconciled: { ledger: [{ outcome: 'undone' }] },
    });
    expect(await serverPid(into())).toBeUndefined();
    await startCluster(programs(), into(), path.join(into(), 'again.log'), 60);
    expect(await listeners()).toEqual([70]);
  });

  test('interrupted before all that came back is taken away, it stays shut, and is said to', async () => {
    await writeFile(rolesFile(), 'version: 1\nscope: { roles: ["app_*"] }\ngroups: { app_new: {} }\n');
    const { status, stderr } = await interruptReconcile();
    expect(`${status} ${stderr}`).toBe(
      '130 interrupted by SIGTERM\nNot all that came back is taken away. The server was stopped, and does not start as it is.\nRestore again, with --delta.',
    );
    expect(await serverPid(into())).toBeUndefined();
    await expect(startCluster(programs(), into(), path.join(into(), 'again.log'), 20)).rejects.toMatchObject({ code: 'program-failed' });
  });
});
