import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CLI } from '../built-command.ts';
import { runCli } from './run-cli.ts';

const cwd = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-cli-'));
afterAll(async () => await rm(cwd, { recursive: true, force: true }));

await mkdir(path.join(cwd, 'project', 'sql', 'migrations'), { recursive: true });
await mkdir(path.join(cwd, 'project', 'backups'));
const project = path.join(cwd, 'project');
await writeFile(
  path.join(project, 'dbadmin.yaml'),
  'version: 1\nclusters: { main: { host: 127.0.0.1, port: 1, user: u, database: d, repositories: [local] } }\nrepositories: { local: { type: disk, path: repository } }\n',
);
await writeFile(
  path.join(project, 'backups', 'policies.yaml'),
  'version: 1\npolicies:\n  p:\n    cluster: main\n    repositories: [local]\n    base: { full: { cron: "0 2 * * *", timezone: Asia/Kolkata } }\njobs:\n  now: { command: schedule list, cron: "@hourly" }\n  then: { sql: select 1, after: [now] }\n',
);

test('--version answers in under 150 ms, the least of seven', async () => {
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < 7; turn += 1) {
    const { tookMs, ...said } = await runCli(['--version'], { cwd });
    expect(said).toMatchObject({ status: 0, stdout: expect.stringMatching(/^dbadmin \d+\.\d+\.\d+\n$/), stderr: '' });
    ours.push(tookMs);
    bare.push(bareNodeMs());
  }
  // What else the machine does only adds to it, to a bare Node's start as to ours.
  expect(Math.min(...ours)).toBeLessThan(Math.max(150, Math.min(...bare) * 2.5));
});

function bareNodeMs(): number {
  const startedMs = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return performance.now() - startedMs;
}

test.each([
  [['statsu'], /^error: unknown command "statsu"/],
  [['migrat'], /^error: unknown command "migrat", did you mean "migrate"\?\n/],
  [['schedule', 'lsit'], /^error: unknown command "schedule lsit", did you mean "list"\?\n/],
  [['migrate', 'staus'], /^error: unknown command "migrate staus", did you mean "status"\?\n/],
  [['schedule', 'next', '--cuont', '3'], /^error: unknown option "--cuont", did you mean "--count"\?\n/],
  [['schedule', 'next', '--count'], /^error: option "--count <n>" argument missing\n/],
  [['schedule', 'next', '--count', '0'], /^error: --count takes a whole number from 1 to 1000, not "0"\n/],
  [['schedule', 'list', 'extra'], /^error: too many arguments/],
  [['schedule', 'run'], /^error: missing required argument "job"\n/],
  [['help', 'nothing'], /^error: unknown command "nothing"/],
])('%j is wrong usage: status 64, the message on stderr, nothing on stdout', async (args, message) => {
  const { status, stdout, stderr } = await runCli(args, { cwd: project });
  expect(stderr).toMatch(message);
  expect(stdout).toBe('');
  expect(status).toBe(64);
});

test('a group without a verb prints its help on stderr with status 64; help asked for is on stdout with 0', async () => {
  const group = await runCli(['schedule'], { cwd });
  expect(group).toMatchObject({ status: 64, stdout: '', stderr: expect.stringContaining('what runs next') });
  const asked = await runCli(['help', 'schedule', 'next'], { cwd });
  expect(asked).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('Usage: dbadmin schedule next') });
  expect(asked.stdout).toContain('--config <file>');
  expect(await runCli(['schedule', 'next', '--help'], { cwd })).toMatchObject({ status: 0, stdout: asked.stdout });
  expect(await runCli([], { cwd })).toMatchObject({ status: 64, stdout: '', stderr: expect.stringContaining('Usage: dbadmin') });
});

test('with --json a failure is one JSON document on stdout, whatever went wrong', async () => {
  for (const [args, code, exitStatus] of [
    [['nothing', '--json'], 'usage', 64],
    [['migrate', 'status', '--json'], 'connection-failed', 1],
    [['schedule', 'list', '--json', '--config', 'absent.yaml'], 'config-missing', 1],
    [['--json', 'schedule', 'run', 'hten'], 'usage', 64],
  ] as const) {
    const { status, stdout } = await runCli(args, { cwd: project });
    const document = JSON.parse(stdout) as { readonly error: Readonly<Record<string, unknown>> };
    expect(document.error).toMatchObject({ code, exitStatus, message: expect.any(String) });
    expect(status).toBe(exitStatus);
  }
});

