import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { toJson } from '../base/json.ts';
import { pause } from './event-stream.ts';
import type { Runs } from './runs.ts';

/**
 * Sends what a run has printed and prints, as events `lines`, and how it ended as `end`, to one browser: from the beginning as
 * far as it is kept, or from where the browser's last connection broke off.
 */
export function runStream(context: Context, runs: Runs, id: string, isSignedIn: () => boolean): Response {
  return streamSSE(context, async (stream) => {
    const gone = new AbortController();
    stream.onAbort(() => gone.abort());
    let sent = Number(context.req.header('last-event-id') ?? 0) || 0;
    let isNew = true;
    let wake = (): void => undefined;
    runs.watch(
      id,
      () => {
        isNew = true;
        wake();
      },
      gone.signal,
    );
    try {
      while (!gone.signal.aborted) {
        if (!isSignedIn()) {
          await stream.writeSSE({ event: 'signed-out', data: '{}' });
          return;
        }
        if (!isNew) await stream.write(': \n\n');
        isNew = false;
        // Its state first: what it printed before it ended is then among the lines.
        const run = runs.get(id);
        const lines = runs.linesAfter(id, sent);
        sent = lines.at(-1)?.number ?? sent;
        if (lines.length > 0) await stream.writeSSE({ event: 'lines', id: String(sent), data: toJson(lines) });
        if (run.state !== 'running') {
          await stream.writeSSE({ event: 'end', data: toJson(run) });
          return;
        }
        if (!isNew) await pause(gone.signal, (resolve) => (wake = resolve));
      }
    } finally {
      gone.abort();
    }
  });
}
