import { describe, expect, test } from 'vitest';
import type { CommandInput } from '../../../src/commands/command.ts';
import { givenOptions } from '../../../src/commands/given-options.ts';

const given = (options: CommandInput['options'], ...names: string[]): readonly string[] => givenOptions({ args: [], options }, names);

describe('givenOptions', () => {
  test('gives the options as they would be typed again, repeated ones each, and none that was not asked for', () => {
    const options = { systemIdentifier: '7000000000000000001', keep: ['daily=7', 'monthly=12'], apply: true, json: true, window: '90d' };
    expect(given(options, 'system-identifier', 'window', 'keep', 'grace')).toEqual([
      '--system-identifier 7000000000000000001',
      '--window 90d',
      '--keep daily=7',
      '--keep monthly=12',
    ]);
  });

  test.each([
    ['/etc/dbadmin.yaml', '/etc/dbadmin.yaml'],
    ['my files/dbadmin.yaml', "'my files/dbadmin.yaml'"],
    ["it's $HOME", String.raw`'it'\''s $HOME'`],
    ['', "''"],
  ])('%j is one word of sh', (value, typed) => {
    expect(given({ config: value }, 'config')).toEqual([`--config ${typed}`]);
  });

  test.each([
    ['postgresql://u@db1/shop', 'postgresql://u@db1/shop'],
    ['postgresql://u:secret@db1/shop', 'URL'],
    ['postgresql://db1/shop?user=u&password=secret', 'URL'],
  ])('of --url %s no password is shown', (value, shown) => {
    expect(given({ url: value }, 'url')).toEqual([`--url ${shown}`]);
  });
});
