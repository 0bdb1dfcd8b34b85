import type { Sql } from 'postgres';
import type { Clock } from '../../base/clock.ts';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { isConnectionLoss } from '../../postgres/connection-error.ts';
import { formatLsn, parseLsn } from '../../postgres/lsn.ts';
import { leadsTo, type OrdinarySession } from './ordinary-session.ts';
import { relationKey, withCuts, type Cut, type CutFiles } from './parent-listing.ts';

export interface ShortenedRelationsOptions {
  /** An ordinary connection; the functions that are asked are everybody's. */
  readonly session: OrdinarySession | undefined;
  readonly systemIdentifier: string;
  /** Where the parent began, or where an earlier backup did since which nothing is known. */
  readonly sinceLsn: bigint;
  /** That the parent ended on. */
  readonly timeline: number;
  /** Blocks of one file of a relation. */
  readonly relationSegmentBlocks: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** How long summaries are waited for that the server read from has already: only another one, a standby or its primary, is behind. */
const BEHIND_MS = 10_000;
const LOOK_EVERY_MS = 200;
/** A connection that is lost says nothing of the summaries. */
const MOST_CONNECTIONS = 2;

/**
 * The relations that VACUUM cut back, to some length, since some position: as the server's summaries of the WAL have it.
 *
 * Asks for one summary at a time and for each only once: the server makes a row of every changed block in it before it passes over
 * all but the few that are wanted.
 */
export class ShortenedRelations {
  readonly #options: ShortenedRelationsOptions;
  readonly #asked = new Set<string>();
  #files: CutFiles = new Map();
  #unknown: string | undefined;

  constructor(options: ShortenedRelationsOptions) {
    this.#options = options;
  }

  /** The files in which they ended; what is known later is another map. */
  get files(): CutFiles {
    return this.#files;
  }

  /** Why it is not known which they are, for people; undefined when it is. */
  get unknown(): string | undefined {
    return this.#unknown;
  }

  /**
   * Asks for what the summaries have by now; with `untilLsn` they are to reach so far.
   *
   * Not being able to ask leaves it unknown.
   *
   * @throws {ShortenedUnanswered} when the server was asked and failed; {@link SummariesGone}.
   */
  async look(untilLsn?: bigint): Promise<void> {
    for (let connections = 1; this.#unknown === undefined; connections += 1) {
      const sql = await this.#open();
      if (sql === undefined) return;
      try {
        await this.#ask(sql, untilLsn);
        return;
      } catch (error) {
        this.#options.signal.throwIfAborted();
        if (error instanceof SummariesGone) throw error;
        if (connections === MOST_CONNECTIONS || !isConnectionLoss(error)) throw new ShortenedUnanswered(error);
        await this.#options.session?.close();
      }
    }
  }

  async #open(): Promise<Sql | undefined> {
    const { session } = this.#options;
    if (session === undefined) {
      this.#unknown = 'there is no ordinary connection';
      return undefined;
    }
    try {
      return await session.open();
    } catch (error) {
      this.#unknown = `there is no ordinary connection: ${messageOf(error)}`;
      return undefined;
    }
  }

  async #ask(sql: Sql, untilLsn: bigint | undefined): Promise<void> {
    const { clock, signal } = this.#options;
    // Where it cannot be asked for its identifier, the positions of the summaries have to do.
    if (!(await leadsTo(sql, this.#options.systemIdentifier))) {
      this.#unknown = 'the ordinary connection leads to another cluster';
      return;
    }
    for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
      const reachedLsn = await this.#askNew(sql);
      if (untilLsn === undefined || reachedLsn >= untilLsn) return;
      if (waitedMs >= BEHIND_MS) {
        const reach =
          reachedLsn === this.#options.sinceLsn ? 'no summaries of the WAL' : `summaries of the WAL to ${formatLsn(reachedLsn)} only`;
        this.#unknown = `the server of the ordinary connection has ${reach}`;
        return;
      }
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  /**
   * Asks for the summaries that are new; gives the position that they reach from where they are wanted.
   *
   * They are made in the order of the WAL: one that is missing before another is waited for in vain.
   */
  async #askNew(sql: Sql): Promise<bigint> {
    const { timeline, sinceLsn, relationSegmentBlocks, signal } = this.#options;
    const summaries = await sql<WalSummary[]>`
      select tli::text as tli, start_lsn::text as start, end_lsn::text as end from pg_available_wal_summaries()
      where tli >= ${timeline} and end_lsn > ${formatLsn(sinceLsn)}::pg_lsn order by pg_available_wal_summaries.start_lsn`;
    let reachedLsn = sinceLsn;
    for (const summary of summaries) {
      if (parseLsn(summary.start) > reachedLsn) throw new SummariesGone(reachedLsn);
      signal.throwIfAborted();
      const name = `${summary.tli} ${summary.start} ${summary.end}`;
      if (!this.#asked.has(name)) this.#files = withCuts(this.#files, await readCuts(sql, summary), relationSegmentBlocks);
      this.#asked.add(name);
      const end = parseLsn(summary.end);
      if (end > reachedLsn) reachedLsn = end;
    }
    return reachedLsn;
  }
}

interface WalSummary {
  readonly tli: string;
  readonly start: string;
  readonly end: string;
}

/** What one summary says of main forks that were cut back to more than nothing: of each the least length within it. */
async function readCuts(sql: Sql, { tli, start, end }: WalSummary): Promise<readonly Cut[]> {
  const rows = await sql<{ tablespace: string; database: string; relfilenode: string; blocks: string }[]>`
    select reltablespace::text as tablespace, reldatabase::text as database, relfilenode::text as relfilenode, relblocknumber::text as blocks
    from pg_wal_summary_contents(${tli}::bigint, ${start}::pg_lsn, ${end}::pg_lsn)
    where is_limit_block and relblocknumber > 0 and relforknumber = 0`;
  return rows.map(({ tablespace, database, relfilenode, blocks }) => ({
    relation: relationKey(tablespace, database, relfilenode),
    blocks: Number(blocks),
  }));
}

/** The server was asked which relations were cut back, and failed: nothing it says of changes can be relied on then. */
export class ShortenedUnanswered extends DbadminError {
  constructor(cause: unknown) {
    super('backup-failed', 'the server failed to say which relations VACUUM cut back', { detail: messageOf(cause), cause });
  }
}

/**
 * The server does not keep summaries back to where they are wanted (wal_summary_keep_time), and never will again: what was cut
 * back there nobody can be asked about, and only a reading of everything makes up for it.
 */
export class SummariesGone extends DbadminError {
  constructor(sinceLsn: bigint) {
    super('backup-failed', `the server of the ordinary connection has no WAL summaries back to ${formatLsn(sinceLsn)}`);
  }
}

/** The server was told of files that, as it turned out when the backup had begun, it should not have been told of. */
export class ShortenedMeanwhile extends DbadminError {
  constructor(paths: readonly string[]) {
    const [first = ''] = paths;
    const others = paths.length === 1 ? '' : `, and ${paths.length - 1} more like it`;
    super('backup-failed', `VACUUM cut the relation of ${first} back before the backup began${others}`);
  }
}
