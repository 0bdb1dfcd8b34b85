import { parentPort } from 'node:worker_threads';
import { DbadminError, messageOf } from '../base/errors.ts';
import type { ThreadAnswer, ThreadMessage } from './worker-threads.ts';

/** What a worker thread does with what it is sent. */
export interface JobWorker<Job, Result, News> {
  /** Does a job; `transfer` is memory of the result that goes over instead of being copied. */
  work(job: Job): { readonly result: Result; readonly transfer: readonly ArrayBuffer[] };
  learn(news: News): void;
}

/** The life of a worker thread: each job is done at once and answered. */
export function answerJobs<Job, Result, News>(worker: JobWorker<Job, Result, News>): void {
  const port = parentPort;
  if (port === null) throw new DbadminError('internal', 'a worker module was loaded outside of a thread');
  port.on('message', (message: ThreadMessage<Job, News>) => {
    if (message.kind === 'news') {
      worker.learn(message.news);
      return;
    }
    try {
      const { result, transfer } = worker.work(message.job);
      port.postMessage({ kind: 'done', result } satisfies ThreadAnswer<Result>, [...transfer]);
    } catch (error) {
      port.postMessage(failure(error));
    }
  });
}

/** An error in a form that can be sent; a stack would say nothing to people. */
function failure(error: unknown): ThreadAnswer<never> {
  if (error instanceof DbadminError) {
    const { code, message, detail, hint } = error;
    return { kind: 'failed', code, message, detail, hint };
  }
  return { kind: 'failed', code: 'internal', message: 'a worker thread failed', detail: `${messageOf(error)}.` };
}
