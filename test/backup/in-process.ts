import { PassThrough } from 'node:stream';
import { systemClock } from '../../src/base/clock.ts';
import { DbadminError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { COMMANDS } from '../../src/commands/catalogue.ts';
import { parseArguments } from '../../src/commands/program.ts';
import { createTerminalOutput } from '../../src/commands/terminal-output.ts';
import type { CommandEnd } from './command.ts';

/**
 * Runs `dbadmin …` in this process, without a terminal: what a process of its own does, but for its start, which takes
 * longer than most commands. A failure is printed as message, detail and hint.
 */
export async function runInProcess(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  signal = new AbortController().signal,
): Promise<CommandEnd> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  let status: number;
  try {
    status = await execute(args, env, stdout, stderr, signal);
  } catch (error) {
    if (!(error instanceof DbadminError)) throw error;
    stderr.write([error.message, error.detail, error.hint].join('\n'));
    status = error.exitStatus;
  }
  return { status, signal: null, stdout: textOf(stdout), stderr: textOf(stderr) };
}

async function execute(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  stdout: PassThrough,
  stderr: PassThrough,
  signal: AbortSignal,
): Promise<number> {
  const typed = await parseArguments(COMMANDS, args, 'test');
  if (typed.kind === 'printed') return typed.exitStatus;
  const { input, spec } = typed;
  const stdin = new PassThrough();
  const output = createTerminalOutput({
    json: input.options['json'] === true,
    quiet: false,
    yes: input.options['yes'] === true,
    colour: false,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    stdin: stdin as unknown as NodeJS.ReadStream,
    signal,
  });
  const { run } = await spec.load();
  const log = { ...silentLog, warn: (text: string) => output.warn(text) };
  return await run(
    { output, log, clock: systemClock, env, cwd: process.cwd(), signal, version: 'test', stdin, patienceMs: 0, access: 'full' },
    input,
  );
}

function textOf(stream: PassThrough): string {
  let text = '';
  // Each call gives what one write wrote.
  for (let chunk = stream.read() as Buffer | null; chunk !== null; chunk = stream.read() as Buffer | null) text += chunk.toString();
  return text;
}
