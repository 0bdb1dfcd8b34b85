import type { Clock } from '../../base/clock.ts';
import { DbadminError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { WrittenBlobs } from '../../repository/blob-pipeline.ts';
import type { AuditReport, BackupSummary } from '../../repository/manifest.ts';
import { verifyPacks } from '../../repository/marks.ts';
import { lockBackup, unreadIndexes } from '../../repository/lock-backup.ts';
import { lockEarlier } from '../../repository/lock-earlier.ts';
import { publishBackup } from '../../repository/publish.ts';
import { unjudgedWarnings } from '../../repository/unjudged-pages.ts';
import { readCoverage, reachFrom } from '../../repository/wal-coverage.ts';
import type { Source } from '../source-inspect.ts';
import { rootOf } from '../suspicion.ts';
import { leavesHintsUnlogged, type ClusterFacts } from './cluster-inspect.ts';
import { withoutCopiedDatabases } from './copied-databases-inspect.ts';
import type { Destination, ParentContent } from './destination.ts';
import { foreignLinkWarnings, keptDamage, keptWarnings } from './kept-warnings.ts';
import { kindOf, mayHoldStandbyPages, mayLackHints, seesCuts, type TakeMode } from './mode.ts';
import { refuseMovedDatabases } from './moved-databases-inspect.ts';
import type { ClusterContent } from './read-cluster.ts';
import type { RepositoryContent } from './repository-content.ts';
import { withoutTornPages } from './torn-pages-inspect.ts';
import type { WalAlongside } from './wal-alongside.ts';

export interface CompleteOptions {
  readonly destination: Destination;
  readonly source: Source;
  readonly facts: ClusterFacts;
  readonly mode: TakeMode;
  readonly label: string;
  readonly startedAt: Date;
  readonly tool: string;
  readonly content: ClusterContent;
  /** The part of `content` that is of this destination. */
  readonly files: RepositoryContent;
  readonly written: WrittenBlobs;
  /** What it builds on there. */
  readonly parent: ParentContent | undefined;
  readonly pageHashKey: Buffer | undefined;
  /** Where it is not known which relations VACUUM cut back. */
  readonly cutsUnknownSince: UnknownCuts | undefined;
  readonly wal: WalAlongside;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** What is not known of relations that VACUUM cut back. */
export interface UnknownCuts {
  /** As PostgreSQL prints it. */
  readonly sinceLsn: string;
  /** For people. */
  readonly reason: string;
}

function unknownCutsWarning({ sinceLsn, reason }: UnknownCuts): string {
  return `tables that VACUUM cut back since ${sinceLsn} and that grew again may have old rows in this backup: the server could not be asked which these are (${reason}); the next backup that can ask sets it right, and so does a full one (--type full)`;
}

/**
 * Makes a backup exist in one repository: its WAL is there, everything it relies on is there, and then its manifest, last.
 *
 * @throws {DbadminError} `backup-failed`, `locked`, `repository-damaged`, storage failures.
 */
export async function completeBackup(options: CompleteOptions): Promise<BackupSummary> {
  const { destination, source, content, files, signal, log, label, mode } = options;
  const { repository } = destination;
  log.debug(`${label}: waiting for the WAL in ${destination.name}`);
  await secureWal(options);
  const { relationSegmentBlocks } = options.facts;
  const mayBeTorn = (mismatch: AuditReport['mismatches'][number]): boolean => content.audit?.mayBeTorn(mismatch) === true;
  const summarized = summarize(options);
  const unknown = await refuseMovedDatabases(summarized, { repository, changes: content.databases, log, signal });
  const warned = { ...summarized, warnings: [...summarized.warnings, ...unknown] };
  const told = await withoutCopies(warned, options);
  const summary = await withoutTornPages(told, { repository, relationSegmentBlocks, mayBeTorn, log, signal });
  const packs = new Set([...packsOfParent(options), ...options.written.packs, ...options.written.adoptedPacks]);
  await verifyPacks(repository, source.systemIdentifier, packs);
  signal.throwIfAborted();
  log.debug(`${label}: writing the manifest`);
  await publishBackup(repository, destination.lease, summary, files.entries(content.sink.entries));
  await lockPublished(options, summary, packs);
  const { name, index } = destination;
  const done = `Backup ${label} is complete in ${name}.`;
  await lockEarlier(repository, { systemIdentifier: source.systemIdentifier, name, done, index, log, signal });
  log.debug(`${label}: complete (${mode.kind})`);
  return summary;
}

async function withoutCopies(summary: BackupSummary, options: CompleteOptions): Promise<BackupSummary> {
  const { destination, content, files, mode, log, signal } = options;
  if (content.audit === undefined || mode.kind === 'everything') return summary;
  const { repository } = destination;
  return await withoutCopiedDatabases(summary, {
    repository,
    audit: content.audit,
    files: files.entries([]),
    since: mode.parent,
    log,
    signal,
  });
}

/** The packs in which that part of the parent lies which the backup needs, too. */
function* packsOfParent({ destination, files, parent }: CompleteOptions): Generator<string> {
  if (parent === undefined) return;
  const { index } = destination;
  const numbers = new Set<number>();
  for (const blob of files.parentBlobs()) {
    const entry = index.entryOf(parent.content.blobs.hash(blob));
    if (entry < 0) throw new Error(`blob ${blob} of the parent is relied on and no index knows it`);
    numbers.add(index.measureOf(entry).pack);
  }
  for (const number of numbers) yield index.packName(number);
}

/** Where the storage locks objects: everything that the backup relies on stays locked as long as the backup itself. */
async function lockPublished(
  { destination, label, clock, log }: CompleteOptions,
  summary: BackupSummary,
  packs: ReadonlySet<string>,
): Promise<void> {
  try {
    const locks = await lockBackup(destination.repository, { summary, packs, unreadIndexes: unreadIndexes(destination.index) }, clock);
    if (locks !== undefined)
      log.info(
        `${label} is locked in ${destination.name} until ${locks.until.toISOString()} (${locks.extended} objects made to last, ${locks.kept} did)`,
      );
    if (locks !== undefined && locks.lesser > 0)
      log.warn(
        `${locks.lesser} objects that ${label} relies on in ${destination.name} stay locked in governance mode, which some can lift: the server refuses to make it compliance`,
      );
  } catch (error) {
    if (!(error instanceof DbadminError)) throw error;
    throw new DbadminError('partly-done', `backup ${label} is in ${destination.name} and only in part locked`, {
      detail: `${error.message}${error.detail === undefined ? '' : `: ${error.detail}`}`,
      hint: 'It restores. The next backup locks the rest of it; dbadmin backup check says whether locking works.',
      cause: error,
    });
  }
}

function summarize(options: CompleteOptions): BackupSummary {
  const { source, facts, content, files, written, mode, pageHashKey, cutsUnknownSince: cuts } = options;
  const { result, sink } = content;
  const parent = mode.kind === 'everything' ? null : mode.parent.label;
  const audit = content.audit === undefined || parent === null ? null : content.audit.report(parent);
  const fromStandby = mayHoldStandbyPages(mode, content.isStandby);
  const hintsUnlogged = mayLackHints(mode, leavesHintsUnlogged(source, facts));
  return {
    label: options.label,
    kind: kindOf(mode),
    parent: kindOf(mode) === 'full' ? null : parent,
    ...rootBy(options),
    ...wholeBy(options),
    ...source,
    // With changed blocks it is built on nothing else, see chooseMode.
    pagesSummed: source.checksums,
    ...(fromStandby === undefined ? {} : { fromStandby }),
    ...(hintsUnlogged === undefined ? {} : { hintsUnlogged }),
    tool: options.tool,
    startedAt: options.startedAt.toISOString(),
    finishedAt: options.clock.now().toISOString(),
    ...(sink.checkpointAt === undefined ? {} : { checkpointAt: sink.checkpointAt.toISOString() }),
    startLsn: formatLsn(result.startLsn),
    stopLsn: formatLsn(result.stopLsn),
    startTimeline: result.startTimeline,
    stopTimeline: result.stopTimeline,
    damage: keptDamage(result.damage),
    warnings: [
      ...keptWarnings(result.warnings),
      ...foreignLinkWarnings(sink.foreignLinks),
      ...(cuts === undefined ? [] : [unknownCutsWarning(cuts)]),
      ...unjudgedWarnings(audit),
    ],
    audit,
    pageHashKey: pageHashKey?.toString('hex') ?? null,
    missing: content.missing,
    includedDirectories: content.includedDirectories,
    ...(cuts === undefined ? {} : { cutsUnknownSince: cuts.sinceLsn }),
    ...(seesCuts(mode) ? { cutsKnown: true } : {}),
    tablespaces: sink.tablespaces,
    fileCount: files.fileCount,
    plainBytes: files.sizeBytes,
    changedBytes: content.changedBytes,
    newBlobs: written.newBlobs,
    storedBytes: written.storedBytes,
  };
}

/** Where its content began to be pieced together: who looks at it later may find nothing of what lies between. */
function rootBy({ mode, destination: { backups } }: CompleteOptions): Pick<BackupSummary, 'root'> {
  if (mode.kind === 'everything' || kindOf(mode) === 'full') return {};
  const known = new Map(backups.map((backup) => [backup.label, backup]));
  return { root: rootOf(known.get(mode.parent.label) ?? mode.parent, known) };
}

/** Nothing is built on a backup that a verification found broken, and everything is read instead. */
function wholeBy({ mode, destination: { repository, verifications } }: CompleteOptions): Pick<BackupSummary, 'parentWholeBy'> {
  if (kindOf(mode) === 'full' || verifications.length === 0) return {};
  return { parentWholeBy: { repositoryId: repository.identity.id, verifications } };
}

/** Waits for the WAL and makes sure by looking that the repository has all of it: without it the backup cannot be recovered. */
async function secureWal({ wal, destination, source, content, signal }: CompleteOptions): Promise<void> {
  const { result } = content;
  await wal.finish(result.stopLsn, signal);
  const coverage = await readCoverage(destination.repository, source.systemIdentifier, source.walSegmentBytes);
  const reach = reachFrom(coverage.timelines.get(result.stopTimeline), result.startLsn);
  if (reach !== undefined && reach >= result.stopLsn) return;
  throw new DbadminError('backup-failed', `the WAL of the backup is not complete in ${destination.name}`, {
    detail: `It needs ${formatLsn(result.startLsn)} to ${formatLsn(result.stopLsn)} on timeline ${result.stopTimeline} and has it up to ${reach === undefined ? 'nowhere' : formatLsn(reach)}.`,
    hint: 'Run the backup again; if it stays so, look for errors of the storage in the log.',
  });
}
