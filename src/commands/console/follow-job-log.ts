import type { FollowJobLog } from '../../console/job-log-stream.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { openControl } from '../control-database.ts';
import { followRunLog } from '../schedule/follow-log.ts';
import { loadProject } from '../load-project.ts';
import { logDocument } from '../schedule/log.ts';

/** Follows the log of a run for a browser, over a connection that cannot write. */
export function jobLogFollower(context: CommandContext, input: CommandInput): FollowJobLog {
  return async function* follow(which, signal) {
    const { config } = await loadProject({ ...context, access: 'reading' }, input);
    const control = await openControl(config, 'dbadmin console');
    try {
      for await (const log of followRunLog(control, which, { clock: context.clock, signal })) yield logDocument(log);
    } finally {
      await control.pool.close();
    }
  };
}
