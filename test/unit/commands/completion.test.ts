import { expect, test } from 'vitest';
import { COMMANDS } from '../../../src/commands/catalogue.ts';
import { bashCompletion } from '../../../src/commands/completion/bash.ts';
import { fishCompletion } from '../../../src/commands/completion/fish.ts';
import { commandWords } from '../../../src/commands/completion/words.ts';
import { zshCompletion } from '../../../src/commands/completion/zsh.ts';
import { manualPage } from '../../../src/commands/manual.ts';

const words = commandWords(COMMANDS);

test('every command and every option of the manual is in each completion and in the manual page', () => {
  const scripts = {
    bash: bashCompletion(words),
    zsh: zshCompletion(words),
    fish: fishCompletion(words),
    man: manualPage(COMMANDS, '0.1.0'),
  };
  for (const [name, script] of Object.entries(scripts)) {
    const plain = script.replaceAll(String.raw`\-`, '-');
    for (const command of words) {
      for (const word of command.name.split(' ')) expect(plain, `${name}: ${command.name}`).toContain(word);
      for (const { flag } of command.options)
        expect(plain, `${name}: ${command.name} ${flag}`).toContain(name === 'fish' ? `-l ${flag.slice(2)}` : flag);
    }
  }
});

test('no line of the manual page is taken for a request that it is not', () => {
  const requests = manualPage(COMMANDS, '0.1.0')
    .split('\n')
    .filter((line) => /^[.']/.test(line));
  expect(requests.filter((line) => !/^\.(?:TH|SH|SS|TP|PP|RS|RE|nf|fi|B|I|BR|RI|\\")(?: |$)/.test(line))).toEqual([]);
});
