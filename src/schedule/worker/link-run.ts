import { messageOf } from '../../base/errors.ts';
import type { ConnectionPool } from '../../postgres/pool.ts';
import { ensureTables } from '../control/tables-apply.ts';
import { markPlanned, markWorker, plannedUntil, registerJobs } from '../control/registry-apply.ts';
import { putClockRight } from '../control/clock-apply.ts';
import { promoteLeftWaiting, type ControlPlace } from '../control/due-apply.ts';
import { applyAllDue } from '../control/due-many-apply.ts';
import { beginAttempt, endAbandoned, writeLogs } from '../control/attempts-apply.ts';
import { pruneHistory } from '../control/prune-apply.ts';
import { RunQueue, type HandedOut } from '../control/queue-run.ts';
import { queueName, queuesFor } from '../labels.ts';
import type { Policies } from '../policies.ts';
import { isSetBack, Timetable } from '../timetable.ts';
import type { WorkerOptions } from './options.ts';
import { SignsOfLife } from './signs-of-life.ts';
import type { Slots } from './slots-run.ts';

const TICK_MS = 1000;
/** While there is more to do than slots, one that becomes free is filled soon. */
const BUSY_TICK_MS = 150;
const SIGN_OF_LIFE_MS = 10_000;
/** Whoever follows the log of a job sees what it printed this long ago. */
const LOG_MS = 1000;
const UPKEEP_MS = 30_000;
const PRUNE_MS = 3_600_000;
const SIGNS_PER_HEARTBEAT = 4;

/** A worker's connection to the control database, from the moment that it answers until it no longer does. */
export class ControlLink implements ControlPlace {
  readonly pool: ConnectionPool;
  readonly schema: string;
  readonly queue: RunQueue;
  readonly #queuePool: ConnectionPool;
  readonly #options: WorkerOptions;
  #policies: Policies;
  #timetable: Timetable;
  #plannedAt: Date | undefined;
  #marked = 0;
  readonly #signs: SignsOfLife;

  private constructor(
    pool: ConnectionPool,
    queuePool: ConnectionPool,
    queue: RunQueue,
    options: WorkerOptions,
    policies: Policies,
    timetable: Timetable,
  ) {
    this.pool = pool;
    this.#queuePool = queuePool;
    this.schema = options.schema;
    this.queue = queue;
    this.#options = options;
    this.#policies = policies;
    this.#timetable = timetable;
    this.#signs = new SignsOfLife(options.worker);
  }

  /** Connects, makes what is missing, and makes the jobs known. `plannedBefore` is how far this worker itself had come. */
  static async open(options: WorkerOptions, policies: Policies, plannedBefore: Date | undefined): Promise<ControlLink> {
    const pool = await options.connect();
    // Its own, since pg-boss asks beside a transaction of ours that waits for its answer: from one pool both could wait for ever.
    const queuePool = await options.connect().catch(async (error: unknown) => {
      await pool.close();
      throw error;
    });
    try {
      await ensureTables(pool, options.schema);
      const { schema, heartbeatSeconds, log } = options;
      const queue = new RunQueue(queuePool, {
        schema,
        heartbeatSeconds,
        supervises: true,
        onError: (error) => log.debug(`queue: ${error instanceof Error ? error.message : String(error)}`),
      });
      await queue.start(allQueues(policies));
      const until = plannedBefore ?? (await plannedUntil(pool, schema)) ?? options.clock.now();
      const timetable = await makeTimetable(pool, schema, policies, until);
      return new ControlLink(pool, queuePool, queue, options, policies, timetable);
    } catch (error) {
      await queuePool.close();
      await pool.close();
      throw error;
    }
  }

  get plannedAt(): Date | undefined {
    return this.#plannedAt;
  }

  get plannedUntil(): Date {
    return this.#timetable.plannedUntil;
  }

