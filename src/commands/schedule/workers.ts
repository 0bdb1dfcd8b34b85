import { formatDuration } from '../../base/durations.ts';
import { reasonOf } from '../../base/errors.ts';
import { plannedUntil } from '../../schedule/control/registry-apply.ts';
import { inspectOpenRuns, inspectWorkers } from '../../schedule/control/workers-inspect.ts';
import { canReach } from '../../schedule/labels.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { openControl } from '../control-database.ts';
import { findPolicies } from './load-policies.ts';
import { runDocument } from './show-run.ts';

/** `dbadmin schedule workers`: who is at work, and what waits for whom. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const { config, policies, problem } = await findPolicies(context, input);
  if (problem !== undefined) output.warn(`what no worker can reach is not known: ${reasonOf(problem)}`);
  const control = await openControl(config, 'dbadmin schedule workers');
  try {
    const workers = await inspectWorkers(control.pool, control.schema);
    const open = await inspectOpenRuns(control.pool, control.schema);
    const until = await plannedUntil(control.pool, control.schema);
    const now = clock.now();
    const ago = (at: Date): string => `${formatDuration(Math.max(0, now.getTime() - at.getTime()))} ago`;
    const heldBy = (name: string) => open.filter(({ state, worker }) => state === 'running' && worker === name);
    const known = new Set(workers.map(({ name }) => name));
    const others = open.filter(({ state, worker }) => state === 'running' && !known.has(worker ?? ''));
    const waiting = open.filter(({ state }) => state !== 'running');
    const alive = workers.filter(({ isAlive }) => isAlive);
    const stuck = policies?.jobs.filter(({ labels }) => !alive.some((worker) => canReach(worker.labels, labels))) ?? [];
    if (workers.length === 0) output.line('No worker has given a sign of life in the last day.');
    else {
      output.table(
        ['worker', 'host', 'since', 'seen', 'labels', 'holds'],
        workers.map(({ name, host, startedAt, seenAt, isAlive, labels, slots }) => [
          name,
          host,
          ago(startedAt),
          isAlive ? ago(seenAt) : output.style('bad', `${ago(seenAt)}, gone`),
          labels.join(', '),
          `${heldBy(name).length} of ${slots}: ${heldBy(name)
            .map(({ job }) => job)
            .join(', ')}`.replace(/: $/, ''),
        ]),
      );
    }
    for (const { job, worker } of others) output.line(`${job} runs without a worker: ${worker ?? ''}`);
    for (const { job, state } of waiting) output.line(`${job} is ${state}`);
    if (alive.length > 0 && stuck.length > 0)
      output.line(`No worker can reach what these need: ${stuck.map(({ name, labels }) => `${name} (${labels.join(', ')})`).join(', ')}`);
    output.result({
      workers: workers.map((worker) => ({ ...worker, runs: heldBy(worker.name).map(runDocument) })),
      others: others.map(runDocument),
      waiting: waiting.map(runDocument),
      unreachable: policies === undefined ? null : stuck.map(({ name }) => name),
      plannedUntil: until ?? null,
    });
    return 0;
  } finally {
    await control.pool.close();
  }
}
