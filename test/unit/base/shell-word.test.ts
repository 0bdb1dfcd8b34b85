import { expect, test } from 'vitest';
import { shellQuote, shellWord } from '../../../src/base/shell-word.ts';

test.each([
  ['/srv/before', '/srv/before'],
  ['/srv/my shop', "'/srv/my shop'"],
  ["/srv/o'dd", String.raw`'/srv/o'\''dd'`],
  ['/srv/$(id)', "'/srv/$(id)'"],
  ['a\nb', "'a\nb'"],
  ['~', "'~'"],
  ['', "''"],
])('%j is one word of sh, in quotes only where it needs them', (text, typed) => {
  expect(shellWord(text)).toBe(typed);
  expect(shellQuote(text)).toMatch(/^'[^]*'$/);
});
