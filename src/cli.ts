import { readFileSync } from 'node:fs';
import { systemClock } from './base/clock.ts';
import { DbadminError, DEFECT_HINT, messageOf, systemCodeOf } from './base/errors.ts';
import { INSTALLED_IN } from './base/installation.ts';
import type { Log } from './base/log.ts';
import { COMMANDS } from './commands/catalogue.ts';
import type { CommandContext, CommandInput } from './commands/command.ts';
import { isWriteToClosedConnection } from './postgres/driver-faults.ts';

/** A part of dbadmin is gone. Not 1, which restore_command takes for the end of the archive. */
const EXIT_INCOMPLETE = 126;
const EXIT_INTERRUPTED = 130;

/** Reads argv, runs the command it names and sets the exit status. The only place that touches the process. */
export async function main(argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  const json = argv.includes('--json');
  // `dbadmin … | head` ends when the reader has enough: not a failure, and nobody is left to read a message.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
    throw error;
  });
  // Nobody reads our messages any more, which must not change how the work ends.
  process.stderr.on('error', () => undefined);
  const failed = (error: unknown): number => {
    const status = reportFailure(error, json, argv.includes('--verbose'));
    return contractStatus(argv) ?? (systemCodeOf(error) === 'ERR_MODULE_NOT_FOUND' ? EXIT_INCOMPLETE : status);
  };
  process.on('uncaughtException', (error) => {
    if (!isWriteToClosedConnection(error)) process.exit(failed(error));
  });
  try {
    process.exitCode = await runArguments(argv);
  } catch (error) {
    process.exitCode = failed(error);
  }
}

/** What a failure of this command must exit with by a contract of PostgreSQL's, whatever went wrong. */
function contractStatus(argv: readonly string[]): number | undefined {
  const words = argv.filter((word) => !word.startsWith('-'));
  return COMMANDS.find(({ name }) => name === words.slice(0, name.split(' ').length).join(' '))?.failureStatus;
}

async function runArguments(argv: readonly string[]): Promise<number> {
  const version = packageVersion();
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    process.stdout.write(`dbadmin ${version}\n`);
    return 0;
  }
  // Imported late: asking for the version, or what completion asks, must not wait for a parser and a table library.
  const { parseArguments } = await import('./commands/program.ts');
  const typed = await parseArguments(COMMANDS, argv, version);
  if (typed.kind === 'printed') return typed.exitStatus;
  const { run } = await typed.spec.load();
  return await run(await createContext(typed.spec.name, typed.input, version), typed.input);
}

async function createContext(command: string, input: CommandInput, version: string): Promise<CommandContext> {
  const { createTerminalOutput } = await import('./commands/terminal-output.ts');
  const { patienceOf } = await import('./commands/patience.ts');
  const flag = (name: string): boolean => input.options[name] === true;
  const output = createTerminalOutput({
    json: flag('json'),
    quiet: flag('quiet'),
    yes: flag('yes'),
    colour: process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '',
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
  });
  const log: Log = {
    warn: (message) => output.warn(message),
    info: (message) => output.note(message),
    debug: (message) => void (flag('verbose') && output.note(message)),
  };
  const signal = interruptSignal();
  const { env, stdin } = process;
  const patienceMs = patienceOf(command);
  return { output, log, clock: systemClock, env, cwd: process.cwd(), signal, version, stdin, patienceMs, access: 'full' };
}

/** Aborted by the first SIGINT or SIGTERM; a second one ends the process at once. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  let seen = 0;
  const onSignal = (name: NodeJS.Signals): void => {
    seen += 1;
    if (seen > 1) process.exit(EXIT_INTERRUPTED);
    controller.abort(new DbadminError('interrupted', `interrupted by ${name}`));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // A worker that started us holds the other end; when it is gone, whatever ended it, its run is given to another.
  process.once('disconnect', () => controller.abort(new DbadminError('interrupted', 'the worker is gone')));
  process.channel?.unref();
  return controller.signal;
}

function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('package.json', INSTALLED_IN), 'utf8')) as { version: string };
  return manifest.version;
}

/** Prints the failure as style.md has it and gives its exit status. */
function reportFailure(error: unknown, json: boolean, verbose: boolean): number {
  const failure =
    error instanceof DbadminError
      ? error
      : new DbadminError('internal', messageOf(error), {
          cause: error,
          hint: DEFECT_HINT,
        });
  if (json) {
    const { code, message, detail, hint, exitStatus } = failure;
    process.stdout.write(`${JSON.stringify({ error: { code, message, detail, hint, exitStatus } }, null, 2)}\n`);
    return exitStatus;
  }
  const lines = [`error: ${failure.message}`, ...indented('detail: ', failure.detail), ...indented('hint:   ', failure.hint)];
  if (verbose)
    for (let cause = failure.cause; cause !== undefined; cause = cause instanceof Error ? cause.cause : undefined)
      lines.push(...indented('cause:  ', cause instanceof Error ? (cause.stack ?? cause.message) : JSON.stringify(cause)));
  process.stderr.write(`${lines.join('\n')}\n`);
  return failure.exitStatus;
}

function indented(label: string, text: string | undefined): readonly string[] {
  if (text === undefined || text === '') return [];
  return text.split('\n').map((line, index) => `  ${index === 0 ? label : ' '.repeat(label.length)}${line}`);
}
