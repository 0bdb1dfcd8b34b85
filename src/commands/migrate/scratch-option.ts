import type { OptionSpec } from '../command.ts';

/** `--scratch`, for the commands that replay migrations. */
export const SCRATCH_OPTION: OptionSpec = {
  flags: '--scratch <url>',
  summary: 'make a scratch database on this server, which is not production',
  fallback: 'a server of its own, on this machine',
};
