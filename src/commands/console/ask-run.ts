import { Readable } from 'node:stream';
import { DbadminError } from '../../base/errors.ts';
import type { RunQuestion } from '../../console/asking.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { parseArguments } from '../program.ts';
import { captureOutput } from './captured-output.ts';

/** What the console was started with goes for its questions, too, unless they say something else. */
const OF_THE_PROJECT = ['config', 'cluster', 'url'] as const;

/**
 * Runs commands in this process as they run in a terminal with `--json`, over connections that cannot write. Parsers and
 * drivers are loaded already: most answers take milliseconds.
 */
export function questionRunner(context: CommandContext, input: CommandInput): RunQuestion {
  return async (words, signal) => {
    const { spec, input: typed } = await parse(words, context.version);
    const stated = Object.fromEntries(OF_THE_PROJECT.map((name) => [name, typed.options[name] ?? input.options[name]]));
    const { output, captured } = captureOutput();
    const { run } = await spec.load();
    const exitStatus = await run(
      {
        ...context,
        output,
        // A defect of the configuration was told when the console started; here it would be told every few seconds.
        log: { warn: (message) => output.warn(message), info: (message) => output.note(message), debug: () => undefined },
        signal,
        stdin: Readable.from([]),
        access: 'reading',
      },
      { ...typed, options: { ...typed.options, ...stated } },
    );
    return { exitStatus, ...captured() };
  };
}

async function parse(words: readonly string[], version: string) {
  const { COMMANDS } = await import('../catalogue.ts');
  const [group] = words;
  // Only its group: a parser for all commands takes longer to build than most of them take to run.
  const specs = COMMANDS.filter(({ name }) => name.split(' ', 1)[0] === group);
  const typed = await parseArguments(specs, [...words, '--json'], version);
  if (typed.kind === 'command') return typed;
  throw new DbadminError('internal', `"${words.join(' ')}" names no command`);
}
