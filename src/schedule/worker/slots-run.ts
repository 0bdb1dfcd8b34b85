import { messageOf } from '../../base/errors.ts';
import { formatDuration } from '../../base/durations.ts';
import { exitStatusOf, messageOfOutcome, type AttemptOutcome } from '../attempt.ts';
import type { EndedAttempt, PrintedLog, WrittenEnd } from '../control/attempts-apply.ts';
import type { HandedOut } from '../control/queue-run.ts';
import { LogTail } from '../log-tail.ts';
import type { Job } from '../policies.ts';
import type { JobEnded, RunRecord } from '../run-record.ts';
import type { WorkerFacts } from './facts.ts';
import type { WorkerOptions } from './options.ts';

/** How much of what a job prints is kept. */
const LOG_TAIL_CHARACTERS = 16 * 1024;
/** Of the time after which a claim passes to another, so much may go by before we give it up ourselves. */
const FENCE_SHARE = 2 / 3;

interface Slot {
  readonly handed: HandedOut;
  readonly run: RunRecord;
  /** Undefined when the policies here do not have it. */
  readonly job: Job | undefined;
  /** Its effect is there already: only its end is to be written down. */
  readonly isDone: boolean;
  readonly startedAt: Date;
  readonly stop: AbortController;
  readonly tail: LogTail;
  /** How much of the tail the control database has. */
  shownVersion: number;
  /** By the monotonic clock. */
  keptAtMs: number;
}

/** Writes an end down, waiting for the control database as long as that takes. */
export type WriteEnd = (handed: HandedOut, ended: EndedAttempt) => Promise<WrittenEnd>;

/**
 * The jobs that a worker runs at this moment. Each goes on when the control database is away; but only a job that a
 * repository's lease keeps from being done twice goes on when another worker may have been given it.
 */
export class Slots {
  readonly #options: WorkerOptions;
  readonly #writeEnd: WriteEnd;
  readonly #slots = new Map<string, Slot>();
  readonly #ends = new Set<Promise<void>>();
  readonly #ended = { succeeded: 0, failed: 0, 'will-retry': 0 };

  constructor(options: WorkerOptions, writeEnd: WriteEnd) {
    this.#options = options;
    this.#writeEnd = writeEnd;
  }

