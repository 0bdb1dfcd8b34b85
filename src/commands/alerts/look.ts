import { AlertFile } from '../../alerts/state-apply.ts';
import { runAlerts, type AlertRun } from '../../alerts/run.ts';
import type { Config } from '../../config/config.ts';
import type { Policies } from '../../schedule/policies.ts';
import type { Condition } from '../../status/condition.ts';
import type { CommandContext } from '../command.ts';
import { alertsFile, loadReceivers, projectName } from './load-receivers.ts';

export interface AlertLookOptions {
  readonly config: Config;
  readonly policies: Policies;
  /** The state's file; one object for the life of a worker, so that a full disk makes nobody hear everything again. */
  readonly file: AlertFile;
}

/**
 * Tells people what has changed since the last look. A worker calls this after each `gatherStatus`, with what `judgeProject`
 * made of it; it needs neither the control database nor a repository. One call at a time.
 *
 * ```ts
 * const file = openAlerts(context, config);
 * for (;;) {
 *   const facts = await gatherStatus(context, { config, clusters, policies, history, everything: false });
 *   await lookForAlerts(context, judgeProject(facts), { config, policies, file });
 * }
 * ```
 */
export async function lookForAlerts(
  context: CommandContext,
  conditions: readonly Condition[],
  options: AlertLookOptions,
): Promise<AlertRun> {
  const { config, policies, file } = options;
  const run = await runAlerts(conditions, {
    file,
    receivers: loadReceivers(policies, config, context.env),
    project: projectName(config),
    clock: context.clock,
    log: context.log,
    signal: context.signal,
  });
  if (run.problem !== undefined) context.log.warn(run.problem);
  return run;
}

/** The state of alerts of a project on this machine. */
export function openAlerts(context: CommandContext, config: Config, stated?: string): AlertFile {
  return new AlertFile(alertsFile(context, config, stated));
}
