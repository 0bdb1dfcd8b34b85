import { DbadminError, reasonOf } from '../../base/errors.ts';
import type { Setting } from '../../backup/restore/clone-settings.ts';
import { originalSetting, type Preflight } from '../../backup/restore/inspect.ts';
import { inspectLibraries } from '../../backup/restore/libraries-inspect.ts';
import { makeQuarantine, superuserOf, type Quarantine } from '../../backup/restore/quarantine.ts';
import {
  recoverOrStop,
  removeSpool,
  settleConfiguration,
  startLog,
  withStanding,
  type RecoverOptions,
  type Stands,
  type Started,
} from '../../backup/restore/start-run.ts';
import { pgCtlLine } from '../../postgres/pg-ctl-line.ts';
import { LONGEST_WAIT_SECONDS, startCluster, stopCluster, type ServerPrograms, type SystemUser } from '../../postgres/server.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';

/** The place for a restored cluster until it is reconciled, with what it may preload there. */
export async function quarantineFor(
  preflight: Preflight,
  port: number,
  programs: ServerPrograms,
  owner: SystemUser | undefined,
): Promise<Quarantine> {
  const { kept } = await inspectLibraries((name) => originalSetting(preflight, name), programs);
  const quarantine = await makeQuarantine(port, kept.get('shared_preload_libraries') ?? [], owner);
  return { ...quarantine, settings: [...quarantine.settings, ...archivesLater(programs)] };
}

/**
 * A production's WAL waits for the archiver until it is settled: its new timeline must not be the repository's newest before
 * anybody knows whether it stays. With archive_mode off it would never be archived.
 */
function archivesLater({ major }: ServerPrograms): readonly Setting[] {
  return [['archive_command', ''], ...(major >= 15 ? [['archive_library', ''] as const] : [])];
}

/**
 * Recovers in quarantine, lets `work` have the cluster alone, and takes it out of quarantine: only then is its configuration
 * the one that was asked for. When `work` fails, or the recovery is interrupted, the cluster is stopped, and without the place of its
 * quarantine, which the caller removes in any case, it does not start again. Interrupted after `work`, it is shut down, and not started.
 *
 * @throws {DbadminError} as recoverOrStop and `work`, with how the server stands.
 */
export async function recoverInQuarantine(
  options: RecoverOptions,
  quarantine: Quarantine,
  candidates: readonly string[],
  starts: boolean,
  work: (superuser: ConnectionParameters) => Promise<void>,
): Promise<Started> {
  const { restored, programs, timeoutSeconds, signal, log } = options;
  const started = await recoverOrStop({ ...options, settles: false });
  try {
    await work(await superuserOf(quarantine, candidates));
  } catch (error) {
    throw await shutUnreconciled(options, error);
  }
  await stopCluster(programs, restored.dataDirectory, 'fast', LONGEST_WAIT_SECONDS);
  await settleConfiguration(restored).catch((error: unknown) => {
    throw new DbadminError('file-unwritable', `postgresql.auto.conf in ${restored.dataDirectory} could not be written`, {
      detail: `${reasonOf(error)}. What came back is taken away, but the cluster is still in quarantine; it was stopped, and does not start as it is.`,
      hint: 'Restore again, with --delta.',
      cause: error,
    });
  });
  await removeSpool(restored, log);
  if (!starts || signal.aborted) return { ...started, state: 'shut-down' };
  await startCluster(programs, restored.dataDirectory, startLog(restored.dataDirectory), timeoutSeconds);
  return started;
}

const AGAIN = 'Restore again, with --delta.';

/** Stops the cluster of which not all that came back could be taken away, and gives `error` with how it stands. */
async function shutUnreconciled({ restored: { dataDirectory }, programs }: RecoverOptions, error: unknown): Promise<DbadminError> {
  const failure =
    error instanceof DbadminError
      ? error
      : new DbadminError('restore-failed', `what came back could not be taken away again in ${dataDirectory}`, {
          detail: `${reasonOf(error)}.`,
        });
  // What was refused once is refused again: its own hint says more.
  const isToRepeat = failure.code === 'interrupted' || failure.hint === undefined;
  let stands: Stands = {
    detail: 'Not all that came back is taken away. The server was stopped, and does not start as it is.',
    hint: isToRepeat ? AGAIN : undefined,
  };
  try {
    await stopCluster(programs, dataDirectory, 'fast', LONGEST_WAIT_SECONDS);
  } catch (unstopped) {
    stands = {
      detail: `Not all that came back is taken away, and whether the server stops is not known (${reasonOf(unstopped)}). It is in quarantine, where nobody is let in.`,
      hint: `Stop it: ${pgCtlLine(programs, dataDirectory, 'stop -m fast')}`,
    };
  }
  return withStanding(failure, stands, error);
}