  get free(): number {
    return Math.max(0, this.#options.worker.slots - this.#slots.size);
  }

  get held(): readonly HandedOut[] {
    return [...this.#slots.values()].map(({ handed }) => handed);
  }

  get ended(): WorkerFacts['ended'] {
    return { ...this.#ended };
  }

  get running(): WorkerFacts['running'] {
    return [...this.#slots.values()].map(({ run, startedAt }) => ({ job: run.job, due: run.due, attempt: run.attempt, startedAt }));
  }

  /** Begins a run that is ours. It ends by itself, and is written down. `keptAtMs` is from when the claim counts. */
  start(begun: Pick<Slot, 'handed' | 'run' | 'job' | 'isDone' | 'keptAtMs'>, jobs: readonly Job[]): void {
    const slot: Slot = {
      ...begun,
      startedAt: this.#options.clock.now(),
      stop: new AbortController(),
      tail: new LogTail(LOG_TAIL_CHARACTERS),
      shownVersion: 0,
    };
    const { handed } = begun;
    this.#slots.set(handed.queueId, slot);
    const ended = this.#work(slot, jobs).finally(() => this.#ends.delete(ended));
    this.#ends.add(ended);
  }

  /** The claims that were found to be ours still, asked for at this moment of the monotonic clock. */
  kept(asked: readonly HandedOut[], stillOurs: ReadonlySet<string>, askedAtMs: number): void {
    for (const { queueId } of asked) {
      const slot = this.#slots.get(queueId);
      if (slot === undefined) continue;
      if (stillOurs.has(queueId)) slot.keptAtMs = askedAtMs;
      else this.#giveUp(slot, 'the run was given to another worker');
    }
  }

  /** What the running jobs have printed since it was last asked. */
  printed(): readonly PrintedLog[] {
    const changed = [...this.#slots.values()].filter(({ tail, shownVersion }) => tail.version !== shownVersion);
    return changed.map((slot) => {
      slot.shownVersion = slot.tail.version;
      return { runId: slot.run.runId, attempt: slot.run.attempt, logTail: slot.tail.text() };
    });
  }

  /** Stops what may run elsewhere by now. Called every second, whether the control database answers or not. */
  fence(nowMs: number): void {
    const mostMs = this.#options.heartbeatSeconds * 1000 * FENCE_SHARE;
    for (const slot of this.#slots.values()) {
      if (nowMs - slot.keptAtMs > mostMs) {
        this.#giveUp(slot, `the control database has not answered for ${formatDuration(mostMs)}, and another worker may be given the run`);
      }
    }
  }

  /** Waits until all have ended; what has not by then is stopped, and waited for too. */
  async drain(graceMs: number): Promise<void> {
    const all = async (): Promise<void> => {
      while (this.#ends.size > 0) await Promise.all(this.#ends);
    };
    if (this.#slots.size > 0) {
      this.#options.log.info(
        `waiting up to ${formatDuration(graceMs)} for ${[...this.#slots.values()].map(({ run }) => run.job).join(', ')}`,
      );
    }
    const timer = setTimeout(() => {
      for (const slot of this.#slots.values()) this.#stop(slot, 'the worker was stopped');
    }, graceMs);
    await all();
    clearTimeout(timer);
  }

  #giveUp(slot: Slot, reason: string): void {
    if (slot.job === undefined || !hasLease(slot.job)) this.#stop(slot, reason);
  }

  #stop(slot: Slot, reason: string): void {
    if (slot.stop.signal.aborted) return;
    this.#options.log.warn(`${slot.run.job} is stopped: ${reason}`);
    slot.stop.abort(new Error(reason));
  }

  async #work(slot: Slot, jobs: readonly Job[]): Promise<void> {
    const { run, job, handed, startedAt, tail } = slot;
    const { log, clock, perform } = this.#options;
    log.info(`${run.job} begins, due ${run.due.toISOString()}${run.attempt === 1 ? '' : `, attempt ${run.attempt}`}`);
    const outcome = await this.#perform(slot, perform);
    const endedAt = clock.now();
    try {
      const end = await this.#writeEnd(handed, { run, outcome, logTail: tail.text(), job: job ?? unknownJob(run), jobs });
      this.#tell(run, outcome, end, { startedAt, endedAt, logTail: tail.text() });
    } catch (error) {
      // Stopped before the control database was back: whoever takes the run over finds it without an end.
      log.warn(`how ${run.job} ended (${outcome.kind}) could not be written down: ${messageOf(error)}`);
    } finally {
      this.#slots.delete(handed.queueId);
    }
  }

  async #perform({ handed, run, job, stop, isDone, tail }: Slot, perform: WorkerOptions['perform']): Promise<AttemptOutcome> {
    if (isDone) return { kind: 'succeeded' };
    if (job === undefined) {
      return { kind: 'failed', exitStatus: undefined, error: 'the policies of this worker have no such job', final: true };
    }
    try {
      return await perform(job, {
        runId: run.runId,
        attempt: run.attempt,
        due: run.due,
        done: handed.done,
        signal: stop.signal,
        onOutput: (text) => tail.add(text),
      });
    } catch (error) {
      return { kind: 'failed', exitStatus: undefined, error: messageOf(error), final: false };
    }
  }

  #tell(run: RunRecord, outcome: AttemptOutcome, end: WrittenEnd, times: Pick<JobEnded, 'startedAt' | 'endedAt' | 'logTail'>): void {
    const { log, worker, onJobEnded } = this.#options;
    const took = formatDuration(times.endedAt.getTime() - times.startedAt.getTime());
    const error = messageOfOutcome(outcome);
    if (end.kind === 'lost') {
      log.warn(`${run.job} ended (${outcome.kind}) after ${took}, when its run was another worker's already`);
      return;
    }
    if (end.kind === 'over' && end.state === 'succeeded' && error === undefined) log.info(`${run.job} done in ${took}`);
    else if (end.kind === 'over' && end.state === 'succeeded') log.warn(`${run.job} done in ${took}, with a warning: ${error ?? ''}`);
    else if (end.kind === 'over') log.warn(`${run.job} failed after ${took}: ${error ?? ''}`);
    else log.warn(`${run.job}: ${error ?? ''}; tried again in ${formatDuration(end.afterMs)}`);
    const told = end.kind === 'over' ? end.state : 'will-retry';
    this.#ended[told] += 1;
    const exitStatus = exitStatusOf(outcome);
    try {
      onJobEnded({ job: run.job, due: run.due, attempt: run.attempt, ...times, outcome: told, exitStatus, error, worker: worker.name });
    } catch (failure) {
      log.warn(`that ${run.job} ended could not be told: ${messageOf(failure)}`);
    }
  }
}

function unknownJob({ job, labels }: RunRecord): EndedAttempt['job'] {
  return { name: job, retries: 0, retryDelayMs: 0, labels };
}

/** Whether doing it twice at once is kept from harm by a lease of the repository, or is harmless. */
function hasLease({ work }: Job): boolean {
  return work.kind !== 'command' && work.kind !== 'call' && work.kind !== 'sql';
}
