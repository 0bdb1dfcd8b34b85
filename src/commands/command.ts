import type { Clock } from '../base/clock.ts';
import { formatDuration, LONGEST_DURATION_MS, parseDuration } from '../base/durations.ts';
import { DbadminError, isDbadminError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Access } from '../config/load.ts';
import type { DoneRepository } from '../schedule/attempt.ts';
import type { Output } from './output.ts';

/** One option of a command, as commander writes it: `--into <dir>`, `--json`, `--to [time]`. */
export interface OptionSpec {
  readonly flags: string;
  readonly summary: string;
  /** May be given several times; the values come as an array. */
  readonly repeatable?: boolean;
  /** The value without the option, shown in the manual. */
  readonly fallback?: string;
  readonly choices?: readonly string[];
  /** Left out of the manual and of `--help`. */
  readonly hidden?: boolean;
}

export interface ArgumentSpec {
  /** `<name>` required, `[name]` optional, `<files...>` several. */
  readonly form: string;
  readonly summary: string;
}

/** What a command found in argv. Option names are camel case, as commander gives them. */
export interface CommandInput {
  /** Positional arguments in order; a variadic one is spread at the end. */
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
}

/** The world of a command. Nothing below `cli.ts` touches process, console or argv. */
export interface CommandContext {
  readonly output: Output;
  readonly log: Log;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborted by SIGINT, SIGTERM or SIGHUP: finish what must be finished and throw `interrupted`. */
  readonly signal: AbortSignal;
  /** The version of dbadmin, `0.1.0`. */
  readonly version: string;
  readonly stdin: NodeJS.ReadableStream;
  /** For how long a storage that answered before is waited for. @see patienceOf */
  readonly patienceMs: number;
  /** `reading` where the console asks: the configuration then has connections that cannot write. */
  readonly access: Access;
  /**
   * Tells whoever started us, a worker or schedule run, with which repositories it is over, so that it does not have it done there
   * again for the sake of the others. Undefined where nobody listens.
   */
  readonly tellDone?: (done: readonly DoneRepository[]) => void;
}

/** Runs one command. Gives the exit status (0 done, 2 drift or pending, 3 done in part); failures are thrown. */
export type RunCommand = (context: CommandContext, input: CommandInput) => Promise<number>;

/** A command as argv, `--help`, the manual and completion know it. `load` imports the code only when the command runs. */
export interface CommandSpec {
  /** The words after `dbadmin`: `migrate up`, `wal get`. */
  readonly name: string;
  readonly summary: string;
  /** A paragraph or two for the manual; examples are lines beginning with `$ `. */
  readonly description?: string;
  readonly args?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  /** The command that runs when its group's name alone is typed (`dbadmin migrate`). */
  readonly isDefault?: boolean;
  /** The exit status of any failure, where somebody else's contract demands one (restore_command). */
  readonly failureStatus?: number;
  /** What `--json` prints: one line per key, `applied: array of { version, name, tookMs }`. */
  readonly json?: readonly string[];
  readonly load: () => Promise<{ readonly run: RunCommand }>;
}

/** The text of a string option, or undefined when it was not given. */
export function textOption(input: CommandInput, name: string): string | undefined {
  const value = input.options[name];
  return typeof value === 'string' ? value : undefined;
}

/**
 * The milliseconds of an option that takes a duration, such as `--lock-wait`; undefined when it was not given.
 *
 * @throws {DbadminError} `usage` when it is none, or shorter or longer than it may be: what is wrong is the command line, not the
 * configuration.
 */
export function durationOption(
  input: CommandInput,
  name: string,
  { leastMs = 0, mostMs = LONGEST_DURATION_MS }: { readonly leastMs?: number; readonly mostMs?: number } = {},
): number | undefined {
  const text = textOption(input, name);
  if (text === undefined) return undefined;
  const spanMs = spanOf(text, flagOf(name));
  if (spanMs < leastMs) throw new DbadminError('usage', `${flagOf(name)} takes ${formatDuration(leastMs)} or more, not "${text}"`);
  if (spanMs > mostMs) throw new DbadminError('usage', `${flagOf(name)} takes ${formatDuration(mostMs)} or less, not "${text}"`);
  return spanMs;
}

function spanOf(text: string, flag: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (!isDbadminError(error, 'config-invalid')) throw error;
    throw new DbadminError('usage', `${flag} takes a duration, not "${text}"`, { hint: error.hint, cause: error });
  }
}

/**
 * The number of an option that takes a whole one, such as `--jobs`; undefined when it was not given.
 *
 * @throws {DbadminError} `usage` when it is none, or lies outside of `least` to `most`.
 */
export function wholeNumberOption(input: CommandInput, name: string, least: number, most = Number.MAX_SAFE_INTEGER): number | undefined {
  const text = textOption(input, name);
  return text === undefined ? undefined : wholeNumber(text, flagOf(name), least, most);
}

/** @throws {DbadminError} `usage`. */
export function wholeNumber(text: string, flag: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  // Number() alone takes "", " 4", 4.0, 1e1 and 0x10.
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} on` : `${least} to ${most}`;
  throw new DbadminError('usage', `${flag} takes a whole number from ${range}, not "${text}"`);
}

/** An option as it was typed. */
function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Whether a flag was given. */
export function flagOption(input: CommandInput, name: string): boolean {
  return input.options[name] === true;
}

/** The values of a repeatable option, in order; empty when it was not given. */
export function listOption(input: CommandInput, name: string): readonly string[] {
  const value = input.options[name];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value : [];
}
