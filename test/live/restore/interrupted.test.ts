import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { inspectPosition, type ClusterPosition } from '../../../src/backup/reconcile/position-inspect.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { serverPid, startCluster, stopCluster, type ServerPrograms } from '../../../src/postgres/server.ts';
import { appendLedger } from '../../../src/repository/ledger.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { commandEnd, runCommand, startCommand, writeConfig, type CommandEnd } from '../../backup/command.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { waitUntilStored } from '../../backup/stored.ts';
import { freePort } from '../../postgres/address.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

describe('nobody waits any longer for the recovery of a restored cluster', () => {
  let directory: string;
  let cluster: TestCluster;
  let repository: Repository;
  let config: string;
  let position: ClusterPosition;
  /** The segment that the backup begins in, and one that only its recovery past the consistent point asks for. */
  let first: string;
  let later: string;
  const into = (): string => path.join(directory, 'restored');
  const archive = (): string => path.join(directory, 'archive');
  const temporary = (): string => path.join(directory, 'tmp');
  const bin = (): string => path.join(directory, 'bin');
  const programs = (): ServerPrograms => {
    if (cluster.programs === undefined) throw new Error('the embedded cluster has programs');
    return cluster.programs;
  };
  const words = (...more: string[]): readonly string[] => [
    'restore',
    '--to-latest',
    '--into',
    into(),
    '--start',
    '--yes',
    '--config',
    config,
    ...more,
  ];
  const sales = async (port: number): Promise<unknown> => {
    const sql = postgres({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max: 1 });
    const [row] = await sql`select array_agg(n order by n) as sales from sale`;
    await sql.end();
    return row?.['sales'];
  };
  const histories = async (): Promise<readonly string[]> => (await readdir(archive())).filter((name) => name.endsWith('.history'));

  /** Starts a restore, sends it `signals` once its recovery asks for `segment`, which never comes, and gives how it ended. */
  async function interrupt(segment: string, signals: readonly NodeJS.Signals[], ...more: string[]): Promise<CommandEnd> {
    const held = path.join(bin(), 'held');
    await rm(held, { force: true });
    // The restore_command of a recovery copies with the cp that it finds first.
    const cp = `#!/bin/sh\ncase "$1" in */${segment}) : >'${held}'; sleep 600; exit 1;; esac\nexec /bin/cp "$@"\n`;
    await writeFile(path.join(bin(), 'cp'), cp);
    await chmod(path.join(bin(), 'cp'), 0o755);
    const child = startCommand(words(...more), { PATH: `${bin()}:${process.env['PATH'] ?? ''}`, TMPDIR: temporary() });
    const end = commandEnd(child);
    await expect.poll(() => existsSync(held), { timeout: 30_000 }).toBe(true);
    for (const signal of signals) child.kill(signal);
    return await end;
  }

  beforeAll(async () => {
    directory = await makeDirectory();
    for (const each of [archive(), bin(), temporary()]) await mkdir(each);
    // Those of the server's user, too.
    for (const each of [archive(), bin()]) await chmod(each, 0o777);
    const settings = { archive_mode: 'on', archive_command: `cp %p ${archive()}/%f` };
    cluster = await startTestCluster({ major: 17, provider: 'embedded', settings });
    repository = await makeRepository(path.join(directory, 'repository'));
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe('create table sale (n int); insert into sale values (1)');
    const receiver = startReceiver(cluster, repository);
    const { startLsn } = await backUp(cluster, repository);
    await sql.unsafe('insert into sale values (2)');
    const [row] = await sql<{ first: string; later: string; lsn: string }[]>`
      select pg_walfile_name(${startLsn}::pg_lsn) as first, pg_walfile_name(pg_current_wal_lsn()) as later, pg_current_wal_lsn()::text as lsn`;
    [first, later] = [row?.first ?? '', row?.later ?? ''];
    expect(later > first).toBe(true);
    await waitUntilStored(repository, parseLsn(row?.lsn ?? ''));
    position = await inspectPosition(sql);
    await receiver.stop();
    await sql.end();
    await cluster.crash();
  });
  afterEach(async () => {
    await stopCluster(programs(), into(), 'immediate');
    for (const each of [into(), `${into()}.wal`]) await removeDirectory(each);
    for (const name of await histories()) await rm(path.join(archive(), name));
  });
  afterAll(async () => {
    await cluster?.stop();
    await removeDirectory(directory);
  });

  test('SIGTERM stops a clone that is consistent already, which goes on when it is started', async () => {
    const port = await freePort();
    const { status, stderr } = await interrupt(later, ['SIGTERM'], '--port', String(port));
    expect(`${status} ${stderr}`).toMatch(
      /^130 [^]*interrupted by SIGTERM[^]*The server was stopped: [^]*pg_ctl -D .* start goes on with its recovery/,
    );
    expect(await serverPid(into())).toBeUndefined();
    await startCluster(programs(), into(), path.join(into(), 'again.log'), 60);
    await expect.poll(async () => await sales(port), { timeout: 20_000 }).toEqual([1, 2]);
  });

  const production = ['--as', 'production', '--reconcile'];

  test('a lost session stops a production that is not consistent yet: nobody settles it, and only a restore over it goes on', async () => {
    const { status, stderr } = await interrupt(first, ['SIGHUP', 'SIGHUP'], ...production);
    expect(`${status} ${stderr}`).toMatch(/^130 [^]*interrupted by SIGHUP[^]*The server was stopped: [^]*Restore again, with --delta/);
    expect(await serverPid(into())).toBeUndefined();
    expect((await readdir(temporary())).filter((name) => name.startsWith('dbadmin-quarantine-'))).toEqual([]);
    await expect(startCluster(programs(), into(), path.join(into(), 'again.log'), 20)).rejects.toMatchObject({ code: 'program-failed' });
    expect(await histories()).toEqual([]);

    const again = await runCommand(words(...production, '--delta'));
    expect(`${again.status} ${again.stdout}${again.stderr}`).toMatch(/^0 /);
    expect(await sales(cluster.port)).toEqual([1, 2]);
    // What was done in quarantine is archived once it is over.
    await expect.poll(histories, { timeout: 20_000 }).toEqual(['00000002.history']);
  });

  test('a production that cannot be reconciled archives nothing of its new timeline', async () => {
    const procedure = ['public', 'forget'] as const;
    const deed = { kind: 'subject-forgotten', database: 'postgres', procedure, arguments: [71], subject: 'listener 71' } as const;
    await appendLedger(repository, { ...position, lsn: position.lsn + 0x1000_0000n, at: new Date(), by: 'a test', deed });
    const { status, stderr } = await runCommand(words(...production));
    expect(`${status} ${stderr}`).toMatch(/^1 [^]*what came back could not be taken away again: listener 71/);
    expect(await serverPid(into())).toBeUndefined();
    expect(await histories()).toEqual([]);
  });
});
