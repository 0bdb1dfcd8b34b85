import type { Clock } from '../../base/clock.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { stopCluster, type ServerPrograms } from '../../postgres/server.ts';
import { applyRestore } from '../restore/apply.ts';
import { originalSetting, type Preflight } from '../restore/inspect.ts';
import { checkReachable } from '../restore/lay-down-apply.ts';
import { inspectLibraries } from '../restore/libraries-inspect.ts';
import { rollBackPrepared } from '../restore/prepared-apply.ts';
import { makeQuarantine, removeQuarantine, superuserOf } from '../restore/quarantine.ts';
import { freeClonePort, startRestored } from '../restore/start-run.ts';

export interface ThrowawayOptions {
  /** Of a restore into a directory that the caller made, and removes afterwards. */
  readonly preflight: Preflight;
  readonly programs: ServerPrograms;
  /** Roles that may have been there at the moment that is restored; any of them can tell who is a superuser. */
  readonly roles: readonly string[];
  readonly timeoutSeconds: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** Restores a cluster that only `work` can reach, for as long as `work` takes. The server has ended when this returns or throws. */
export async function withThrowawayCluster<Value>(
  options: ThrowawayOptions,
  work: (superuser: ConnectionParameters) => Promise<Value>,
): Promise<Value> {
  const { preflight, programs, clock, signal, timeoutSeconds } = options;
  const { dataDirectory } = preflight.layout;
  await checkReachable(dataDirectory, programs.runAs);
  const port = await freeClonePort();
  const { kept } = await inspectLibraries((name) => originalSetting(preflight, name), programs);
  const quarantine = await makeQuarantine(port, kept.get('shared_preload_libraries') ?? [], programs.runAs);
  try {
    const restored = await applyRestore({
      preflight,
      port,
      clusterName: 'dbadmin-throwaway',
      action: 'promote',
      quarantine: quarantine.settings,
      programs,
      owner: programs.runAs,
      signal,
      onProgress: (phase, done, total) => (phase === 'files' ? options.onProgress(done, total) : undefined),
    });
    await startRestored({ restored, programs, action: 'promote', timeoutSeconds, clock, signal, settles: false });
    const superuser = await superuserOf(quarantine, options.roles);
    await rollBackPrepared(superuser);
    return await work(superuser);
  } finally {
    await stopCluster(programs, dataDirectory, 'immediate');
    await removeQuarantine(quarantine);
  }
}
