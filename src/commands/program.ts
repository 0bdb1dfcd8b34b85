import { Command, CommanderError, Option } from 'commander';
import { DbadminError } from '../base/errors.ts';
import { WRONG_USAGE } from '../base/exit-status.ts';
import { suggestion } from '../base/spelling.ts';
import type { CommandInput, CommandSpec, OptionSpec } from './command.ts';

/** What was typed: a command with its input, or something that only had to be printed (help), with its exit status. */
export type Typed =
  | { readonly kind: 'command'; readonly spec: CommandSpec; readonly input: CommandInput }
  | { readonly kind: 'printed'; readonly exitStatus: number };

/**
 * Finds the command that argv names among `specs`. `--help` and a group without a verb print their help: asked for on stdout
 * with status 0, else on stderr with 64.
 *
 * @throws {DbadminError} `usage`.
 */
export async function parseArguments(specs: readonly CommandSpec[], argv: readonly string[], version: string): Promise<Typed> {
  const asksHelp = argv[0] === 'help';
  const words = asksHelp ? argv.slice(1) : argv;
  checkVerb(specs, words);
  let found: Typed = { kind: 'printed', exitStatus: 0 };
  const program = new Command('dbadmin')
    .description('migrations, roles, backups and point-in-time recovery for PostgreSQL')
    .version(`dbadmin ${version}`, '-V, --version')
    .enablePositionalOptions()
    .helpCommand('help [command]', 'what a command does, its options and its --json keys')
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  for (const option of COMMON_OPTIONS) program.addOption(commanderOption({ ...option, hidden: true }));
  for (const spec of nameable(specs, words)) addCommand(program, spec, (input) => void (found = { kind: 'command', spec, input }));
  try {
    await program.parseAsync(asksHelp ? [...words, '--help'] : [...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'printed', exitStatus: 0 };
    if (error.code === 'commander.help') return { kind: 'printed', exitStatus: WRONG_USAGE };
    throw usageError(error.message);
  }
  return found;
}

/** The commands that `words` can still name: describing all of them takes longer than many a command. */
function nameable(specs: readonly CommandSpec[], [group]: readonly string[]): readonly CommandSpec[] {
  if (group === undefined || group.startsWith('-')) return specs;
  return specs.filter(({ name }) => name === group || name.startsWith(`${group} `));
}

/** Refuses a misspelt command: help would pass over it, and a group's default command would take it for an argument. */
function checkVerb(specs: readonly CommandSpec[], argv: readonly string[]): void {
  const [group, verb] = argv;
  if (group === undefined || group.startsWith('-')) return;
  const ofGroup = nameable(specs, argv);
  if (ofGroup.length === 0) {
    const names = new Set(specs.flatMap(({ name }) => [name.split(' ')[0] ?? name]));
    throw usageError(`unknown command "${group}"${suggestion(group, names)}`);
  }
  if (verb === undefined || verb.startsWith('-') || verb === 'help' || ofGroup.some(({ name }) => name === group)) return;
  const verbs = ofGroup.map(({ name }) => name.split(' ')[1] ?? '');
  if (!verbs.includes(verb)) throw usageError(`unknown command "${group} ${verb}"${suggestion(verb, verbs)}`);
}

/** What commander says, in the form of our own messages. */
function usageError(message: string): DbadminError {
  const [first = '', meant] = message.replace(/^error: /, '').split('\n(Did you mean ');
  const end = meant === undefined ? '' : `, did you mean "${meant.replace(/^one of /, '').replace(/\?\)$/, '')}"?`;
  return new DbadminError('usage', `${first.replace(/\.$/, '').replaceAll("'", '"')}${end}`, {
    hint: 'See dbadmin --help, or dbadmin help COMMAND.',
  });
}

function addCommand(program: Command, spec: CommandSpec, action: (input: CommandInput) => void): void {
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
    .description(flowing(spec.description ?? spec.summary))
    .addHelpText('after', jsonHelp(spec))
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  for (const argument of spec.args ?? []) command.argument(argument.form, argument.summary);
  for (const option of [...(spec.options ?? []), ...COMMON_OPTIONS]) command.addOption(commanderOption(option));
  command.action(() => action({ args: command.args, options: command.optsWithGlobals() }));
}

/** Lines of a paragraph joined, so that the terminal's width breaks them; examples and indented lines stay as they are. */
function flowing(text: string): string {
  return text.replace(/(?<=\S)\n(?=[^\s$])/g, (_break, offset: number) => {
    const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
    return /^[\s$]/.test(line) ? '\n' : ' ';
  });
}

function jsonHelp({ json = [] }: CommandSpec): string {
  return json.length === 0 ? '' : `\nWith --json, one document:\n${json.map((line) => `  ${line}`).join('\n')}`;
}

/** The options that every command has. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  { flags: '--config <file>', summary: 'configuration file (default: dbadmin.yaml here or in a directory above)' },
  { flags: '--cluster <name>', summary: 'which cluster of the configuration' },
  { flags: '--url <url>', summary: 'connect here instead: postgresql://user@host:port/database' },
  { flags: '--json', summary: 'print one JSON document for machines' },
  { flags: '--quiet', summary: 'no progress and no remarks on stderr: only results, warnings and what went wrong' },
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
    alerts: 'who is told when something is wrong, and when it is over',
    spotify: 'feed the listening warehouse, report on it, recommend from it',
    console: 'the web console, and who may sign in to it',
    user: 'who may sign in to the console',
  };
  return groups[word] ?? word;
}