test('--config is taken before and after the command, and the file is found from below its directory', async () => {
  const file = path.join(project, 'dbadmin.yaml');
  for (const [args, from] of [
    [['schedule', 'list', '--config', file], cwd],
    [['--config', file, 'schedule', 'list'], cwd],
    [['schedule', 'list'], path.join(project, 'sql', 'migrations')],
  ] as const) {
    expect(await runCli(args, { cwd: from })).toMatchObject({ status: 0, stdout: expect.stringContaining('p.full') });
  }
});

test('bad YAML is told all at once with file, line and column, and nothing else happens', async () => {
  const file = path.join(cwd, 'broken.yaml');
  await writeFile(
    file,
    'version: 1\nclusters:\n  main: { prot: 1, password: "${ABSENT}" }\n  other: { repositories: [nowhere] }\nrepositores: {}\n',
  );
  const { status, stdout, stderr } = await runCli(['migrate', 'status', '--config', 'broken.yaml'], { cwd });
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr.split('\n').slice(0, 5)).toEqual([
    'error: 4 problems in broken.yaml',
    '  detail: broken.yaml:3:11: unknown key "prot", did you mean "port"?',
    '          broken.yaml:3:30: environment variable ABSENT is not set',
    '          broken.yaml:4:27: repository "nowhere" is not defined',
    '          broken.yaml:5:1: unknown key "repositores", did you mean "repositories"?',
  ]);
});

test('no secret is in any output, even when the URL is wrong or the server is not there', async () => {
  const secret = 'hunter2';
  const attempts = [
    ['migrate', 'status', '--url', `postgresql://u:${secret}@127.0.0.1:1/d`],
    ['migrate', 'status', '--url', `postgresql://u:${secret}@127.0.0.1:port/d`],
    ['migrate', 'status', '--url', `postgresql://u:${secret}/x@127.0.0.1/d`],
    ['migrate', 'status', '--url', `postgresql://u:${secret}%zz@127.0.0.1/d`],
    ['migrate', 'status', '--url', `host=127.0.0.1 password=${secret} nonsense`],
    ['init', 'made', '--url', `postgresql://u:${secret}@127.0.0.1:1/d`],
  ];
  for (const args of attempts) {
    for (const more of [['--verbose'], ['--json']]) {
      const { status, stdout, stderr } = await runCli([...args, ...more], { cwd });
      expect(status).toBe(1);
      expect(stdout + stderr).not.toContain(secret);
      expect(stdout + stderr).toMatch(/error/);
    }
  }
});

test('output that is no terminal has no colour and no cursor movements', async () => {
  const { stdout, stderr } = await runCli(['schedule', 'next'], { cwd: project });
  expect(stdout + stderr).not.toContain('\u001b');
});

test.skipIf(spawnSync('script', ['--version']).status !== 0)('on a terminal heads are dimmed, and with NO_COLOR nothing is', () => {
  const onTerminal = (env: Record<string, string>): string =>
    spawnSync('script', ['-qec', `'${process.execPath}' '${CLI}' schedule list`, '/dev/null'], {
      cwd: project,
      env: { PATH: process.env['PATH'] ?? '', HOME: cwd, TERM: 'xterm', ...env },
      encoding: 'utf8',
    }).stdout;
  expect(onTerminal({})).toContain('\u001b[2m');
  expect(onTerminal({ NO_COLOR: '1' })).not.toContain('\u001b[');
});

const CONFIG = path.join(project, 'dbadmin.yaml');
const GET = ['000000010000000000000001', 'out'];

test.each([
  [['wal', 'get', '--config', CONFIG, ...GET], 126],
  [['--config', CONFIG, 'wal', 'get', ...GET], 126],
  [['--cluster', 'main', '--config', CONFIG, 'wal', 'get', ...GET], 126],
  [['--cluster', 'nobody', '--config', CONFIG, 'wal', 'get', ...GET], 126],
  [['--config', 'absent.yaml', 'wal', 'get', ...GET], 126],
  [['--url', 'postgresql://127.0.0.1:port/d', 'wal', 'get', ...GET], 126],
  [['--conifg', CONFIG, 'wal', 'get', ...GET], 126],
  [['--config', CONFIG, 'wal', '--quiet', 'get', ...GET], 126],
  [['--config', CONFIG, 'wal', 'get', '--nonsense', ...GET], 126],
  [['--config', CONFIG, 'wal', 'push', '--nonsense', GET[0] ?? ''], 1],
])('%j: where the options stand changes nothing of the status that PostgreSQL goes by', async (args, status) => {
  const said = await runCli(args, { cwd });
  expect(said.stderr).toMatch(/^error: /);
  expect(said.status).toBe(status);
});

