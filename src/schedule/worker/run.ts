import { formatDuration } from '../../base/durations.ts';
import { DbadminError, messageOf, reasonOf } from '../../base/errors.ts';
import { isConnectionLoss } from '../../postgres/connection-error.ts';
import { endAttempt } from '../control/attempts-apply.ts';
import { forgetWorker } from '../control/registry-apply.ts';
import type { ControlFacts, WorkerFacts } from './facts.ts';
import { ControlLink } from './link-run.ts';
import type { WorkerOptions } from './options.ts';
import { Receptions } from './receptions.ts';
import { Slots, type WriteEnd } from './slots-run.ts';

const RECONNECT_FIRST_MS = 500;
const RECONNECT_MOST_MS = 5000;
const FENCE_MS = 1000;
const RELOAD_MS = 5000;
/** After the grace, for jobs that were told to stop and for writing down that they did. */
const LAST_WORDS_MS = 30_000;

/**
 * A worker: queues what is due, runs what it is given, keeps WAL being received. It goes on while the control database is
 * away, with everything that does not need it, and says so. Ends some time after the signal, when its jobs have ended.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #slots: Slots;
  readonly #startedAt: Date;
  readonly #receptions: Receptions | undefined;
  readonly #waiting = new Set<() => void>();
  #policies: WorkerOptions['policies'];
  #policiesProblem: string | undefined;
  #control: ControlFacts;
  #link: ControlLink | undefined;
  #plannedAt: Date | undefined;
  #plannedUntil: Date | undefined;
  /** Once the jobs have ended; until then the claims on them are kept and WAL is received. */
  readonly #over = new AbortController();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#policies = options.policies;
    this.#startedAt = options.clock.now();
    this.#control = { kind: 'away', since: this.#startedAt, reason: 'not connected yet' };
    this.#slots = new Slots(options, async (handed, ended) => await this.#writeEnd(handed, ended));
    const { receiving, worker, clock, log } = options;
    this.#receptions =
      receiving === undefined ? undefined : new Receptions({ receiving, labels: worker.labels, clock, log, signal: this.#over.signal });
  }

  /** As they hold now. */
  get policies(): WorkerOptions['policies'] {
    return this.#policies;
  }

  /** Why they cannot be read since they were changed; undefined while they can. */
  get policiesProblem(): string | undefined {
    return this.#policiesProblem;
  }

  facts(): WorkerFacts {
    const { worker } = this.#options;
    return {
      worker: worker.name,
      startedAt: this.#startedAt,
      slots: worker.slots,
      control: this.#control,
      running: this.#slots.running,
      ended: this.#slots.ended,
      receptions: this.#receptions?.facts ?? [],
      plannedAt: this.#link?.plannedAt ?? this.#plannedAt,
    };
  }

  /** @throws {DbadminError} what stops a worker for good: a control database whose tables are newer, a missing privilege. */
  async run(): Promise<void> {
    const { signal, graceMs, log, worker, schema } = this.#options;
    const end = (): void => this.#over.abort(new DbadminError('interrupted', 'the worker was stopped'));
    const background = [this.#receive(), this.#fence(), this.#reload()];
    const serving = this.#serve();
    // It is waited for below; should it fail before, that is no unhandled failure.
    serving.catch(() => undefined);
    try {
      await Promise.race([serving, aborted(signal)]);
      const deadline = setTimeout(end, graceMs + LAST_WORDS_MS);
      await this.#slots.drain(graceMs);
      clearTimeout(deadline);
      if (this.#link !== undefined) await forgetWorker(this.#link.pool, schema, worker.name).catch(() => undefined);
      log.info('stopped');
    } finally {
      end();
      await Promise.all(background);
      await serving;
    }
  }

  /** Connected or trying to be, until the signal. */
  async #serve(): Promise<void> {
    const { signal, log, clock } = this.#options;
    const over = this.#over.signal;
    let waitMs = RECONNECT_FIRST_MS;
    while (!over.aborted) {
      try {
        const link = await ControlLink.open(this.#options, this.#policies, this.#plannedUntil);
        this.#connected(link);
        waitMs = RECONNECT_FIRST_MS;
        await link.serve(
          this.#slots,
          () => this.#policies,
          over,
          () => signal.aborted,
        );
      } catch (error) {
        if (!isConnectionLoss(error)) {
          // At its first start that is a mistake of whoever starts it; later it may pass.
          if (this.#link === undefined && this.#plannedUntil === undefined) throw error;
          log.warn(`the control database refused: ${messageOf(error)}`);
        }
        this.#away(error);
      } finally {
        await this.#disconnect();
      }
      if (over.aborted) return;
      await clock.sleep(waitMs, over).catch(() => undefined);
      waitMs = Math.min(RECONNECT_MOST_MS, waitMs * 2);
    }
  }

  #connected(link: ControlLink): void {
    const { clock, log } = this.#options;
    const now = clock.now();
    if (this.#control.kind === 'away' && this.#plannedUntil !== undefined) {
      log.info(`the control database is back after ${formatDuration(now.getTime() - this.#control.since.getTime())}`);
    } else {
      log.info('connected to the control database');
    }
    this.#control = { kind: 'connected', since: now };
    this.#link = link;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #away(error: unknown): void {
    const { clock, log } = this.#options;
    const reason = reasonOf(error);
    if (this.#control.kind === 'connected' || this.#control.reason === 'not connected yet') {
      log.warn(
        `the control database is away: ${reason}. Running jobs and the receiving of WAL go on; nothing new is begun until it is back`,
      );
      this.#control = { kind: 'away', since: clock.now(), reason };
    }
  }

  async #disconnect(): Promise<void> {
    const link = this.#link;
    this.#link = undefined;
    if (link === undefined) return;
    this.#plannedAt = link.plannedAt;
    this.#plannedUntil = link.plannedUntil;
    await link.close();
  }

  /** As often as it takes: what a job came to is known here alone until it is written. */
  readonly #writeEnd: WriteEnd = async (handed, ended) => {
    for (;;) {
      const link = this.#link ?? (await this.#nextLink());
      try {
        return await endAttempt(link, link.queue, handed, ended);
      } catch (error) {
        if (!isConnectionLoss(error)) throw error;
        // The link finds out by itself; until then it is not asked again at once.
        await this.#options.clock.sleep(RECONNECT_FIRST_MS, this.#over.signal);
      }
    }
  };

  async #nextLink(): Promise<ControlLink> {
    this.#over.signal.throwIfAborted();
    await Promise.race([new Promise<void>((resolve) => this.#waiting.add(resolve)), aborted(this.#over.signal)]);
    return this.#link ?? (await this.#nextLink());
  }

  async #fence(): Promise<void> {
    const over = this.#over.signal;
    while (!over.aborted) {
      this.#slots.fence(performance.now());
      await this.#options.clock.sleep(FENCE_MS, over).catch(() => undefined);
    }
  }

  async #reload(): Promise<void> {
    const { reload, clock, log } = this.#options;
    const signal = AbortSignal.any([this.#options.signal, this.#over.signal]);
    while (!signal.aborted) {
      await clock.sleep(RELOAD_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        const changed = await reload();
        if (changed === undefined) continue;
        this.#policies = changed;
        this.#policiesProblem = undefined;
        this.#receptions?.follow(changed);
        log.info(`${changed.file} has changed and holds from now on: ${changed.jobs.length} jobs`);
      } catch (error) {
        this.#policiesProblem = reasonOf(error);
        log.warn(`the policies have changed and cannot be read; the old ones hold: ${this.#policiesProblem}`);
      }
    }
  }

  async #receive(): Promise<void> {
    this.#receptions?.follow(this.#policies);
    await aborted(this.#over.signal);
    await this.#receptions?.ended();
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
