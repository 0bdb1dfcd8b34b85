import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isRunning } from '../../../src/base/processes.ts';
import { commandEnd, runCommand, startCommand, writeConfig, type CommandEnd } from '../../backup/command.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

interface Drilled {
  readonly report: {
    readonly label: string;
    readonly verdict: string;
    readonly weaknesses: readonly string[];
    readonly times: { rtoMs: number };
  };
}

describe('backup drill', () => {
  let cluster: TestCluster;
  let directory: string;
  let config: string;
  let env: NodeJS.ProcessEnv;

  const dbadmin = async (...args: readonly string[]): Promise<CommandEnd> =>
    await runCommand(['backup', ...args, '--config', config, '--yes'], env);
  const leftovers = async (): Promise<readonly string[]> =>
    (await readdir(path.join(directory, 'scratch'))).filter((name) => name.startsWith('dbadmin-drill-'));

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: 17 });
    const sql = postgres(cluster.url(), { max: 1 });
    await sql.unsafe('create table step as select g as n from generate_series(1, 50000) g; create index on step (n)');
    await sql.end();
    const repository = await makeRepository(path.join(directory, 'repository'));
    await backUp(cluster, repository);
    await mkdir(path.join(directory, 'scratch'));
    await mkdir(path.join(directory, 'backups'));
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    env = { DBADMIN_SCRATCH: path.join(directory, 'scratch'), XDG_STATE_HOME: path.join(directory, 'state') };
  });
  afterAll(async () => {
    await cluster.stop();
    await removeDirectory(directory);
  });

  async function policies(assertions: string): Promise<void> {
    const text = `version: 1\npolicies:\n  p:\n    cluster: main\n    repositories: [local]\n    drill: { cron: "0 4 * * 0", assert: ${assertions} }\n`;
    await writeFile(path.join(directory, 'backups', 'policies.yaml'), text);
  }

  test('E5, E9: passes, proves the backup, and its signed report can be verified until one figure is changed', async () => {
    await policies('[{ sql: "select count(*) from step", is: 50000 }]');
    const file = path.join(directory, 'report.json');
    const end = await dbadmin('drill', '--json', '--report', file);
    expect(end.stderr).not.toContain('error');
    expect(end.stderr).toMatch(/warning: there was no key in .*drill-key\.pem: a new one was made there, [0-9a-f:]+/);
    const { report } = JSON.parse(end.stdout) as Drilled;
    expect(report).toMatchObject({ verdict: 'passed', weaknesses: [] });
    expect(end.status).toBe(0);
    expect((await dbadmin('list')).stdout).toMatch(/proven .* ago/);
    expect((await dbadmin('info')).stdout).toContain(`${report.label} `);

    expect((await stat(path.join(directory, 'state', 'dbadmin', 'drill-key.pem'))).mode & 0o777).toBe(0o600);
    expect(await dbadmin('drill', '--verify-report', file)).toMatchObject({ status: 0 });
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(`"rtoMs": ${report.times.rtoMs}`, `"rtoMs": ${report.times.rtoMs - 1}`));
    const changed = await dbadmin('drill', '--verify-report', file);
    expect(changed).toMatchObject({ status: 1, stderr: expect.stringContaining('something in it was changed') });

    // Somebody who has only the public key; and somebody who has another.
    const { stdout: pem, stderr } = await dbadmin('drill', '--public-key');
    expect(stderr).not.toContain('new one');
    const typed = await dbadmin('drill', '--public-key', '--key', path.join(directory, 'drill-kye.pem'));
    expect(typed).toMatchObject({ status: 0, stderr: expect.stringContaining('drill-kye.pem: a new one was made') });
    await writeFile(path.join(directory, 'drill.pub'), pem);
    const other = { XDG_STATE_HOME: path.join(directory, 'elsewhere') };
    const verify = ['backup', 'drill', '--verify-report', report.label, '--config', config];
    expect(await runCommand([...verify, '--trusted-key', path.join(directory, 'drill.pub')], other)).toMatchObject({ status: 0 });
    expect(await runCommand(verify, other)).toMatchObject({ status: 1, stderr: expect.stringContaining('not known here') });
    expect(await leftovers()).toEqual([]);
  });

  test('that does not pass exits 3, says why, and proves nothing', async () => {
    await policies('[{ sql: "select count(*) from step", is: 1 }]');
    const end = await dbadmin('drill', '--skip-amcheck');
    expect(end).toMatchObject({ status: 3, stdout: expect.stringContaining('was to be 1 and gave 50000') });
    const { drills, total } = JSON.parse((await dbadmin('drill', '--list', '--json')).stdout) as {
      readonly total: number;
      readonly drills: readonly { readonly label: string; readonly verdict: string; readonly times: { readonly rtoMs: number } }[];
    };
    expect(total).toBe(2);
    expect(drills).toMatchObject([
      { verdict: 'failed', amcheck: 'not-run', assertions: { held: 0, asked: 1 }, failures: [expect.stringContaining('gave 50000')] },
      { verdict: 'passed', amcheck: 'clean', assertions: { held: 1, asked: 1 }, times: { rtoMs: expect.any(Number) } },
    ]);
    const shown = await dbadmin('drill', '--show', drills[1]?.label ?? '', '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({
      report: { label: drills[1]?.label, verdict: 'passed' },
      signature: { algorithm: 'ed25519' },
      signed: { kind: 'valid', fingerprint: expect.any(String), reason: null },
    });
    expect(await dbadmin('drill', '--show', 'no-such-drill')).toMatchObject({ status: 64, stderr: expect.stringContaining('--list') });
    expect(await leftovers()).toEqual([]);
  });

  test('of a backup that is not there is no drill: nothing is stored, and nobody is told of a failed one', async () => {
    const reports = async (): Promise<unknown> => JSON.parse((await dbadmin('drill', '--list', '--json')).stdout);
    const before = await reports();
    const end = await dbadmin('drill', '--backup', '20261121T203001Z-full');
    expect(end).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(/no backup 20261121T203001Z-full\n[^]*backup list/) });
    expect(await reports()).toEqual(before);
    expect(await leftovers()).toEqual([]);
  });

  test('that is told to stop leaves nothing; one that is killed is swept by the next, with its server', async () => {
    await policies('[{ sql: "select pg_sleep(60)", is: "" }]');
    const stopped = startCommand(['backup', 'drill', '--skip-amcheck', '--config', config], env);
    const end = commandEnd(stopped);
    await serverIn(directory);
    stopped.kill('SIGKILL');
    await end;
    const [left = ''] = await leftovers();
    const pid = await serverIn(directory);
    await policies('[]');
    expect(await dbadmin('drill')).toMatchObject({ status: 0 });
    expect(await leftovers()).toEqual([]);
    expect(left).not.toBe('');
    expect(await isRunning(pid)).toBe(false);

    const told = startCommand(['backup', 'drill', '--config', config], env);
    const toldEnd = commandEnd(told);
    await serverIn(directory);
    told.kill('SIGTERM');
    expect(await toldEnd).toMatchObject({ status: 130 });
    expect(await leftovers()).toEqual([]);
  });

  test('verify --read-data finds a flipped bit and exits 3', async () => {
    expect(await dbadmin('verify', '--read-data')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('every byte that they need was read'),
    });
    const packs = path.join(directory, 'repository');
    const names = (await readdir(packs, { recursive: true })).filter((name) => /packs\/..\/[0-9a-f]{32}$/.test(name)).sort();
    const pack = path.join(packs, names[0] ?? '');
    const original = await readFile(pack);
    const bytes = Buffer.from(original);
    const at = 100 + (createHash('sha256').update(names.join()).digest().readUInt16BE(0) % Math.floor(bytes.byteLength / 2));
    bytes.writeUInt8(bytes.readUInt8(at) ^ 4, at);
    await writeFile(pack, bytes);
    const found = await dbadmin('verify', '--read-data');
    expect(found).toMatchObject({ status: 3, stdout: expect.stringContaining('does not restore whole') });
    await writeFile(pack, original);
    const sampled = await dbadmin('verify', '--sample', '50%', '--json');
    expect(JSON.parse(sampled.stdout)).toMatchObject({
      reports: [{ isSound: true, extent: { kind: 'sample', share: 0.5, seed: expect.any(String) } }],
    });
    expect((await dbadmin('info')).stdout).toContain('a sample of the content');
  });
});

/** The process id of the server of a drill that is under way. */
async function serverIn(directory: string): Promise<number> {
  for (let tries = 0; tries < 600; tries += 1) {
    const place = path.join(directory, 'scratch');
    for (const name of await readdir(place)) {
      const pid = Number((await readFile(path.join(place, name, 'data', 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0]);
      if (Number.isInteger(pid) && pid > 0) return pid;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('no server was started');
}
