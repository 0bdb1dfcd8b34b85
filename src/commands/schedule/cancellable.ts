import type postgres from 'postgres';

/** Asks the server once to cancel what the session is at. May fail, and is not waited for once `signal` is aborted. */
export type Cancel = (signal: AbortSignal) => Promise<void>;

const REPEAT_MS = 1000;

/**
 * What `query` gives. When the signal is aborted it is cancelled in the server: of a connection that is only closed the server knows once
 * its statement is over, which goes on, commits, and keeps this process waiting.
 *
 * It is asked each second until the query has ended, for a request can be lost, overtake its statement, or come to a pooler that does not
 * know the session. That none gets there is no failure of its own: who waits for the query decides for how long. The library's own
 * `cancel()` sends one request, and what becomes of it surfaces as a rejection that nobody can handle, which ends the process.
 */
export async function cancellable<Rows extends readonly (postgres.Row | undefined)[]>(
  query: postgres.PendingQuery<Rows>,
  cancel: Cancel,
  signal: AbortSignal,
): Promise<postgres.RowList<Rows>> {
  signal.throwIfAborted();
  const ended = new AbortController();
  let repeat: NodeJS.Timeout | undefined;
  const request = (): void => {
    cancel(ended.signal).catch(() => undefined);
  };
  const onAbort = (): void => {
    request();
    repeat = setInterval(request, REPEAT_MS);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await query;
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearInterval(repeat);
    ended.abort(new Error('the query has ended'));
  }
}
