import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { systemClock } from './base/clock.ts';
import { DbadminError, messageOf } from './base/errors.ts';
import type { Log } from './base/log.ts';
import { COMMANDS } from './commands/catalogue.ts';
import type { CommandContext, CommandInput, CommandSpec, OptionSpec } from './commands/command.ts';
import { createTerminalOutput, toJson } from './commands/terminal-output.ts';

const EXIT_USAGE = 64;
const EXIT_INTERRUPTED = 130;

/** Reads argv, runs the command it names and sets the exit status. The only place that touches the process. */
export async function main(argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  const json = argv.includes('--json');
  try {
    process.exitCode = await runArguments(argv);
  } catch (error) {
    process.exitCode = reportFailure(error, json, argv.includes('--verbose'));
  }
}

async function runArguments(argv: readonly string[]): Promise<number> {
  const version = packageVersion();
  let status = 0;
  const program = new Command('dbadmin')
    .description('migrations, roles, backups and point-in-time recovery for PostgreSQL')
    .version(`dbadmin ${version}`, '-V, --version')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  for (const spec of COMMANDS) {
    addCommand(program, spec, async (input) => {
      const { run } = await spec.load();
      status = await run(createContext(input, version), input);
    });
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0 || error.code === 'commander.help') return error.exitCode === 0 ? 0 : EXIT_USAGE;
    throw new DbadminError('usage', error.message.replace(/^error: /, ''), { hint: 'See dbadmin --help, or dbadmin <command> --help.' });
  }
  return status;
}

function addCommand(program: Command, spec: CommandSpec, action: (input: CommandInput) => Promise<void>): void {
  const words = spec.name.split(' ');
  const last = words.at(-1) ?? spec.name;
  let parent = program;
  for (const word of words.slice(0, -1)) {
    const existing = parent.commands.find((command) => command.name() === word);
    parent =
      existing ??
      parent
        .command(word)
        .description(groupSummary(word))
        .exitOverride()
        .configureOutput({ outputError: () => undefined });
  }
  const command = parent.command(last, spec.isDefault === true ? { isDefault: true } : {});
  command
    .summary(spec.summary)
    .description(spec.description ?? spec.summary)
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  for (const argument of spec.args ?? []) command.argument(argument.form, argument.summary);
  for (const option of [...(spec.options ?? []), ...COMMON_OPTIONS]) command.addOption(commanderOption(option));
  command.action(async () => {
    await action({ args: command.args, options: command.opts() });
  });
}

const COMMON_OPTIONS: readonly OptionSpec[] = [
  { flags: '--config <file>', summary: 'configuration file (default: dbadmin.yaml here or in a directory above)' },
  { flags: '--cluster <name>', summary: 'which cluster of the configuration' },
  { flags: '--url <url>', summary: 'connect here instead: postgresql://user@host:port/database' },
  { flags: '--json', summary: 'print one JSON document for machines' },
  { flags: '--quiet', summary: 'say only what went wrong' },
  { flags: '--verbose', summary: 'say more, with causes' },
  { flags: '--yes', summary: 'do not ask' },
];

function commanderOption(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.fallback === undefined ? spec.summary : `${spec.summary} (default: ${spec.fallback})`);
  if (spec.choices !== undefined) option.choices([...spec.choices]);
  if (spec.hidden === true) option.hideHelp();
  if (spec.repeatable === true) {
    option.argParser((value: string, before: unknown) => [...(Array.isArray(before) ? (before as string[]) : []), value]);
  }
  return option;
}

function groupSummary(word: string): string {
  const groups: Readonly<Record<string, string>> = {
    migrate: 'versioned SQL and repeatable routines',
    roles: 'roles and privileges as code',
    backup: 'take, list and prove backups',
    wal: 'receive, fetch and inspect write-ahead log',
    repository: 'where backups and WAL are kept',
    schedule: 'what runs when',
    spotify: 'feed the listening warehouse',
  };
  return groups[word] ?? word;
}

function createContext(input: CommandInput, version: string): CommandContext {
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
  return { output, log, clock: systemClock, env: process.env, cwd: process.cwd(), signal, version, stdin: process.stdin };
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
  return controller.signal;
}

function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}

/** Prints the failure as style.md has it and gives its exit status. */
function reportFailure(error: unknown, json: boolean, verbose: boolean): number {
  const failure =
    error instanceof DbadminError
      ? error
      : new DbadminError('internal', messageOf(error), {
          cause: error,
          hint: 'This is a defect of dbadmin: please report it with the command and this text.',
        });
  if (json) {
    const { code, message, detail, hint, exitStatus } = failure;
    process.stdout.write(`${toJson({ error: { code, message, detail, hint, exitStatus } })}\n`);
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
