import { isDbadminError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { describeParameters, type ConnectionParameters } from '../../postgres/parameters.ts';
import type { AfterRun, FinishedRun } from '../hooks.ts';
import { openSession, type Session } from './session.ts';
import { freshSessionSql, type SessionSettings } from './settings.ts';

/** What every run that changes a database needs of its surroundings. */
export interface RunSurroundings {
  readonly connection: ConnectionParameters;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** The session of a run: what the server warns of is said, the rest is for `--verbose`. */
export async function openRunSession(
  { connection, log }: Pick<RunSurroundings, 'connection' | 'log'>,
  applicationName = 'dbadmin migrate',
): Promise<Session> {
  return await openSession(connection, {
    applicationName,
    onNotice: (severity, message) => {
      if (severity === 'WARNING') log.warn(message);
      else log.debug(`${severity}: ${message}`);
    },
  });
}

/** On interruption the running statement is cancelled in the server; the run then ends by itself. Gives what undoes this. */
export function cancelOnAbort(session: Session, { connection, log, signal }: RunSurroundings): () => void {
  const cancel = async (): Promise<void> => {
    const pid = session.announcedPid;
    if (pid === undefined || session.lost() !== undefined) return;
    const other = await openSession(connection, { applicationName: 'dbadmin migrate cancel' });
    await other.query('select pg_cancel_backend($1)', [pid]);
    await other.close();
  };
  const onAbort = (): void => {
    cancel().catch((error: unknown) => log.debug(`cannot cancel in ${describeParameters(connection)}: ${messageOf(error)}`));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return () => signal.removeEventListener('abort', onAbort);
}

/** What comes after the files, in a session as fresh as they found it. Gives warnings. */
export async function finishRun(
  afterRun: AfterRun | undefined,
  settings: SessionSettings,
  signal: AbortSignal,
  run: Omit<FinishedRun, 'session'> & { readonly session: Session },
): Promise<readonly string[]> {
  if (afterRun === undefined) return [];
  try {
    await run.session.query(freshSessionSql(settings));
    await afterRun(run);
    return [];
  } catch (error) {
    signal.throwIfAborted();
    // A warning is one line: the reason belongs to it.
    const reason = isDbadminError(error) && error.detail !== undefined ? `: ${error.detail}` : '';
    return [`${messageOf(error)}${reason}`];
  }
}