  /** Plans, takes and keeps until the signal or a failure, which it throws. */
  async serve(slots: Slots, current: () => Policies, signal: AbortSignal, isStopping: () => boolean): Promise<void> {
    const failed = new AbortController();
    const until = AbortSignal.any([signal, failed.signal]);
    const loop = async (everyMs: number, turn: () => Promise<number | void>): Promise<void> => {
      try {
        while (!until.aborted) {
          const nextMs = (await turn()) ?? everyMs;
          await this.#options.clock.sleep(nextMs, until).catch(() => undefined);
        }
      } catch (error) {
        failed.abort(error);
      }
    };
    await Promise.all([
      loop(TICK_MS, async () => {
        if (isStopping()) return;
        await this.#follow(current());
        await this.#plan();
      }),
      loop(TICK_MS, async () => {
        return !isStopping() && (await this.#take(slots)) ? BUSY_TICK_MS : TICK_MS;
      }),
      loop((this.#options.heartbeatSeconds * 1000) / SIGNS_PER_HEARTBEAT, async () => await this.#keep(slots)),
      loop(SIGN_OF_LIFE_MS, async () => await this.#sign()),
      loop(LOG_MS, async () => await writeLogs(this, slots.printed())),
      loop(UPKEEP_MS, async () => await this.#upkeep()),
      loop(PRUNE_MS, async () => await pruneHistory(this.pool, this.schema)),
    ]);
    if (failed.signal.aborted && !signal.aborted) throw failed.signal.reason as Error;
  }

  async close(): Promise<void> {
    await this.queue.stop().catch(() => undefined);
    await this.#queuePool.close().catch(() => undefined);
    await this.pool.close().catch(() => undefined);
  }

  /** Takes over what changed in the policies. */
  async #follow(policies: Policies): Promise<void> {
    if (policies === this.#policies) return;
    await this.queue.ensure(allQueues(policies));
    this.#timetable = await makeTimetable(this.pool, this.schema, policies, this.#timetable.plannedUntil);
    this.#policies = policies;
  }

  async #plan(): Promise<void> {
    const before = this.#timetable.plannedUntil;
    const now = this.#options.clock.now();
    if (isSetBack(before, now)) {
      this.#options.log.warn(`the schedule was planned up to ${before.toISOString()}, when the clock was ahead: it goes on from now`);
      this.#marked = 0;
    }
    const due = this.#timetable.take(now);
    try {
      for (const { job, due: time, admission } of await applyAllDue(this, this.queue, due, now)) {
        if (admission === 'dropped')
          this.#options.log.warn(`${job.name}, due ${time.toISOString()}, is left out: its run before is not over`);
      }
      if (due.length > 0 || now.getTime() - this.#marked >= SIGN_OF_LIFE_MS) {
        await markPlanned(this.pool, this.schema, now);
        this.#marked = now.getTime();
      }
    } catch (error) {
      this.#timetable.rewind(before);
      throw error;
    }
    this.#plannedAt = now;
  }

  /** Whether there may be more than was taken. */
  async #take(slots: Slots): Promise<boolean> {
    const { jobs } = this.#policies;
    const queues = queuesFor(
      this.#options.worker.labels,
      jobs.map(({ labels }) => labels),
    );
    let taken = 0;
    for (const queue of queues) {
      if (slots.free === 0) return true;
      const askedAtMs = performance.now();
      for (const handed of await this.queue.fetch(queue, slots.free)) {
        taken += 1;
        await this.#begin(slots, handed, askedAtMs);
      }
    }
    return taken > 0;
  }

  async #begin(slots: Slots, handed: HandedOut, askedAtMs: number): Promise<void> {
    const { worker, log } = this.#options;
    const begun = await beginAttempt(this, this.queue, handed, worker.name);
    if (begun === undefined) return;
    const { run, isDone } = begun;
    const { jobs } = this.#policies;
    slots.start({ handed, run, isDone, job: jobs.find(({ name }) => name === run.job), keptAtMs: askedAtMs }, jobs);
    if (isDone)
      log.info(`${run.job}, due ${run.due.toISOString()}, was done by ${run.worker ?? 'a worker'} that died before it could say so`);
  }

  async #sign(): Promise<void> {
    const { clock, log, worker } = this.#options;
    const sign = await markWorker(this.pool, this.schema, worker);
    for (const warning of this.#signs.take(sign, clock.now())) log.warn(warning);
  }

  async #keep(slots: Slots): Promise<void> {
    const held = slots.held;
    if (held.length === 0) return;
    const askedAtMs = performance.now();
    const stillOurs = await this.queue.keep(held);
    await this.pool.query(`update ${this.schema}.run set alive_at = clock_timestamp() where queue_id = any($1::uuid[])`, [[...stillOurs]]);
    slots.kept(held, stillOurs, askedAtMs);
  }

  async #upkeep(): Promise<void> {
    await putClockRight(this, this.#options.clock.now()).catch((error: unknown) =>
      this.#options.log.warn(`what a clock that was ahead wrote down is not put right: ${messageOf(error)}`),
    );
    for (const run of await endAbandoned(this)) {
      this.#options.log.warn(`${run.job}, due ${run.due.toISOString()}: ${run.error ?? ''}`);
      const { job, due, attempt, startedAt = due, endedAt = this.#options.clock.now(), error, worker = '' } = run;
      this.#options.onJobEnded({
        job,
        due,
        attempt,
        startedAt,
        endedAt,
        outcome: 'failed',
        exitStatus: undefined,
        error,
        logTail: '',
        worker,
      });
    }
    await promoteLeftWaiting(this, this.queue);
  }
}

async function makeTimetable(pool: ConnectionPool, schema: string, policies: Policies, until: Date): Promise<Timetable> {
  const known = await registerJobs(
    pool,
    schema,
    policies.jobs.map(({ name }) => name),
  );
  return new Timetable(policies.jobs, new Map([...known].map(([name, { since }]) => [name, since])), until);
}

function allQueues({ jobs }: Policies): readonly string[] {
  return [...new Set(jobs.map(({ labels }) => queueName(labels)))];
}
