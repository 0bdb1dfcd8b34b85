import { DbadminError } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import { applyManual } from '../../schedule/control/due-apply.ts';
import { RunQueue } from '../../schedule/control/queue-run.ts';
import { inspectWorkers } from '../../schedule/control/workers-inspect.ts';
import { canReach, queueName } from '../../schedule/labels.ts';
import type { Job, Policies } from '../../schedule/policies.ts';
import type { CommandContext } from '../command.ts';
import { openControl } from '../control-database.ts';
import { findPause, pauseText } from './find-pause.ts';

/** Gives a job to whichever worker can reach what it needs, now. */
export async function queueRun(
  { clock, log, output }: CommandContext,
  config: Config,
  policies: Policies,
  job: Job,
  evenIfPaused: boolean,
): Promise<number> {
  const control = await openControl(config, 'dbadmin schedule run');
  const queue = new RunQueue(control.pool, {
    schema: control.schema,
    heartbeatSeconds: config.control.heartbeatSeconds,
    supervises: false,
    onError: (error) => log.debug(String(error)),
  });
  try {
    const paused = evenIfPaused ? undefined : await findPause(control, policies, job, clock.now());
    // Nobody but a person calls this, who wants to know that it did not happen.
    if (paused !== undefined) {
      throw new DbadminError('refused', pauseText(job, paused), {
        hint: `Let it run again with dbadmin schedule resume ${paused.job}, or this once with --even-if-paused.`,
      });
    }
    await queue.start([queueName(job.labels)]);
    const due = clock.now();
    const admission = await applyManual(control, queue, job, due);
    if (admission === 'dropped') {
      throw new DbadminError('locked', `job ${job.name} is queued or running`, {
        detail: 'A job never overlaps itself.',
        hint: `See dbadmin schedule history --job ${job.name}.`,
      });
    }
    const workers = (await inspectWorkers(control.pool, control.schema)).filter(({ isAlive }) => isAlive);
    const able = workers.filter(({ labels }) => canReach(labels, job.labels));
    output.line(`${job.name} is queued${able.length === 0 ? '' : ` for ${able.map(({ name }) => name).join(', ')}`}`);
    if (able.length === 0) {
      log.warn(
        workers.length === 0
          ? 'no worker has given a sign of life in the last minute: it waits for one'
          : `no worker has the labels ${job.labels.join(', ')}: it waits for one`,
      );
    }
    output.result({ job: job.name, due: due.toISOString(), queued: true, workers: able.map(({ name }) => name) });
    return 0;
  } finally {
    await queue.stop();
    await control.pool.close();
  }
}
