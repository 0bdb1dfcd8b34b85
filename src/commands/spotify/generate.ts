import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import { KINDS, writeGenerated, type Kind } from '../../spotify/generate/run.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const out = textOption(input, 'out');
  if (out === undefined)
    throw new DbadminError('usage', 'spotify generate needs a directory', { hint: 'Give --out DIR: empty, or not there yet.' });
  const directory = path.resolve(context.cwd, out);
  const files = await writeGenerated(directory, {
    listeners: countOption(input, 'listeners', 10),
    plays: countOption(input, 'plays', 10_000),
    seed: countOption(input, 'seed', 1),
    kinds: kindsOption(input),
  });
  context.output.table(
    ['file', { head: 'rows', align: 'right' }],
    files.map(({ path: file, rows }) => [file, rows.toLocaleString('en')]),
  );
  context.output.result({ directory, files });
  return 0;
}

function countOption(input: CommandInput, name: string, fallback: number): number {
  const text = textOption(input, name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new DbadminError('usage', `--${name} takes a positive whole number, not "${text}"`);
}

function kindsOption(input: CommandInput): readonly Kind[] {
  const text = textOption(input, 'kinds');
  if (text === undefined) return KINDS;
  return text.split(',').map((name) => {
    const kind = KINDS.find((each) => each === name.trim());
    if (kind !== undefined) return kind;
    throw new DbadminError('usage', `--kinds has no "${name.trim()}"`, { hint: `It takes some of: ${KINDS.join(', ')}.` });
  });
}
