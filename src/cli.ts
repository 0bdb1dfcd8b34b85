import { readFileSync } from 'node:fs';
import { systemClock } from './base/clock.ts';
import { DbadminError, DEFECT_HINT, ERROR_CODES, messageOf, systemCodeOf } from './base/errors.ts';
import { NOT_PRINTED } from './base/exit-status.ts';
import { pathFailure } from './base/path-failure.ts';
import { INSTALLED_IN } from './base/installation.ts';
import type { Log } from './base/log.ts';
import { COMMANDS } from './commands/catalogue.ts';
import type { CommandContext, CommandInput, CommandSpec } from './commands/command.ts';
import type { Typed } from './commands/program.ts';
import { isWriteToClosedConnection } from './postgres/driver-faults.ts';

/** A part of dbadmin is gone. Not 1, which restore_command takes for the end of the archive. */
const EXIT_INCOMPLETE = 126;
const READER_IS_GONE: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET']);

/** Reads argv, runs the command it names and sets the exit status. The only place that touches the process. */
export async function main(argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  const json = argv.includes('--json');
  let typed: Typed | undefined;
  outliveOutput(() => typed?.kind === 'command' && typed.spec.failureStatus !== undefined);
  const failed = (error: unknown): number => {
    const status = reportFailure(error, json, argv.includes('--verbose'));
    const spec = typed?.kind === 'command' ? typed.spec : namedAnywhere(argv);
    return spec?.failureStatus ?? (systemCodeOf(error) === 'ERR_MODULE_NOT_FOUND' ? EXIT_INCOMPLETE : status);
  };
  process.on('uncaughtException', (error) => {
    if (!isWriteToClosedConnection(error)) process.exit(failed(error));
  });
  try {
    const version = packageVersion();
    if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
      process.stdout.write(`dbadmin ${version}\n`);
      return;
    }
    // Imported late: asking for the version, or what completion asks, must not wait for a parser and a table library.
    const { parseArguments } = await import('./commands/program.ts');
    typed = await parseArguments(COMMANDS, argv, version);
    process.exitCode = typed.kind === 'printed' ? typed.exitStatus : await runTyped(typed, version);
  } catch (error) {
    process.exitCode = failed(error);
  }
}

/**
 * Whatever becomes of what is printed, a backup or a restore goes on to its end, and ends as it does. A full disk under stdout is told
 * on stderr, and makes a status of 0 another one: a result that is lost must not pass for one that was given. Not where PostgreSQL
 * goes by the status (`isContract`).
 */
function outliveOutput(isContract: () => boolean): void {
  let isLost = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader such as head goes when it has enough: not a failure, and nobody is left to read a message.
    if (READER_IS_GONE.has(error.code ?? '') || isLost) return;
    isLost = true;
    process.stderr.write(`error: stdout cannot be written: ${error.message}\n  detail: The work goes on to its end without it.\n`);
  });
  process.stderr.on('error', () => undefined);
  process.on('exit', (status) => {
    if (isLost && status === 0 && !isContract()) process.exitCode = NOT_PRINTED;
  });
}

/**
 * What `argv` may have meant where it cannot be parsed, if a contract of PostgreSQL's says how that must fail: the words of its name
 * stand in `argv` in this order. Any option may stand before and between them, and nobody knows which words are values of options.
 */
function namedAnywhere(argv: readonly string[]): CommandSpec | undefined {
  return COMMANDS.find(({ name, failureStatus }) => {
    if (failureStatus === undefined) return false;
    let from = 0;
    return name.split(' ').every((word) => (from = argv.indexOf(word, from) + 1) > 0);
  });
}

async function runTyped({ spec, input }: Extract<Typed, { readonly kind: 'command' }>, version: string): Promise<number> {
  const { run } = await spec.load();
  return await run(await createContext(spec.name, input, version), input);
}

async function createContext(command: string, input: CommandInput, version: string): Promise<CommandContext> {
  const { createTerminalOutput } = await import('./commands/terminal-output.ts');
  const { patienceOf } = await import('./commands/patience.ts');
  const flag = (name: string): boolean => input.options[name] === true;
  const signal = interruptSignal();
  const output = createTerminalOutput({
    json: flag('json'),
    quiet: flag('quiet'),
    yes: flag('yes'),
    colour: process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '',
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    signal,
  });
  const log: Log = {
    warn: (message) => output.warn(message),
    info: (message) => output.note(message),
    debug: (message) => void (flag('verbose') && output.note(message)),
  };
  const { env, stdin } = process;
  const patienceMs = patienceOf(command);
  // Whoever is gone meanwhile need not hear it.
  const tellDone: CommandContext['tellDone'] = (done) =>
    void (process.connected && process.send?.({ done }, undefined, undefined, () => undefined));
  return { output, log, clock: systemClock, env, cwd: process.cwd(), signal, version, stdin, patienceMs, access: 'full', tellDone };
}

/** Aborted by the first SIGINT, SIGTERM or SIGHUP; a second one of the first two ends the process at once. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  let seen = 0;
  const onSignal = (name: NodeJS.Signals): void => {
    // A session that is lost sends SIGHUP more than once, from its terminal and from its shell: nobody is impatient.
    if (name !== 'SIGHUP') seen += 1;
    if (seen > 1) process.exit(ERROR_CODES.interrupted.exit);
    controller.abort(new DbadminError('interrupted', `interrupted by ${name}`));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('SIGHUP', onSignal);
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
      : (pathFailure(error) ?? new DbadminError('internal', messageOf(error), { cause: error, hint: DEFECT_HINT }));
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
