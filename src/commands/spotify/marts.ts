import { formatDuration } from '../../base/durations.ts';
import type { MartsOutcome } from '../../spotify/load/marts.ts';
import type { CommandContext, CommandInput } from '../command.ts';

export function wantsMarts(input: CommandInput): boolean {
  return input.options['marts'] !== false;
}

/** What was loaded stays when the marts cannot follow; the next refresh catches up. */
export function showMarts({ output }: CommandContext, marts: MartsOutcome): void {
  if (marts.status === 'refreshed' && marts.plays > 0)
    output.line(`marts refreshed: ${marts.plays.toLocaleString('en')} plays, ${formatDuration(marts.tookMs)}`);
  if (marts.status === 'failed')
    output.warn(
      `what was loaded is in core, but the marts were not refreshed: ${marts.reason}\nOnce the cause is mended the next load catches up, or CALL mart.refresh().`,
    );
}