test('words among the arguments of another command do not make its status that of wal get', async () => {
  const said = await runCli(['--config', CONFIG, 'backup', 'hold', 'wal', '--reason', 'get'], { cwd });
  expect(said).toMatchObject({ status: 10, stderr: expect.stringMatching(/^error: /) });
});

test('a reader that has enough ends the command quietly', () => {
  const piped = spawnSync('sh', ['-c', `'${process.execPath}' '${CLI}' schedule next --count 1000 | head -n 1`], {
    cwd: project,
    encoding: 'utf8',
  });
  expect(piped).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/^when/) });
});

test('schedule next shows each run in its own zone, and what runs after it', async () => {
  const { stdout } = await runCli(['schedule', 'next', '--count', '30'], { cwd: project });
  expect(stdout).toMatch(/^\d{4}-\d\d-\d\d 02:00:00 \+05:30 .* p\.full +full backup of main +Asia\/Kolkata$/m);
  expect(stdout).toContain('then runs after now: select 1');
});

test('schedule export --cron writes lines that cron could run from anywhere', async () => {
  const { status, stdout } = await runCli(['schedule', 'export', '--cron'], { cwd: project });
  expect(status).toBe(0);
  const line = stdout.split('\n').find((text) => text.includes('schedule run now'));
  expect(line).toMatch(
    /^0 \* \* \* \* \{ \/.* \/.*dbadmin\.cjs schedule run now --config \/.*dbadmin\.yaml --quiet \|\| \[ \$\? -eq 4 \]; \} && .* schedule run then /,
  );
  const command = line
    ?.replace(/^(\S+ ){5}/, '')
    .replace(/ && .*/, '')
    .replaceAll(String.raw`\%`, '%');
  expect(spawnSync('sh', ['-c', command ?? 'false'], { cwd: '/', encoding: 'utf8', env: {} })).toMatchObject({
    status: 0,
    stdout: '',
    stderr: '',
  });
});

test('a job never overlaps itself: the second run is refused with status 11, a killed one leaves nothing behind', async () => {
  const text = 'version: 1\njobs: { slow: { sql: select 1, cron: "@daily", retries: 1, retry_delay: 30s } }\n';
  await writeFile(path.join(cwd, 'slow.yaml'), text);
  await writeFile(
    path.join(cwd, 'slow-config.yaml'),
    'version: 1\nclusters: { main: { host: 127.0.0.1, port: 1, user: u, database: d } }\npaths: { policies: slow.yaml }\n',
  );
  const args = [CLI, 'schedule', 'run', 'slow', '--config', 'slow-config.yaml'];
  const start = async () => {
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    // Once it waits for its second attempt it holds the job.
    for await (const text of child.stderr) if (String(text).includes('attempt 2 of 2')) break;
    return child;
  };
  const first = await start();
  const second = await runCli(args.slice(1), { cwd });
  expect(second).toMatchObject({ status: 11, stderr: expect.stringContaining('error: job slow is still running') });
  first.kill('SIGKILL');
  await once(first, 'exit');
  const third = await start();
  third.kill('SIGTERM');
  expect(await once(third, 'exit')).toEqual([130, null]);
});

test('a job that fails is tried as often as it was told, and says why', async () => {
  await writeFile(
    path.join(cwd, 'retry.yaml'),
    'version: 1\njobs: { sql: { sql: select 1, cron: "@daily", retries: 2, retry_delay: 10ms } }\n',
  );
  await writeFile(
    path.join(cwd, 'retrying.yaml'),
    'version: 1\nclusters: { main: { host: 127.0.0.1, port: 1, user: u, database: d } }\npaths: { policies: retry.yaml }\n',
  );
  const { status, stderr } = await runCli(['schedule', 'run', 'sql', '--config', 'retrying.yaml'], { cwd });
  expect(status).toBe(1);
  expect(stderr.match(/attempt \d of 3/g)).toEqual(['attempt 2 of 3', 'attempt 3 of 3']);
  expect(stderr).toContain('error: cannot connect to d at 127.0.0.1:1');
});
