import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findServerPrograms } from '../../src/postgres/programs.ts';
import { serverPid, stopCluster } from '../../src/postgres/server.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startEmbeddedCluster } from '../postgres/embedded-cluster.ts';
import { readSteps, settled, words, type Step } from './readme-blocks.ts';
import { CLI } from '../built-command.ts';
import { runCli } from './run-cli.ts';

const PASSWORD = 'of the README test';
const STEPS = readSteps(await readFile(new URL('../../README.md', import.meta.url), 'utf8'));
const MISTAKE = /^drop table/;

let cluster: TestCluster;
let root: string;
let env: Record<string, string>;
let receiver: { readonly child: ChildProcess; stdout: string; stderr: string } | undefined;
/** Right before the mistake. */
let moment = '';

beforeAll(async () => {
  cluster = await startEmbeddedCluster({ major: 17, password: PASSWORD });
  root = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-readme-'));
  // The clones' own user must reach them.
  await chmod(root, 0o755);
  await mkdir(path.join(root, 'srv', 'shop'), { recursive: true });
  await run('create database shop', 'postgres');
  env = { PGPASSWORD: PASSWORD, DBADMIN_PG_BIN_17: cluster.programs?.binDirectory ?? '' };
});

afterAll(async () => {
  receiver?.child.kill('SIGTERM');
  // Found as restore finds them, so that they run as the user who owns the clones.
  const programs = await findServerPrograms(17, env);
  for (const clone of ['restored', 'before'].map((name) => path.join(root, 'srv', name))) {
    if (programs !== undefined && (await serverPid(clone)) !== undefined) await stopCluster(programs, clone, 'immediate');
  }
  await cluster?.stop();
  await rm(root, { recursive: true, force: true });
});

async function run(text: string, database = 'shop'): Promise<void> {
  const sql = postgres(cluster.url(database), { max: 1, onnotice: () => undefined });
  // ALTER SYSTEM cannot run together with anything.
  for (const statement of text.startsWith('alter system') ? text.split('\n') : [text]) await sql.unsafe(statement);
  await sql.end();
}

async function perform(step: Step): Promise<void> {
  const cwd = path.join(root, 'srv', 'shop');
  switch (step.kind) {
    case 'file':
      await mkdir(path.join(cwd, path.dirname(step.path)), { recursive: true });
      await writeFile(path.join(cwd, step.path), step.text);
      return;
    case 'sql':
      if (MISTAKE.test(step.text)) moment = new Date().toISOString();
      await run(step.text);
      return;
    case 'command':
      expect(await outputOf(step.command, step.output.length, cwd)).toEqual(step.output.map(settled));
  }
}

/** The lines that the reader would see of a command's results, settled. */
async function outputOf(command: string, expectedLines: number, cwd: string): Promise<readonly string[]> {
  if (command === 'kill %1') return await stopReceiver();
  const [line = '', echo] = command.split('; ');
  const args = words(line.replaceAll('5432/shop', `${cluster.port}/shop`).replaceAll(' /srv/', ` ${root}/srv/`)).slice(1);
  if (args.at(-1) === '&') return await startReceiver(args.slice(0, -1), expectedLines, cwd);
  if (args.includes('find')) await untilStored(cwd);
  const { status, stdout, stderr } = await runCli(args, { cwd, env });
  if (echo === undefined) expect(status, stderr).toBe(0);
  return lines(`${stdout}${echo === undefined ? '' : `exit ${status}`}`);
}

function lines(text: string): readonly string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => settled(line.replaceAll(root, '')));
}

async function startReceiver(args: readonly string[], expectedLines: number, cwd: string): Promise<readonly string[]> {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const started = { child, stdout: '', stderr: '' };
  receiver = started;
  child.stdout.on('data', (data: Buffer) => (started.stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (started.stderr += data.toString()));
  await expect.poll(() => started.stderr.split('\n').length, { timeout: 20_000 }).toBeGreaterThan(expectedLines);
  return lines(started.stderr);
}

async function stopReceiver(): Promise<readonly string[]> {
  const stopped = receiver;
  if (stopped === undefined) return [];
  const status = new Promise((resolve) => stopped.child.once('close', resolve));
  stopped.child.kill('SIGTERM');
  expect(await status).toBe(0);
  return lines(stopped.stdout);
}

/** Until the repository covers a second after the mistake, which is later than what is looked for. */
async function untilStored(cwd: string): Promise<void> {
  const afterMistake = new Date(new Date(moment).getTime() + 1000).toISOString();
  await expect
    .poll(
      async () => {
        const { stdout } = await runCli(['backup', 'info', '--json'], { cwd, env });
        return (JSON.parse(stdout) as { windows: { to: string | null }[] }).windows.at(-1)?.to ?? '';
      },
      { timeout: 20_000, interval: 500 },
    )
    .toSatisfy((covered: string) => covered > afterMistake);
}

test('every command of the README does and prints what it says there, in its order', async () => {
  for (const step of STEPS) {
    await perform(step).catch((error: unknown) => {
      throw new Error(`README.md:${step.line}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    });
  }
  expect(STEPS.filter(({ kind }) => kind === 'command').length).toBeGreaterThan(10);
});

test('a word changed in the README is a difference, a time or size is not', () => {
  expect(settled('  done       20261121T032704Z-full   1.8 s   stored 1.98 MB   page checksums ok')).toBe(
    settled('  done       20270101T000000Z-full   950 ms   stored 2 MB   page checksums ok'),
  );
  expect(settled('open       postgresql://127.0.0.1:55432   timeline 2   3.5 s in all')).not.toBe(
    settled('open       postgresql://127.0.0.1:55432   timeline 3   3.5 s in all'),
  );
  expect(settled('1 file and 1 routine applied')).not.toBe(settled('1 file and 2 routines applied'));
});
