import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { CommandEnd } from '../../backup/command.ts';
import { flipBit } from '../../backup/flip-bit.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

describe('of two repositories one is away', () => {
  let directory: string;
  let cluster: TestCluster;
  let config: string;
  let systemIdentifier: string;
  /** Of the first full backup, and of the second, whose audit found a page that differs. */
  let [before, audited] = ['', ''];
  const place = (name: string): string => path.join(directory, name);
  const dbadmin = async (...args: string[]): Promise<CommandEnd> =>
    await runInProcess([...args, '--config', config, '--yes'], { XDG_STATE_HOME: directory });
  const json = async (...args: string[]): Promise<{ status: number | null; document: unknown; stderr: string }> => {
    const { status, stdout, stderr } = await dbadmin(...args, '--json');
    return { status, document: stdout === '' ? undefined : JSON.parse(stdout), stderr };
  };
  const away = async (name: string): Promise<void> => await rename(place(name), place(`${name}-away`));

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: 17, provider: 'embedded', checksums: false, settings: { autovacuum: 'off' } });
    config = path.join(directory, 'dbadmin.yaml');
    const repositories = ['a', 'b'].map((name) => `  ${name}: { type: disk, path: ${JSON.stringify(place(name))} }\n`);
    await writeFile(
      config,
      `version: 1\nclusters:\n  main:\n    url: ${JSON.stringify(cluster.url())}\n    repositories: [a, b]\nrepositories:\n${repositories.join('')}`,
      { mode: 0o600 },
    );
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql`create table cold as select g, repeat(md5(g::text), 10) as t from generate_series(1, 5000) g`;
    await sql`vacuum freeze`;
    expect(await dbadmin('backup', 'init')).toMatchObject({ status: 0 });
    expect(await dbadmin('backup', 'run', '--type', 'full')).toMatchObject({ status: 0 });
    await flipBit(cluster, sql, 'cold', 12);
    expect(await dbadmin('backup', 'run', '--type', 'full')).toMatchObject({ status: 3 });
    const [row] = await sql<{ id: string }[]>`select system_identifier::text as id from pg_control_system()`;
    systemIdentifier = row?.id ?? '';
    await sql.end();
    const { document } = await json('backup', 'list', '--repository', 'a');
    [before = '', audited = ''] = (document as { backups: { label: string }[] }).backups.map(({ label }) => label);
  });
  afterEach(async () => {
    for (const name of await readdir(directory)) {
      if (!name.endsWith('-away')) continue;
      await rm(place(name.slice(0, 1)), { recursive: true, force: true });
      await rename(place(name), place(name.slice(0, 1)));
    }
  });
  afterAll(async () => {
    await cluster?.stop();
    await removeDirectory(directory);
  });

  test('verify looks at the other one, and ends with 3; with the error where both are', async () => {
    await away('a');
    expect(await json('backup', 'verify')).toMatchObject({
      status: 3,
      document: {
        reports: [
          { repository: 'a', error: { code: 'repository-missing' } },
          { repository: 'b', isSound: true },
        ],
      },
      stderr: expect.stringContaining('a was not verified: '),
    });
    await away('b');
    expect(await json('backup', 'verify')).toMatchObject({ status: 10, document: undefined });
  });

  test('verify keeps what it found in the first when the second is away', async () => {
    await away('b');
    await rename(path.join(place('a'), 'dbadmin-repository'), path.join(directory, 'identity'));
    await writeFile(path.join(place('a'), 'dbadmin-repository'), 'nonsense');
    const verified = await json('backup', 'verify');
    await rename(path.join(directory, 'identity'), path.join(place('a'), 'dbadmin-repository'));
    expect(verified).toMatchObject({
      status: 3,
      document: {
        reports: [
          { repository: 'a', isSound: false },
          { repository: 'b', error: { code: 'repository-missing' } },
        ],
      },
    });
  });

  test('hold holds in the other one, releases there, and says where nobody could look', async () => {
    await away('a');
    const held = await json('backup', 'hold', before, '--reason', 'audit');
    expect(held).toMatchObject({
      status: 3,
      document: {
        repositories: [
          { repository: 'a', error: { code: 'repository-missing' } },
          { repository: 'b', holds: [{ label: before, reason: 'audit' }] },
        ],
      },
      stderr: expect.stringContaining(`whether ${before} is held in a is unknown`),
    });
    expect(await dbadmin('backup', 'hold', before, '--release')).toMatchObject({ status: 3 });
    expect(await dbadmin('backup', 'hold', '20000101T000000Z-full', '--reason', 'audit')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/there is no backup or dump [^]*Nobody could look in a\./),
    });
  });

  test('acknowledge writes nothing while it cannot know what the away one has, and the rest where only writing fails', async () => {
    const words = ['backup', 'acknowledge', audited, '--sound', 'earlier', '--reason', 'the disk was replaced'];
    await away('b');
    expect(await dbadmin(...words)).toMatchObject({
      status: 10,
      stderr: expect.stringMatching(/Nothing was written down anywhere: b may have backups of its own/),
    });
    await rename(place('b-away'), place('b'));
    const findings = path.join(place('a'), systemIdentifier, 'holds');
    await rm(findings, { recursive: true, force: true });
    await writeFile(findings, 'no directory');
    const said = await json(...words);
    await rm(findings);
    expect(said).toMatchObject({
      status: 3,
      document: {
        repositories: [
          { repository: 'a', error: { code: 'storage-failed' } },
          { repository: 'b', finding: { label: audited } },
        ],
      },
      stderr: expect.stringContaining('whether it is written down in a is unknown'),
    });
    await mkdir(findings);
    expect(await json(...words)).toMatchObject({ status: 0 });
  });

  test('adopt takes care of the other one, and says that the away one is left', async () => {
    await away('a');
    const dry = await json('backup', 'adopt', '--dry-run');
    expect(dry).toMatchObject({ status: 0, document: { steps: [{ step: 'repository', state: 'by-hand' }, {}, {}, {}, {}] } });
    const adopted = await dbadmin('backup', 'adopt');
    expect(`${adopted.status} ${adopted.stdout}${adopted.stderr}`).toMatch(
      /^3 [^]*nothing is done in a: [^]*adopted; what is left by hand is above/,
    );
    expect(await dbadmin('backup', 'adopt')).toMatchObject({ status: 3 });
    await rename(place('a-away'), place('a'));
    const again = await dbadmin('backup', 'adopt');
    expect(again).toMatchObject({ status: 0, stdout: expect.stringContaining('slot dbadmin is there') });
  });
});
