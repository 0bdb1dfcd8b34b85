import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { DbadminError, messageOf, reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { ReplicationConnection } from '../../postgres/replication.ts';
import { BlobPipeline } from '../../repository/blob-pipeline.ts';
import { BlobReader } from '../../repository/blob-reader.ts';
import type { Lease } from '../../repository/leases.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import { cutsUnknownSince, cutsWantedSince, pageHashKeyFor, type Attempt } from './attempt.ts';
import { inspectSource, type Source } from '../source-inspect.ts';
import { readingSource } from '../../repository/unreadable.ts';
import {
  inspectCluster,
  inspectConfiguration,
  inspectLinkedConfiguration,
  leavesHintsUnlogged,
  type ClusterFacts,
} from './cluster-inspect.ts';
import { completeBackup } from './complete.ts';
import { consolidate } from './consolidate-run.ts';
import { openDestination, withIndexAnew, type Destination, type NamedRepository, type ParentContent } from './destination.ts';
import { inspectEndedTransactions, inspectFileUse } from './file-use-inspect.ts';
import { chooseLabel } from './label.ts';
import { kindOf, type TakeMode } from './mode.ts';
import { inspectDatabases } from './moved-databases-inspect.ts';
import { afterFailure, mayTryAgain, RestsOnDamage } from './next-attempt.ts';
import { BACKUP_APPLICATION, OrdinarySession } from './ordinary-session.ts';
import { isOfOneRepository, outcomesOf, type TakeOutcome } from './outcomes.ts';
import { ParentBlobs } from './parent-blobs.ts';
import { inspectParents } from './parents-inspect.ts';
import { readCluster, type ClusterContent } from './read-cluster.ts';
import { inspectReliedOn } from './relied-on-inspect.ts';
import { ShortenedRelations } from './shortened-relations-inspect.ts';
import { receiveAlongside, type WalAlongside } from './wal-alongside.ts';

export interface TakeOptions {
  readonly parameters: ConnectionParameters;
  /** Where the backup goes; the cluster is read once for all of them. */
  readonly repositories: readonly NamedRepository[];
  readonly clusterName: string;
  /** The version of dbadmin, kept in the manifest. */
  readonly tool: string;
  /** Incremental is done as a full one where there is nothing to build on. */
  readonly kind: 'full' | 'incremental';
  /** zstd's, 1 to 19. */
  readonly level?: number;
  /** Whether the checkpoint that begins the backup is made at once (a burst of writes) or spread out. */
  readonly fastCheckpoint: boolean;
  readonly maxRateKb: number | undefined;
  /**
   * For an ordinary connection, over which configuration files are read that a base backup leaves out, and which relations VACUUM cut
   * back; without it the first are missing, and an incremental backup says what may be wrong with it.
   */
  readonly connection: ConnectionParameters | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Called once it is known how the backup is taken. */
  readonly onMode?: (mode: TakeMode, label: string) => void;
  readonly onProgress: (doneBytes: number, totalBytes: number | undefined) => void;
}

/** What a run came to in each repository. */
export interface TakeResult {
  readonly mode: TakeMode;
  readonly outcomes: readonly TakeOutcome[];
}

/**
 * Takes a backup: content into packs while the WAL from its start to its stop is received beside it; then the index;
 * then, last, the manifest, which makes the backup exist. Until then nothing of it counts.
 *
 * One repository failing does not stop the others; when all fail the first failure is thrown. A backup with bad pages is
 * kept and its summary's `damage` says which; every other failure leaves only garbage.
 *
 * @throws {DbadminError} `repository-missing`, `locked`, `privilege-missing`, `backup-failed`, storage failures, `interrupted`.
 */
export async function takeBackup(options: TakeOptions): Promise<TakeResult> {
  const run = new TakeRun(options);
  try {
    return await run.run();
  } finally {
    await run.close();
  }
}

/** Asked once: connections follow one another when an attempt fails, the rest stays. */
class TakeRun {
  readonly #options: TakeOptions;
  readonly #failures = new Map<string, DbadminError>();
  #connection: ReplicationConnection | undefined;
  readonly #session: OrdinarySession | undefined;
  readonly #leases: Lease[] = [];
  #destinations: readonly Destination[] = [];
  /** Whether the server has begun to send the backup. */
  #hasBegun = false;

  constructor(options: TakeOptions) {
    this.#options = options;
    this.#session = options.connection === undefined ? undefined : new OrdinarySession(options.connection);
  }

  async run(): Promise<TakeResult> {
    const options = this.#options;
    const startedAt = options.clock.now();
    const connection = await this.#connect();
    const source = await inspectSource(connection);
    this.#destinations = await this.#openDestinations(source);
    let facts = await inspectCluster(connection, source);
    // The server answers while the parent is read.
    const askedConfiguration = inspectConfiguration(this.#session);
    let { mode, parents } = await this.#chooseMode(source, facts);
    const configuration = await askedConfiguration;
    const shortened = this.#shortenedSince(mode, source, facts);
    const taken = new Set(this.#destinations.flatMap(({ backups }) => backups.map(({ label }) => label)));
    let announced: TakeMode | undefined;
    const tries = { onDamage: 1, ofServer: 1 };
    for (;;) {
      const label = chooseLabel(startedAt, kindOf(mode), taken);
      if (announced !== mode) options.onMode?.(mode, label);
      announced = mode;
      try {
        return {
          mode,
          outcomes: this.#all(
            await this.#attempt({
              source,
              facts,
              configuration,
              mode,
              parents,
              shortened,
              label,
              startedAt,
              mayTryAgain: mayTryAgain(tries.onDamage),
            }),
          ),
        };
      } catch (error) {
        const isDamage = error instanceof RestsOnDamage;
        const next = afterFailure(mode, error, isDamage ? tries.onDamage : tries.ofServer, this.#hasBegun);
        if (next === undefined) throw error;
        tries[isDamage ? 'onDamage' : 'ofServer'] += 1;
        if (isDamage) {
          options.log.warn(`${error.message}: ${next.note}`);
          parents = await this.#readIndexesAnew(source, parents);
        } else options.log.info(`${next.note}: ${messageOf(error)}`);
        ({ mode } = next);
        if (mode.kind === 'everything') parents = [];
        // Where several servers will do this may be another, with settings of its own.
        facts = await inspectCluster(await this.#connect(), source);
      }
    }
  }

  async close(): Promise<void> {
    await this.#connection?.close();
    await this.#session?.close();
    await Promise.all(this.#leases.map(async (lease) => await lease.release()));
  }

  async #connect(): Promise<ReplicationConnection> {
    await this.#connection?.close();
    this.#connection = await ReplicationConnection.open(this.#options.parameters, {
      applicationName: BACKUP_APPLICATION,
      signal: this.#options.signal,
    });
    return this.#connection;
  }

  #shortenedSince(mode: TakeMode, { systemIdentifier }: Source, { relationSegmentBlocks }: ClusterFacts): ShortenedRelations | undefined {
    if (mode.kind !== 'blocks') return undefined;
    const { clock, signal } = this.#options;
    const { stopTimeline } = mode.parent;
    return new ShortenedRelations({
      session: this.#session,
      systemIdentifier,
      sinceLsn: parseLsn(cutsWantedSince(mode.parent)),
      timeline: stopTimeline,
      relationSegmentBlocks,
      clock,
      signal,
    });
  }

  async #openDestinations(source: Source): Promise<readonly Destination[]> {
    const { repositories, clusterName, clock, log, signal } = this.#options;
    const opened: Destination[] = [];
    for (const named of repositories) {
      try {
        const destination = await openDestination(named, { source, clusterName, clock, log, signal });
        this.#leases.push(destination.lease);
        opened.push(destination);
      } catch (error) {
        this.#note(named.name, error);
      }
    }
    this.#orThrow(opened.length);
    return opened;
  }

  /** Leaves those repositories out that fail. */
  async #chooseMode(source: Source, facts: ClusterFacts): Promise<{ mode: TakeMode; parents: readonly ParentContent[] }> {
    const { kind: wanted, log } = this.#options;
    const onFailed = (name: string, error: DbadminError): void => void this.#note(name, error);
    const { mode, destinations, parents } = await inspectParents(this.#destinations, { ...facts, wanted, source, log, onFailed });
    this.#destinations = destinations;
    this.#orThrow(destinations.length);
    return { mode, parents };
  }

  /** The parents of the destinations that are left. */
  async #readIndexesAnew({ systemIdentifier }: Source, parents: readonly ParentContent[]): Promise<readonly ParentContent[]> {
    const all = this.#destinations;
    const left: Destination[] = [];
    for (const destination of all) {
      try {
        left.push(await withIndexAnew(destination, systemIdentifier));
      } catch (error) {
        this.#note(destination.name, error);
      }
    }
    this.#destinations = left;
    this.#orThrow(left.length);
    return parents.filter((_, at) => left.some(({ name }) => name === all[at]?.name));
  }

  async #attempt(attempt: Attempt): Promise<readonly TakeOutcome[]> {
    const { clock, log, level } = this.#options;
    const { source } = attempt;
    const { systemIdentifier } = source;
    const targets = this.#destinations.map(({ repository, index }) => ({ repository, systemIdentifier, known: index }));
    const pipeline = new BlobPipeline(targets, level === undefined ? {} : { level });
    const wal: WalAlongside[] = [];
    // Without its WAL a backup cannot be restored: nothing more is read once that is lost in every repository.
    const lost = new AbortController();
    const reading = { isOver: false };
    const signal = AbortSignal.any([this.#options.signal, lost.signal]);
    try {
      for (const [index, { name, repository }] of this.#destinations.entries()) {
        const onLost = (error: Error): void => {
          // What came until the end of the reading may be enough.
          if (reading.isOver) return;
          if (pipeline.giveUp(index, error)) log.warn(`${name} gets no backup, the others go on: ${reasonOf(error)}`);
          else lost.abort(error);
        };
        wal.push(await receiveAlongside({ parameters: this.#options.parameters, name, repository, source, clock, log, onLost }));
      }
      const pageHashKey = pageHashKeyFor(attempt);
      const parentBlobs = this.#parentBlobs(attempt);
      const content = await this.#read({ ...attempt, pipeline, wal, parentBlobs, pageHashKey, signal });
      reading.isOver = true;
      log.debug(`${attempt.label}: storing the last packs and the index`);
      await this.#consolidate(attempt, content, parentBlobs);
      content.blobs.closeShared();
      await pipeline.drain();
      const rests = { ...content, destinations: this.#destinations, pipeline, parentBlobs, systemIdentifier, log, signal };
      const { receivedBytes } = content.sink;
      const onRead = (doneBytes: number, totalBytes: number): void =>
        this.#options.onProgress(receivedBytes + doneBytes, receivedBytes + totalBytes);
      const onDamage = await inspectReliedOn({ ...rests, isFull: kindOf(attempt.mode) === 'full', onRead });
      if (onDamage.length > 0 && attempt.mayTryAgain) {
        await pipeline.keep(indexName(attempt.startedAt));
        throw new RestsOnDamage(attempt.label, onDamage);
      }
      const stored = await pipeline.finish(indexName(attempt.startedAt));
      // Until all have ended: what one of them throws ends the run, and with it the leases of those that are about to publish.
      const ends = await Promise.allSettled(
        this.#destinations.map(async (destination, index): Promise<BackupSummary> => {
          if (onDamage.includes(destination.name)) throw new RestsOnDamage(attempt.label, [destination.name]);
          const outcome = stored[index];
          const walOfIt = wal[index];
          const files = content.contents[index];
          if (outcome?.kind !== 'stored' || walOfIt === undefined || files === undefined)
            throw outcome?.kind === 'failed' ? outcome.error : new Error('no outcome');
          return await completeBackup({
            ...this.#options,
            ...attempt,
            destination,
            wal: walOfIt,
            written: outcome.written,
            files,
            content,
            parent: attempt.parents[index],
            pageHashKey,
            cutsUnknownSince: cutsUnknownSince(attempt),
          });
        }),
      );
      return outcomesOf(
        this.#destinations.map(({ name }) => name),
        ends,
        (name, error) => this.#note(name, error),
      );
    } finally {
      await Promise.all(wal.map(async (each) => await each.close()));
      await pipeline.close();
    }
  }

  #parentBlobs({ source, parents }: Attempt): ParentBlobs {
    const places = this.#destinations.flatMap(({ name, repository, index, damaged }, at) => {
      const names = parents[at]?.content.blobs;
      const reader = new BlobReader(readingSource(repository), source.systemIdentifier, index);
      return names === undefined ? [] : [{ name, names, reader, damaged }];
    });
    return new ParentBlobs(places, this.#options.log);
  }

  async #read(reading: Reading): Promise<ClusterContent> {
    const { fastCheckpoint, maxRateKb, onProgress, log } = this.#options;
    const { source, facts, configuration, mode, parents, shortened, label, pipeline, wal, parentBlobs, pageHashKey, signal } = reading;
    const connection = this.#connection ?? (await this.#connect());
    const ended = await inspectEndedTransactions(mode.kind === 'blocks' ? undefined : this.#session, source.systemIdentifier);
    log.debug(`${label}: reading the cluster`);
    const content = await readCluster({
      connection,
      source,
      mode,
      label,
      pipeline,
      destinations: this.#destinations,
      parents,
      parentBlobs,
      shortened,
      configuration,
      readLinked: async (paths) => await inspectLinkedConfiguration(this.#session, paths),
      inspectUse: async (paths) => await inspectFileUse(this.#session, ended, paths),
      inspectDatabases: async () => await inspectDatabases(this.#session, connection.serverPid),
      pageHashKey,
      hintsUnlogged: leavesHintsUnlogged(source, facts),
      relationSegmentBlocks: facts.relationSegmentBlocks,
      fastCheckpoint,
      maxRateKb,
      signal,
      onBegin: async (start) => {
        this.#hasBegun = true;
        // Nothing more is asked on it, and the reading may take hours.
        await Promise.all([this.#session?.close(), ...wal.map(async (each) => await each.begin(start.startLsn, start.timeline))]);
      },
      onProgress,
    });
    await this.#session?.close();
    return content;
  }

  async #consolidate({ label, mode, parents }: Attempt, content: ClusterContent, parent: ParentBlobs): Promise<void> {
    const plainBytes = parents[0]?.plainBytes;
    if (plainBytes === undefined || mode.kind === 'everything') return;
    const { signal, log } = this.#options;
    const takenBytes = await consolidate({ ...content, parent, plainBytes, signal });
    if (takenBytes > 0) log.debug(`${label}: ${takenBytes} bytes of worn blobs taken again`);
  }

  /** The outcomes of all repositories, those that failed before the backup began included, in the order they were given. */
  #all(outcomes: readonly TakeOutcome[]): readonly TakeOutcome[] {
    this.#orThrow(outcomes.filter(({ result }) => result.kind === 'taken').length);
    return this.#options.repositories.flatMap(({ name }) => {
      const outcome = outcomes.find((each) => each.name === name);
      const error = this.#failures.get(name);
      if (outcome !== undefined) return [outcome];
      return error === undefined ? [] : [{ name, result: { kind: 'failed' as const, error } }];
    });
  }

  #note(name: string, error: unknown): DbadminError {
    if (!isOfOneRepository(error)) throw error;
    this.#failures.set(name, error);
    return error;
  }

  #orThrow(sound: number): void {
    const [first] = this.#failures.values();
    if (sound === 0) throw first ?? new DbadminError('backup-failed', 'no repository was given for the backup');
  }
}

interface Reading extends Attempt {
  readonly pipeline: BlobPipeline;
  readonly wal: readonly WalAlongside[];
  readonly parentBlobs: ParentBlobs;
  readonly pageHashKey: Buffer | undefined;
  /** Ends the reading: the run's own, or that no repository has the WAL. */
  readonly signal: AbortSignal;
}

function indexName(at: Date): string {
  return `${at.toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '')}-${randomBytes(8).toString('hex')}`;
}
