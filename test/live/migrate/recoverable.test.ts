import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectLineage, readLineage } from '../../../src/backup/lineage-inspect.ts';
import { pointState } from '../../../src/backup/wal/point.ts';
import type { DrillHeader } from '../../../src/backup/drill/report.ts';
import { writeReport } from '../../../src/repository/reports.ts';
import { IDENTITY_KEY } from '../../../src/repository/layout.ts';
import { readLedger } from '../../../src/repository/ledger.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { runCommand, writeConfig, type CommandEnd } from '../../backup/command.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

interface Ran {
  readonly restorePoint: {
    readonly name: string;
    readonly lsn: string;
    readonly archived: boolean | null;
    readonly repositories: readonly string[];
  };
  readonly warnings: readonly string[];
}

describe('what a run says of the way back', () => {
  let cluster: TestCluster;
  let directory: string;
  let config: string;
  let repository: Repository;
  let files = 0;

  const dbadmin = async (...args: readonly string[]): Promise<CommandEnd> => await runCommand([...args, '--config', config]);
  /** Writes the next file and migrates. */
  const migrate = async (...args: readonly string[]): Promise<CommandEnd> => {
    files += 1;
    await writeFile(path.join(directory, 'sql', 'migrations', `${files}_t.sql`), `create table t${files} ();`);
    return await dbadmin('migrate', ...args);
  };
  const warnings = (stderr: string): readonly string[] => stderr.split('\n').filter((line) => line.startsWith('warning: '));
  const ledger = async (): Promise<readonly string[]> => {
    const { cluster: known } = await inspectLineage(repository, 'main');
    const { entries } = await readLedger(repository, known.systemIdentifier);
    return entries.map(({ deed }) =>
      'file' in deed ? `${deed.kind === 'migration-undone' ? 'undone ' : ''}${deed.database} ${deed.version} ${deed.file}` : deed.kind,
    );
  };
  const keys = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    for await (const { key } of repository.store.list('')) found.push(key);
    return found;
  };
  const policies = async (limits: string): Promise<void> => {
    const text = `version: 1\npolicies:\n  p:\n    cluster: main\n    repositories: [local]\n    limits: ${limits}\n`;
    await writeFile(path.join(directory, 'backups', 'policies.yaml'), text);
  };

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: 17 });
    repository = await makeRepository(path.join(directory, 'repository'));
    await mkdir(path.join(directory, 'sql', 'migrations'), { recursive: true });
    await mkdir(path.join(directory, 'backups'));
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
  });
  afterAll(async () => {
    await cluster.stop();
    await removeDirectory(directory);
  });

  test('without a backup: that there is none, nothing is written there, and --require-backup applies nothing', async () => {
    const { status, stderr, stdout } = await migrate();
    expect(status).toBe(0);
    expect(warnings(stderr)).toEqual([
      expect.stringMatching(/restore point dbadmin_\S+ is not recoverable yet: local: .*holds nothing of cluster main$/),
    ]);
    expect(stdout).toContain(', not recoverable yet\n');
    expect(await keys()).toEqual([IDENTITY_KEY]);
    const refused = await migrate('--require-backup');
    expect([refused.status, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toMatch(/^error: main has no restorable backup younger than 1 d\n {2}detail: There is none at all\./);
    expect((await dbadmin('migrate', 'status', '--json')).stdout).toContain('"pending": 1');
  });

  test('with a backup and nobody who takes WAL: that nobody does, and what was applied is in the ledger', async () => {
    await backUp(cluster, repository);
    const { status, stderr } = await dbadmin('migrate', '--require-backup', '1h');
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /is not recoverable yet: local: its WAL ends at \S+, before \S+, and nobody takes WAL there \(dbadmin wal receive\)/,
    );
    expect(await ledger()).toEqual(['postgres 2 2_t.sql']);
    const refused = await migrate('--require-backup', '1ms');
    expect(refused.stderr).toMatch(/younger than 1 ms\n {2}detail: The newest, \S+ in local, is .* old\./);
  });

  test('with a receiver: it waits until the point can be restored to, and it can', async () => {
    const receiver = startReceiver(cluster, repository);
    try {
      const { status, stderr, stdout } = await dbadmin('migrate', '--json');
      expect([status, warnings(stderr)]).toEqual([0, []]);
      const { restorePoint } = JSON.parse(stdout) as Ran;
      expect(restorePoint).toMatchObject({ archived: true, repositories: ['local'] });
      const contents = await inspectLineage(repository, 'main');
      expect(pointState(contents, await readLineage(contents), restorePoint.lsn).kind).toBe('recoverable');
      expect(await ledger()).toContain('postgres 3 3_t.sql');
    } finally {
      await receiver.stop();
    }
  });

  test('what is undone is in the ledger too', async () => {
    expect((await dbadmin('migrate', 'new', 'undone', '--json')).status).toBe(0);
    const [name = ''] = (await readdir(path.join(directory, 'sql', 'migrations'))).filter((each) => each.endsWith('_undone.sql'));
    const file = path.join(directory, 'sql', 'migrations', name);
    await writeFile(file, 'create table u ();\n-- dbadmin: down\ndrop table u;\n');
    expect((await dbadmin('migrate', '--no-restore-point')).status).toBe(0);
    expect((await dbadmin('migrate', 'redo', '--no-restore-point', '--yes')).status).toBe(0);
    expect((await dbadmin('migrate', 'down', '--no-restore-point', '--yes')).status).toBe(0);
    await rm(file);
    const version = name.slice(0, name.indexOf('_'));
    const what = `postgres ${version} ${name}`;
    expect((await ledger()).slice(-4)).toEqual([what, `undone ${what}`, what, `undone ${what}`]);
  });

  test('a policy that wants drills is heard: none yet', async () => {
    await policies('{ drill_age: 7d }');
    const { status, stderr, stdout } = await migrate('--no-restore-point');
    expect([status, warnings(stderr)]).toEqual([0, ['warning: no drill has proven a backup of this cluster yet (dbadmin backup drill)']]);
    expect(stdout).not.toContain('restore point');
  });

  test('a drill that passed is heard until it is older than the policy allows', async () => {
    const { cluster: known, backups } = await inspectLineage(repository, 'main');
    const finishedAt = new Date(Date.now() - 8 * 86_400_000);
    await writeReport(repository, known.systemIdentifier, 'drill', finishedAt, (label) => ({
      header: {
        label,
        systemIdentifier: known.systemIdentifier,
        finishedAt: finishedAt.toISOString(),
        backup: backups[0]?.label ?? null,
        verdict: 'passed',
      } satisfies DrillHeader,
      body: {},
    }));
    expect(warnings((await migrate('--no-restore-point')).stderr)).toEqual([
      'warning: the last proven backup is 8 d old, and the policy allows 7 d (dbadmin backup drill)',
    ]);
    await policies('{ drill_age: 30d }');
    expect(warnings((await migrate('--no-restore-point')).stderr)).toEqual([]);
  });

  test('a repository that is away stops nothing and is named', async () => {
    await rm(path.join(directory, 'repository'), { recursive: true });
    const { status, stderr } = await migrate();
    expect(status).toBe(0);
    expect(stderr).toMatch(/is not recoverable yet: local: directory \S+ does not exist/);
    expect(stderr).toMatch(/warning: the migrations are not written into the ledger of local: directory \S+ does not exist/);
  });
});
