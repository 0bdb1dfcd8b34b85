import { rm } from 'node:fs/promises';
import path from 'node:path';
import { originalSetting, type Preflight } from '../../backup/restore/inspect.ts';
import { inspectLibraries } from '../../backup/restore/libraries-inspect.ts';
import { makeQuarantine, superuserOf, type Quarantine } from '../../backup/restore/quarantine.ts';
import { settleConfiguration, startRestored, type Started, type StartOptions } from '../../backup/restore/start-run.ts';
import { startCluster, stopCluster, type ServerPrograms, type SystemUser } from '../../postgres/server.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';

/** The place for a restored cluster until it is reconciled, with what it may preload there. */
export async function quarantineFor(
  preflight: Preflight,
  port: number,
  programs: ServerPrograms,
  owner: SystemUser | undefined,
): Promise<Quarantine> {
  const { kept } = await inspectLibraries((name) => originalSetting(preflight, name), programs);
  return await makeQuarantine(port, kept.get('shared_preload_libraries') ?? [], owner);
}

/**
 * Recovers in quarantine, lets `work` have the cluster alone, and takes it out of quarantine: only then is its configuration
 * the one that was asked for. When `work` fails the cluster is stopped, and without the place of its quarantine, which the
 * caller removes in any case, it does not start again.
 */
export async function recoverInQuarantine(
  options: StartOptions,
  quarantine: Quarantine,
  candidates: readonly string[],
  starts: boolean,
  work: (superuser: ConnectionParameters) => Promise<void>,
): Promise<Started> {
  const { restored, programs, timeoutSeconds } = options;
  const started = await startRestored({ ...options, settles: false });
  try {
    await work(await superuserOf(quarantine, candidates));
  } finally {
    await stopCluster(programs, restored.dataDirectory, 'fast');
  }
  await settleConfiguration(restored);
  await rm(restored.spoolDirectory, { recursive: true, force: true });
  if (starts) {
    await startCluster(programs, restored.dataDirectory, path.join(restored.dataDirectory, 'dbadmin-restore.log'), timeoutSeconds);
  }
  return starts ? started : { ...started, state: 'shut-down' };
}
