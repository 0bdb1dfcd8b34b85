import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { writeConfig, type CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

describe('wal status of a cluster whose WAL is not received', () => {
  let directory: string;
  let cluster: TestCluster;
  let config: string;
  let sql: postgres.Sql;
  const broken = (): string => path.join(directory, 'broken');
  const dbadmin = async (...args: string[]): Promise<CommandEnd> =>
    await runInProcess([...args, '--config', config, '--yes'], { XDG_STATE_HOME: directory });
  const json = async (): Promise<{ status: number | null; document: unknown }> => {
    const { status, stdout } = await dbadmin('wal', 'status', '--json');
    return { status, document: JSON.parse(stdout) };
  };

  async function keep(policy: string): Promise<void> {
    const text = `version: 1\npolicies:\n  main: { cluster: main, repositories: [local], base: { full: { cron: "0 2 * * *" } }, ${policy} }\n`;
    await writeFile(path.join(directory, 'backups', 'policies.yaml'), text);
  }

  /** Finishes the segment that is written now, and gives its path. */
  async function finish(): Promise<string> {
    await sql`insert into step values (1)`;
    const [row] = await sql<{ name: string }[]>`select pg_walfile_name(pg_current_wal_insert_lsn()) as name`;
    await sql`select pg_switch_wal()`;
    return path.join(cluster.dataDirectory ?? '', 'pg_wal', row?.name ?? '');
  }

  const archiver = async (): Promise<{ archived: string | null; failures: number } | undefined> => {
    const [row] = await sql<{ archived: string | null; failures: number }[]>`
      select last_archived_wal as archived, failed_count::int as failures from pg_stat_archiver`;
    return row;
  };

  beforeAll(async () => {
    directory = await makeDirectory();
    // The test pushes what archive_command would.
    const settings = { archive_mode: 'on', archive_command: `test ! -f ${broken()}` };
    cluster = await startTestCluster({ major: 17, provider: 'embedded', settings });
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    await mkdir(path.join(directory, 'backups'));
    await keep('wal: { mode: archive }');
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql`create table step (n int)`;
    expect(await dbadmin('backup', 'init')).toMatchObject({ status: 0 });
    expect(await dbadmin('backup', 'run')).toMatchObject({ status: 0 });
    expect(await dbadmin('wal', 'push', await finish())).toMatchObject({ status: 0 });
  });
  beforeEach(async () => await keep('wal: { mode: archive }'));
  afterAll(async () => {
    await sql?.end();
    await cluster?.stop();
    await removeDirectory(directory);
  });

  test('is well where archive_command succeeds and everything finished is stored, without a slot', async () => {
    const { status, stdout } = await dbadmin('wal', 'status');
    expect(`${status} ${stdout}`).toMatch(/^0 main {3}wal\.mode archive: archive_command succeeds, WAL at /);
    expect(stdout).not.toContain('wal receive');
    expect(await json()).toMatchObject({
      status: 0,
      document: { mode: 'archive', delivery: { isWell: true }, repositories: [{ behind: null }] },
    });
  });

  test('is not while archive_command fails', async () => {
    await writeFile(broken(), '');
    const segment = await finish();
    await expect.poll(async () => (await archiver())?.failures, { timeout: 20_000 }).toBeGreaterThan(0);
    const { status, stdout } = await dbadmin('wal', 'status');
    expect(`${status} ${stdout}`).toMatch(/^2 main {3}wal\.mode archive: archive_command fails for [0-9A-F]{24}/);
    await rm(broken());
    await expect.poll(async () => (await archiver())?.archived, { timeout: 90_000 }).toBe(path.basename(segment));
    expect(await dbadmin('wal', 'push', segment)).toMatchObject({ status: 0 });
    expect(await json()).toMatchObject({ status: 0 });
  });

  test('is not where it succeeds and its segments do not come', async () => {
    await keep('wal: { mode: archive }, limits: { wal_lag: 1s }');
    const segment = await finish();
    await expect.poll(async () => (await archiver())?.archived, { timeout: 20_000 }).toBe(path.basename(segment));
    const seen = (): Promise<unknown> => json();
    await expect.poll(seen, { timeout: 20_000 }).toMatchObject({
      status: 2,
      document: { delivery: { isWell: true }, repositories: [{ behind: expect.stringContaining('1 archived segment is not there') }] },
    });
    expect(await dbadmin('wal', 'push', segment)).toMatchObject({ status: 0 });
    await expect.poll(seen, { timeout: 20_000 }).toMatchObject({ status: 0 });
  });

  test('asks for no slot where none is to be kept', async () => {
    await keep('wal: { mode: none }');
    const { status, stdout } = await dbadmin('wal', 'status');
    expect(`${status} ${stdout}`).toMatch(/^0 main {3}wal\.mode none: none is to be kept, WAL at /);
  });

  test.each([
    ['with a mistake in them', 'wal: { mode: archive }, limits: { wal_lag: soon }', /policies\.yaml:3:\d+: not a duration/],
    ['with a variable that is not set here', 'wal: { mode: archive }, limits: { wal_lag: "${DBADMIN_TEST_UNSET}" }', /DBADMIN_TEST_UNSET/],
  ])('is not known from policies %s: that is told, and no slot is advised', async (_name, policy, why) => {
    await keep(policy);
    const { status, stdout } = await dbadmin('wal', 'status');
    expect(`${status} ${stdout}`).toMatch(/^2 main {3}what the policies say of WAL is not known: .*\n {2}slot dbadmin: not there$/m);
    expect(stdout).toMatch(why);
    expect(stdout).not.toContain('wal receive');
    expect(await json()).toMatchObject({
      status: 2,
      document: { mode: 'unknown', delivery: { isWell: false, text: expect.stringMatching(why) }, repositories: [{ name: 'local' }] },
    });
  });

  test('is not where the policies say nothing of WAL, which then is to be received; and says what to write where it is archived', async () => {
    await rm(path.join(directory, 'backups', 'policies.yaml'));
    const { status, stdout } = await dbadmin('wal', 'status');
    expect(`${status} ${stdout}`).toMatch(
      /^2 main {3}slot dbadmin: not there: nobody receives WAL\. Start dbadmin wal receive, or say wal: \{ mode: archive \}/,
    );
  });
});
