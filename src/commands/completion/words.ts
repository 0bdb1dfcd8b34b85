import type { CommandSpec, OptionSpec } from '../command.ts';
import { COMMON_OPTIONS } from '../program.ts';

/** An option as a shell completes it. */
export interface OptionWord {
  readonly flag: string;
  readonly summary: string;
  /** What follows it: nothing, one of a few values, a file, a directory, or something else. */
  readonly value: 'none' | 'file' | 'directory' | 'other' | readonly string[];
}

/** A command as a shell completes it. */
export interface CommandWord {
  /** `backup run`. */
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionWord[];
  /** Whether its arguments are files. */
  readonly takesFiles: boolean;
}

/** Every command with its options, those that all have among them; what is hidden from the manual is not offered. */
export function commandWords(specs: readonly CommandSpec[]): readonly CommandWord[] {
  return specs.map(({ name, summary, options = [], args = [] }) => ({
    name,
    summary,
    options: [...options, ...COMMON_OPTIONS].filter(({ hidden }) => hidden !== true).map((option) => optionWord(option)),
    takesFiles: args.some(({ form }) => /file|path|dir/.test(form)),
  }));
}

function optionWord({ flags, summary, choices }: OptionSpec): OptionWord {
  const flag = /--[\w-]+/.exec(flags)?.[0] ?? flags;
  const value = /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1];
  if (choices !== undefined) return { flag, summary, value: choices };
  if (value === undefined) return { flag, summary, value: 'none' };
  return { flag, summary, value: /dir/.test(value) ? 'directory' : /file|path|socket/.test(value) ? 'file' : 'other' };
}

/** Groups (`backup`) with their verbs, and commands of one word with none. */
export function groupsOf(commands: readonly CommandWord[]): ReadonlyMap<string, readonly CommandWord[]> {
  const groups = new Map<string, CommandWord[]>();
  for (const command of commands) {
    const [group = '', verb] = command.name.split(' ');
    groups.set(group, [...(groups.get(group) ?? []), ...(verb === undefined ? [] : [command])]);
  }
  return groups;
}
