import { wholeNumberOption, type CommandInput } from './command.ts';

/** PostgreSQL's numbers of timelines are 32 bits wide. */
const HIGHEST_TIMELINE = 4_294_967_295;

/**
 * The timeline that `--timeline` says to go along; undefined for the newest.
 *
 * @throws {DbadminError} `usage`.
 */
export function timelineOption(input: CommandInput): number | undefined {
  return wholeNumberOption(input, 'timeline', 1, HIGHEST_TIMELINE);
}
