import { applyRestore, type Restored } from '../../backup/restore/apply.ts';
import type { Preflight } from '../../backup/restore/inspect.ts';
import { removeQuarantine, type Quarantine } from '../../backup/restore/quarantine.ts';
import { recoverOrStop, type RecoverOptions } from '../../backup/restore/start-run.ts';
import { messageOf } from '../../base/errors.ts';
import type { ClusterConfig, Config, RepositoryConfig } from '../../config/config.ts';
import { pgCtlLine } from '../../postgres/pg-ctl-line.ts';
import { LONGEST_WAIT_SECONDS, type ServerPrograms, type SystemUser } from '../../postgres/server.ts';
import type { LedgerEntry } from '../../repository/ledger.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { cloneConnection } from './clone-place.ts';
import { compareWithProject, reconcileRestored, type ReconcileReport } from './reconcile-restored.ts';
import type { RestoreOptions } from './restore-options.ts';
import { showLaidDown, type RestoreOutcome } from './show-restored.ts';
import { quarantineFor, recoverInQuarantine } from './start-restored.ts';
import { obstacleFor, walGetWords } from './wal-get-words.ts';

/** Everything that was found out before anybody was asked. */
export interface Prepared {
  readonly options: RestoreOptions;
  readonly config: Config;
  readonly cluster: ClusterConfig;
  readonly repository: RepositoryConfig;
  readonly preflight: Preflight;
  readonly returning: readonly LedgerEntry[];
  readonly programs: ServerPrograms | undefined;
  readonly owner: SystemUser | undefined;
  readonly port: number;
}

/** What became of it, but for an interruption since. */
type Uninterrupted = Omit<RestoreOutcome, 'isInterrupted'>;

/** Lays the cluster down, and starts it when that was asked for: in quarantine first when what came back is to go again. */
export async function restoreAndStart(context: CommandContext, input: CommandInput, prepared: Prepared): Promise<RestoreOutcome> {
  const { options, programs } = prepared;
  const outcome =
    programs !== undefined && options.reconciles
      ? await restoreAndReconcile(context, input, prepared, programs)
      : await restoreAndOpen(context, input, prepared);
  const isInterrupted = context.signal.aborted;
  if (isInterrupted) warnOfInterruption(context, programs, outcome);
  return { ...outcome, isInterrupted };
}

async function restoreAndOpen(context: CommandContext, input: CommandInput, prepared: Prepared): Promise<Uninterrupted> {
  const { options, programs } = prepared;
  const restored = await layDown(context, prepared, undefined);
  const outcome = { restored, reconciled: undefined };
  if (programs === undefined || !options.starts) return { ...outcome, started: undefined, differs: undefined };
  const started = await recoverOrStop(startOptions(context, options, restored, programs));
  const connection = cloneConnection(prepared.cluster, prepared.port);
  const differs = started.state === 'open' ? await compareWithProject(context, input, connection) : undefined;
  return { ...outcome, started, differs };
}

async function restoreAndReconcile(
  context: CommandContext,
  input: CommandInput,
  prepared: Prepared,
  programs: ServerPrograms,
): Promise<Uninterrupted> {
  const { options, preflight, owner, port } = prepared;
  const quarantine = await quarantineFor(preflight, port, programs, owner);
  try {
    const restored = await layDown(context, prepared, quarantine);
    let reconciled: ReconcileReport | undefined;
    const start = startOptions(context, options, restored, programs);
    const candidates = [prepared.cluster.connection.user, 'postgres', context.env['USER'] ?? 'postgres'];
    const started = await recoverInQuarantine(start, quarantine, candidates, options.starts, async (superuser) => {
      const work = { entries: prepared.returning, replaysMigrations: options.replaysMigrations };
      reconciled = await reconcileRestored(context, input, superuser, work);
    });
    return { restored, started, reconciled, differs: undefined };
  } finally {
    // Without it a cluster that was not reconciled does not start.
    await removeQuarantine(quarantine);
  }
}

/** Whoever interrupted it may have done so for the original, which is back: what has opened by then stays open, and is to be known. */
function warnOfInterruption(
  { signal, log }: CommandContext,
  programs: ServerPrograms | undefined,
  { restored: { dataDirectory }, started }: Uninterrupted,
): void {
  const runs = started !== undefined && started.state !== 'shut-down';
  const how = !runs ? 'is not started' : started.state === 'open' ? 'is open, and stays open' : 'has reached its target, and runs on';
  const stop = runs && programs !== undefined ? `. To stop it: ${pgCtlLine(programs, dataDirectory, 'stop -m fast')}` : '';
  log.warn(`${messageOf(signal.reason)}: the cluster in ${dataDirectory} ${how}${stop}`);
}

async function layDown(context: CommandContext, prepared: Prepared, quarantine: Quarantine | undefined): Promise<Restored> {
  const { options, cluster, preflight, programs, owner, port } = prepared;
  const { output, clock, signal } = context;
  const startedAt = clock.now().getTime();
  const production = options.purpose === 'production' ? await productionOf(context, prepared) : undefined;
  const progress = output.progress('restoring');
  const restored = await applyRestore({
    preflight,
    port,
    clusterName: `${cluster.name}-restored`,
    action: options.action,
    isWatched: options.starts,
    production,
    ...(quarantine === undefined ? {} : { quarantine: quarantine.settings }),
    programs,
    owner,
    signal,
    onProgress: (phase, done, total) => (phase === 'files' ? progress.update(done, total) : undefined),
  }).finally(() => progress.end());
  showLaidDown(context, restored, preflight.layout.totalBytes, clock.now().getTime() - startedAt);
  return restored;
}

/** What fetches WAL once the spool is gone; that its user cannot run it is said now, and not when a standby needs it. */
async function productionOf(context: CommandContext, prepared: Prepared): Promise<{ readonly walGet: readonly string[] }> {
  const { config, cluster, repository, preflight, owner } = prepared;
  const walGet = walGetWords(config, cluster, repository, preflight.contents.cluster.systemIdentifier);
  const obstacle = await obstacleFor(owner, walGet);
  if (obstacle !== undefined) context.log.warn(`restore_command will not work for a standby made of this cluster: ${obstacle}`);
  return { walGet };
}

/** Recovery takes what it takes, and somebody waits: a signal is the way to end it. */
function startOptions(context: CommandContext, options: RestoreOptions, restored: Restored, programs: ServerPrograms): RecoverOptions {
  const { clock, signal, log } = context;
  return { restored, programs, action: options.action, timeoutSeconds: LONGEST_WAIT_SECONDS, clock, signal, log };
}
