import { shellWord } from '../base/shell-word.ts';
import { listOption, type CommandInput } from './command.ts';

const WITH_PASSWORD = /:\/\/[^/@]*:[^/@]*@|password=/i;

/**
 * Those of the options `names` (`system-identifier`) that were given, as they would be typed again in sh. A URL with a password in it is
 * left to who has it.
 */
export function givenOptions(input: CommandInput, names: readonly string[]): readonly string[] {
  return names.flatMap((name) => {
    const values = listOption(
      input,
      name.replaceAll(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
    );
    return values.map((value) => `--${name} ${name === 'url' && WITH_PASSWORD.test(value) ? 'URL' : shellWord(value)}`);
  });
}
