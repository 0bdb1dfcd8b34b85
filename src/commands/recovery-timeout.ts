import { durationOption, type CommandInput } from './command.ts';

const DAY_MS = 86_400_000;
/** pg_ctl and pg_promote count tenths of seconds in 32 bits. */
const MOST_MS = 365 * DAY_MS;

/**
 * How long a clone's recovery may take by `--timeout`, a day otherwise: in whole seconds, for pg_ctl cuts and pg_promote refuses others.
 *
 * @throws {DbadminError} `usage`.
 */
export function recoveryTimeoutSeconds(input: CommandInput): number {
  return Math.ceil((durationOption(input, 'timeout', { leastMs: 1000, mostMs: MOST_MS }) ?? DAY_MS) / 1000);
}
