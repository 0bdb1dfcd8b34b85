import type { Clock } from '../../base/clock.ts';
import { formatDuration } from '../../base/durations.ts';
import { isDbadminError, reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Reception } from '../policies.ts';
import type { ReceptionFacts } from './facts.ts';
import type { Receiving, WalOwnership } from './options.ts';

const CHECK_MS = 10_000;
const STANDBY_MS = 10_000;
const RETRY_FIRST_MS = 1000;
const RETRY_MOST_MS = 30_000;
/** Whoever received for so long was well: the next failure is a new one. */
const WELL_MS = 60_000;

export interface ReceptionOptions extends Receiving {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onState: (facts: ReceptionFacts) => void;
}

/**
 * Keeps the WAL of a cluster being received, here or, while another worker owns it, there: then it stands by and takes over
 * when that one is gone. It needs no control database. Ends with the signal.
 */
export async function keepReceiving(reception: Reception, options: ReceptionOptions): Promise<void> {
  const { clock, log, signal, onState } = options;
  let retryMs = RETRY_FIRST_MS;
  let told: string | undefined;
  const tell = (state: ReceptionFacts['state'], reason?: string): void => {
    onState({ cluster: reception.cluster, state, since: clock.now(), reason });
    const text = `${state} ${reason ?? ''}`;
    if (text === told) return;
    told = text;
    if (state === 'failing') log.warn(`the WAL of ${reception.cluster} is not received here: ${reason ?? ''}`);
    else if (state === 'standby') log.info(`the WAL of ${reception.cluster} is received by another: standing by`);
    else log.info(`receiving the WAL of ${reception.cluster}`);
  };
  const pause = async (delayMs: number): Promise<void> => {
    await clock.sleep(delayMs, signal).catch(() => undefined);
  };
  while (!isAborted(signal)) {
    const startedMs = performance.now();
    try {
      const ownership = await options.own(reception, signal);
      tell('receiving');
      await receiveOwned(reception, ownership, options);
      if (isAborted(signal)) return;
      throw new Error('it ended by itself');
    } catch (error) {
      if (isAborted(signal)) return;
      if (isDbadminError(error, 'locked')) {
        tell('standby');
        await pause(STANDBY_MS);
        continue;
      }
      if (performance.now() - startedMs > WELL_MS) retryMs = RETRY_FIRST_MS;
      tell('failing', reasonOf(error));
      log.debug(`receiving the WAL of ${reception.cluster} again in ${formatDuration(retryMs)}`);
      await pause(retryMs);
      retryMs = Math.min(RETRY_MOST_MS, retryMs * 2);
    }
  }
}

/** Receives for as long as it is owned. */
async function receiveOwned(reception: Reception, ownership: WalOwnership, { receive, clock, signal }: ReceptionOptions): Promise<void> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let lost: unknown;
  const watch = async (): Promise<void> => {
    while (!isAborted(both)) {
      await clock.sleep(CHECK_MS, both).catch(() => undefined);
      if (isAborted(both)) return;
      try {
        await ownership.check();
      } catch (error) {
        // A repository that is away takes nothing from us.
        if (!isDbadminError(error, 'locked')) continue;
        lost = error;
        stop.abort(error);
      }
    }
  };
  const watching = watch();
  try {
    await receive(reception, both);
  } finally {
    stop.abort(new Error('reception ended'));
    await watching;
    await ownership.release();
  }
  if (lost !== undefined) throw lost as Error;
}

// A function, since the compiler takes the answer of the first look for granted ever after.
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
