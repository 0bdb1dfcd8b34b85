import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { DbadminError, messageOf, type ErrorCode } from '../base/errors.ts';

/** Jobs that one thread has at a time: one that it does and one that it need not wait for. */
export const JOBS_PER_THREAD = 2;

/** What a thread is told: a job, or something that it is to know for those that follow. */
export type ThreadMessage<Job, News> = { readonly kind: 'job'; readonly job: Job } | { readonly kind: 'news'; readonly news: News };

/** What a thread answers to a job. */
export type ThreadAnswer<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly detail?: string | undefined;
      readonly hint?: string | undefined;
    };

interface Thread<Job> {
  readonly worker: Worker;
  readonly jobs: Job[];
}

export interface ThreadsOptions<Job, Result> {
  /** The worker's file name without extension, beside this one. */
  readonly module: string;
  /** What a thread is to know from its start. */
  workerData(): unknown;
  readonly threads: number;
  onDone(job: Job, result: Result): void;
  /** The threads are of no use any more. Called once. */
  onFailure(error: Error): void;
}

/** How many threads do the work of a backup or a restore: two, more where there are cores, never more than four. */
export function defaultThreads(cores = availableParallelism()): number {
  return Math.max(1, Math.min(4, cores <= 2 ? cores : cores - 1));
}

/**
 * A few worker threads that do jobs of one kind. Each is started when there is work for it; none keeps the process alive
 * unless it has a job. Call {@link Threads.close} in the end.
 */
export class Threads<Job, Result, News = never> {
  readonly #options: ThreadsOptions<Job, Result>;
  readonly #threads: Thread<Job>[] = [];
  #isOver = false;

  constructor(options: ThreadsOptions<Job, Result>) {
    this.#options = options;
  }

  /** Whether another job would begin soon. */
  get hasRoom(): boolean {
    if (this.#isOver) return false;
    return this.#threads.length < this.#options.threads || this.#threads.some(({ jobs }) => jobs.length < JOBS_PER_THREAD);
  }

  /** Whether another job would begin at once. */
  get hasIdle(): boolean {
    return !this.#isOver && (this.#threads.length < this.#options.threads || this.#threads.some(({ jobs }) => jobs.length === 0));
  }

  /**
   * Gives a job to the thread that has the least to do; answers come in order for each thread. `transfer` is memory of the
   * job that is given away.
   */
  post(job: Job, transfer: readonly ArrayBuffer[] = []): void {
    const thread = this.#chooseThread();
    thread.jobs.push(job);
    thread.worker.ref();
    send(thread.worker, { kind: 'job', job } satisfies ThreadMessage<Job, News>, transfer);
  }

  /** Tells every thread that runs; one that starts later has it from its `workerData`. */
  tell(news: News): void {
    for (const { worker } of this.#threads) send(worker, { kind: 'news', news } satisfies ThreadMessage<Job, News>, []);
  }

  /** Ends the threads, whatever they do; no callback is called any more. */
  async close(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#threads.map(async ({ worker }) => await worker.terminate()));
  }

  #chooseThread(): Thread<Job> {
    const least = this.#threads.reduce<Thread<Job> | undefined>(
      (best, each) => (best === undefined || each.jobs.length < best.jobs.length ? each : best),
      undefined,
    );
    if (least !== undefined && (least.jobs.length === 0 || this.#threads.length >= this.#options.threads)) return least;
    return this.#start();
  }

  #start(): Thread<Job> {
    // Beside this file: .ts in a clone, .js where files are bundled.
    const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
    const worker = new Worker(new URL(`./${this.#options.module}${extension}`, import.meta.url), {
      workerData: this.#options.workerData(),
      // What this process was started with (-e, --input-type, --cpu-prof) is not for a thread.
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 8 },
    });
    const thread: Thread<Job> = { worker, jobs: [] };
    worker.on('message', (answer: ThreadAnswer<Result>) => this.#answered(thread, answer));
    worker.on('error', (error) => this.#fail(lost(messageOf(error), error)));
    worker.on('exit', (status) => this.#fail(lost(`It ended with status ${status}`, undefined)));
    worker.unref();
    this.#threads.push(thread);
    return thread;
  }

  #answered(thread: Thread<Job>, answer: ThreadAnswer<Result>): void {
    if (this.#isOver) return;
    const job = thread.jobs.shift();
    if (thread.jobs.length === 0) thread.worker.unref();
    if (job === undefined) return;
    if (answer.kind === 'done') this.#options.onDone(job, answer.result);
    else this.#fail(new DbadminError(answer.code, answer.message, { detail: answer.detail, hint: answer.hint }));
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onFailure(error);
  }
}

function send(worker: Worker, message: unknown, transfer: readonly ArrayBuffer[]): void {
  worker.postMessage(message, [...transfer]);
}

function lost(detail: string, cause: unknown): DbadminError {
  return new DbadminError('internal', 'a worker thread failed', { detail: `${detail.replace(/\.$/, '')}.`, cause });
}
