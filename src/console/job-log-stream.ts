import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { toJson } from '../base/json.ts';
import { DbadminError } from '../base/errors.ts';
import { failureOf } from './failure.ts';
import type { GuardedApp } from './guarded.ts';

/** Which run: without `runId` the one that goes on or the last, without `attempt` the last. */
export interface WhichJobLog {
  readonly job: string;
  readonly runId: string | undefined;
  readonly attempt: number | undefined;
}

/** What `dbadmin schedule log --json` has, first all that is kept and then what is new, until the run is over or the signal. */
export type FollowJobLog = (which: WhichJobLog, signal: AbortSignal) => AsyncIterable<object>;

/** A line that says nothing, so that proxies and browsers do not take a quiet stream for a dead one. */
const BEAT_MS = 15_000;
/** Each costs the control database a look a second. */
const MOST_AT_ONCE = 50;

/** `GET /api/job-log?job=NAME&run=ID&attempt=N`: events `log`, then `end`; or `failure`. */
export function addJobLog(app: GuardedApp, follow: FollowJobLog, isSignedIn: (token: string) => boolean): void {
  let open = 0;
  app.get('/api/job-log', (context) => {
    const which = whichOf(context);
    if (open >= MOST_AT_ONCE) throw new DbadminError('locked', 'too many logs are being followed');
    return streamSSE(context, async (stream) => {
      open += 1;
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      const beat = setInterval(() => {
        if (isSignedIn(context.var.token)) void stream.write(': \n\n');
        else gone.abort();
      }, BEAT_MS);
      try {
        for await (const log of follow(which, gone.signal)) await stream.writeSSE({ event: 'log', data: toJson(log) });
        if (!gone.signal.aborted) await stream.writeSSE({ event: 'end', data: '{}' });
      } catch (error) {
        if (!gone.signal.aborted) await stream.writeSSE({ event: 'failure', data: toJson(failureOf(error).document) });
      } finally {
        clearInterval(beat);
        gone.abort();
        open -= 1;
      }
    });
  });
}

function whichOf(context: Context): WhichJobLog {
  const { job, run, attempt } = context.req.query();
  if (job === undefined || job === '') throw new DbadminError('usage', 'say whose log: job=NAME');
  if (run !== undefined && !/^[\da-f-]{36}$/i.test(run)) throw new DbadminError('usage', 'run takes the id of a run');
  if (attempt !== undefined && !/^\d{1,6}$/.test(attempt)) throw new DbadminError('usage', 'attempt takes a number');
  return { job, runId: run, attempt: attempt === undefined ? undefined : Number(attempt) };
}
