import { afterEach, expect, test, vi } from 'vitest';
import type { CommandContext } from '../../../src/commands/command.ts';
import { scratchPlaces } from '../../../src/commands/scratch-places.ts';

afterEach(() => void vi.unstubAllEnvs());

test.each([
  ['/tmp', ['/tmp', '/var/tmp']],
  ['/var/tmp', ['/var/tmp', '/tmp']],
  ['/srv/tmp', ['/srv/tmp', '/var/tmp', '/tmp']],
])('a clone that is thrown away lies where there is room, also with TMPDIR=%s, as exported services have it', (directory, places) => {
  vi.stubEnv('TMPDIR', directory);
  const context = { env: {}, cwd: '/' } as unknown as CommandContext;
  expect(scratchPlaces(context, { args: [], options: {} })).toEqual(places);
});
