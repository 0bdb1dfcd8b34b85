import { expect, test } from 'vitest';
import { durationOption, type CommandInput } from '../../../src/commands/command.ts';

const input = (options: CommandInput['options']): CommandInput => ({ args: [], options });

test('durationOption: milliseconds of what was given, undefined for what was not', () => {
  expect(durationOption(input({ lockWait: '1m30s' }), 'lockWait')).toBe(90_000);
  expect(durationOption(input({}), 'lockWait')).toBeUndefined();
});

test('durationOption: a text that is no duration is wrong usage of the option as it was typed, exit 64', () => {
  expect(() => durationOption(input({ maxBlock: 'soon' }), 'maxBlock')).toThrow(
    expect.objectContaining({ code: 'usage', exitStatus: 64, message: '--max-block takes a duration, not "soon"' }),
  );
});
