import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { toJson } from '../base/json.ts';
import type { LiveLook, Looked } from './live-look.ts';

/** A line that says nothing, so that proxies and browsers do not take a quiet stream for a dead one. */
const BEAT_MS = 15_000;

/** Sends every look at the project to one browser, as events `status`, until it goes away or its session has ended. */
export function eventStream(context: Context, live: LiveLook, isSignedIn: () => boolean): Response {
  return streamSSE(context, async (stream) => {
    const gone = new AbortController();
    stream.onAbort(() => gone.abort());
    // The newest only: a browser that reads slowly gets the last state, not a queue of old ones.
    let waiting: Looked | undefined;
    let wake = (): void => undefined;
    live.watch((looked) => {
      waiting = looked;
      wake();
    }, gone.signal);
    try {
      while (!gone.signal.aborted) {
        if (!isSignedIn()) {
          await stream.writeSSE({ event: 'signed-out', data: '{}' });
          return;
        }
        const looked = waiting;
        waiting = undefined;
        if (looked === undefined) await stream.write(': \n\n');
        else await stream.writeSSE({ event: 'status', data: toJson(looked) });
        if (waiting === undefined) await pause(gone.signal, (resolve) => (wake = resolve));
      }
    } finally {
      gone.abort();
    }
  });
}

/** Waits until woken, for a beat at most. */
export async function pause(signal: AbortSignal, onWake: (resolve: () => void) => void): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, BEAT_MS);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener('abort', end, { once: true });
    onWake(end);
  });
}
