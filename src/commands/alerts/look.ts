import os from 'node:os';
import { AlertFile } from '../../alerts/state-apply.ts';
import { runAlerts, type AlertRun } from '../../alerts/run.ts';
import { SharedAlerts } from '../../alerts/shared-apply.ts';
import type { AlertStore } from '../../alerts/store.ts';
import type { Config } from '../../config/config.ts';
import type { Policies } from '../../schedule/policies.ts';
import type { Condition } from '../../status/condition.ts';
import type { CommandContext } from '../command.ts';
import { openControlToRecord } from '../control-database.ts';
import { alertsFile, loadReceivers, projectName } from './load-receivers.ts';

export interface AlertLookOptions {
  readonly config: Config;
  readonly policies: Policies;
  /** One object for the life of a worker, so that a full disk makes nobody hear everything again. */
  readonly store: AlertStore;
}

/**
 * Tells people what has changed since the last look. A worker calls this after each `gatherStatus`, with what `judgeProject`
 * made of it; it needs neither the control database nor a repository. One call at a time.
 *
 * ```ts
 * const store = openAlerts(context, config);
 * for (;;) {
 *   const facts = await gatherStatus(context, { config, clusters, policies, history, everything: false });
 *   await lookForAlerts(context, judgeProject(facts), { config, policies, store });
 * }
 * ```
 */
export async function lookForAlerts(
  context: CommandContext,
  conditions: readonly Condition[],
  options: AlertLookOptions,
): Promise<AlertRun> {
  const { config, policies, store } = options;
  return await runAlerts(conditions, {
    store,
    receivers: loadReceivers(policies, config, context.env),
    project: projectName(config),
    clock: context.clock,
    log: context.log,
    signal: context.signal,
  });
}

/** The state of alerts of a project on this machine. */
export function openAlerts(context: CommandContext, config: Config, stated?: string): AlertFile {
  return new AlertFile(alertsFile(context, config, stated));
}

/**
 * The state of alerts that all who look at a project share: in the control database, where one is named or a worker has made
 * its tables. `name` is what we are called among them; `makesTables` is for a worker, which makes them anyhow.
 */
export function openSharedAlerts(
  file: AlertFile,
  config: Config,
  { name, makesTables }: { readonly name: string; readonly makesTables: boolean },
): SharedAlerts {
  const control = makesTables ? { ...config.control, isStated: true } : config.control;
  return new SharedAlerts({
    file,
    name,
    connect: async () => await openControlToRecord({ ...config, control }, `dbadmin alerts ${name}`.slice(0, 63)),
  });
}

/** What `alerts check` is called: by the machine, since each minute brings another process. */
export function checkName(): string {
  return `alerts check on ${os.hostname()}`;
}
