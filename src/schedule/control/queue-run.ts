import { PgBoss, type Db } from 'pg-boss';
import type { ConnectionPool, PoolQueries } from '../../postgres/pool.ts';
import type { DoneRepository } from '../attempt.ts';

/** A run that was handed out to us. The count tells our claim from a later one of the same run. */
export interface HandedOut {
  readonly queue: string;
  readonly queueId: string;
  readonly claim: number;
  readonly runId: string;
  /** With what an attempt before is over. */
  readonly done: readonly DoneRepository[];
}

/** What lies in the queue: one that was put there by an older dbadmin, or for the first time, has nothing done. */
interface QueuedRun {
  readonly runId: string;
  readonly done?: readonly DoneRepository[];
}

export interface QueueOptions {
  readonly schema: string;
  /** A claim without a sign of life for so long passes to another worker. At least 10. */
  readonly heartbeatSeconds: number;
  /** Workers look after the queue, whoever only puts something in does not. */
  readonly supervises: boolean;
  readonly onError: (error: unknown) => void;
}

const SUPERVISE_SECONDS = 10;
/** The most that pg-boss lets a queue have; {@link RunQueue.keep} puts it off. */
const EXPIRE_SECONDS = 24 * 3600;
/** Longer than anything runs, and what pg-boss adds to the moment of the start stays a moment that PostgreSQL knows. */
const KEPT_EXPIRE_SECONDS = 1_000_000_000;
/** A run that brings down every worker is given up after so many. */
const MOST_TAKEOVERS = 5;

/**
 * The queue: pg-boss, which hands each run to one worker and takes it back from one that died. When a job is due, whether it
 * is tried again and what came of it is not its business.
 *
 * Everything that changes a run and the queue takes the transaction, so that neither can be without the other.
 */
export class RunQueue {
  readonly #boss: PgBoss;
  readonly #heartbeatSeconds: number;
  readonly #pool: ConnectionPool;
  readonly #schema: string;

  constructor(pool: ConnectionPool, { schema, heartbeatSeconds, supervises, onError }: QueueOptions) {
    this.#heartbeatSeconds = heartbeatSeconds;
    this.#pool = pool;
    this.#schema = schema;
    this.#boss = new PgBoss({
      db: asDb(pool),
      schema,
      // The schema is ours and there already; a queue that only sends needs none of the upkeep.
      createSchema: false,
      schedule: false,
      supervise: supervises,
      superviseIntervalSeconds: SUPERVISE_SECONDS,
      monitorIntervalSeconds: SUPERVISE_SECONDS,
    });
    this.#boss.on('error', onError);
  }

  /** Makes or updates the tables of the queue and begins to look after it. */
  async start(queues: readonly string[]): Promise<void> {
    await this.#boss.start();
    await this.ensure(queues);
  }

  async ensure(queues: readonly string[]): Promise<void> {
    for (const name of queues) {
      await this.#boss.createQueue(name, {
        policy: 'standard',
        // A takeover is the only retry of pg-boss's own; those after a failure have a delay of the job's.
        retryLimit: MOST_TAKEOVERS,
        retryDelay: 0,
        expireInSeconds: EXPIRE_SECONDS,
        heartbeatSeconds: this.#heartbeatSeconds,
        deleteAfterSeconds: 3600,
      });
    }
  }

  /** Puts a run in; gives the id under which it lies there. */
  async send(tx: PoolQueries, queue: string, run: QueuedRun, startAfter: Date | undefined): Promise<string> {
    const id = await this.#boss.send(queue, run, { db: asDb(tx), ...(startAfter === undefined ? {} : { startAfter }) });
    if (id === null) throw new Error(`the queue ${queue} did not take run ${run.runId}`);
    return id;
  }

  /** Puts many in at once, each under the id of its run. */
  async sendAll(tx: PoolQueries, queue: string, runIds: readonly string[]): Promise<void> {
    await this.#boss.insert(
      queue,
      runIds.map((runId) => ({ id: runId, data: { runId } })),
      { db: asDb(tx) },
    );
  }

  /** Up to `count` runs, ours from now on for as long as {@link keep} is called. */
  async fetch(queue: string, count: number): Promise<readonly HandedOut[]> {
    const jobs = await this.#boss.fetch<QueuedRun>(queue, { batchSize: count });
    return jobs.map(({ id, retryCount, data }) => ({ queue, queueId: id, claim: retryCount, runId: data.runId, done: data.done ?? [] }));
  }

  /**
   * A sign of life for what we hold; gives the queue ids that are still ours. What gives them has all the time it takes: pg-boss
   * would hand it to another after a day, who finds its lease taken, and fails for it.
   */
  async keep(held: readonly HandedOut[]): Promise<ReadonlySet<string>> {
    const kept = new Set<string>();
    for (const { queue, queueId, claim } of held) {
      const response = await this.#boss.touch(queue, { id: queueId, retryCount: claim });
      if (affected(response) === 1) kept.add(queueId);
    }
    if (kept.size > 0)
      await this.#pool.query(`update ${this.#schema}.job set expire_seconds = $2 where id = any($1::uuid[]) and expire_seconds < $2`, [
        [...kept],
        KEPT_EXPIRE_SECONDS,
      ]);
    return kept;
  }

  /** Takes it out of the queue, if it is still ours. */
  async finish(tx: PoolQueries, { queue, queueId, claim }: HandedOut): Promise<boolean> {
    const response = await this.#boss.complete(queue, { id: queueId, retryCount: claim }, null, { db: asDb(tx) });
    return affected(response) === 1;
  }

  /** What is handed out stays so: ending it is the caller's. */
  async stop(): Promise<void> {
    await this.#boss.stop({ graceful: false, close: false });
  }
}

/** How many jobs a call was about that were still ours; the library's types do not tell of it. */
function affected(response: object): number {
  return (response as { readonly affected: number }).affected;
}

function asDb(queries: PoolQueries): Db {
  return { executeSql: async (text, values) => ({ rows: [...(await queries.query(text, values))] }) };
}
