import { messageOf } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import { knownJobs, type JobPause, type KnownJob } from '../../schedule/control/registry-apply.ts';
import { goesOn } from '../../schedule/pause.ts';
import type { Job } from '../../schedule/policies.ts';
import type { CommandContext } from '../command.ts';
import { openControlToRecord } from '../control-database.ts';

/** What is told is of the file: whoever paused what is told if that is soon known. */
const CONTROL_WAIT_MS = 2000;

/** What is known of the jobs. Undefined where nobody keeps records, or where they cannot be read now. */
export async function askPauses(
  { log }: CommandContext,
  config: Config,
  jobs: readonly Job[],
  command: string,
): Promise<ReadonlyMap<string, KnownJob> | undefined> {
  if (jobs.length === 0) return new Map();
  const { connection } = config.control;
  const hurried = { ...connection, connectTimeoutMs: Math.min(connection.connectTimeoutMs, CONTROL_WAIT_MS) };
  try {
    const control = await openControlToRecord({ ...config, control: { ...config.control, connection: hurried, isStated: false } }, command);
    if (control === undefined) return undefined;
    try {
      return await knownJobs(
        control.pool,
        control.schema,
        jobs.map(({ name }) => name),
      );
    } finally {
      await control.pool.close();
    }
  } catch (error) {
    log.debug(`what is paused is not known: ${messageOf(error)}`);
    return undefined;
  }
}

/** The pause of a job that goes on now. */
export function pauseNow(known: KnownJob | undefined, now: Date): JobPause | undefined {
  return known?.pause !== undefined && goesOn(known.pause, now) ? known.pause : undefined;
}
