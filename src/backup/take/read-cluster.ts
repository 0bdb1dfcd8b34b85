import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { runBaseBackup, type BaseBackupResult, type BaseBackupStart } from '../../postgres/base-backup.ts';
import type { ReplicationConnection } from '../../postgres/replication.ts';
import { writeServerManifest } from '../../postgres/server-manifest.ts';
import { uploadManifest } from '../../postgres/upload-manifest.ts';
import type { BlobPipeline } from '../../repository/blob-pipeline.ts';
import { contentHash } from '../../repository/keys.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import { configurationBytes } from '../configuration-text.ts';
import type { Source } from '../source-inspect.ts';
import { BlobIntake } from './blob-intake.ts';
import { AuditComparison, PageHashComparison, type Comparison } from './comparison.ts';
import type { ContentMap, FileRecord } from './content-map.ts';
import { ContentSink } from './content-sink.ts';
import type { Destination, ParentContent } from './destination.ts';
import type { TakeMode } from './mode.ts';
import { databaseChanges, type DatabaseChanges, type DatabasesLook } from './moved-databases-inspect.ts';
import type { ConfigurationFile, LinkedConfiguration, OuterConfiguration } from './outer-configuration-inspect.ts';
import { isListed, listedInError, type CutFiles } from './parent-listing.ts';
import type { ParentBlobs } from './parent-blobs.ts';
import { AllParentBytes, SomeParentBytes } from './parent-bytes.ts';
import { RepositoryContent } from './repository-content.ts';
import { LINKED_CONFIGURATION, OUTER_CONFIGURATION } from '../restore/configuration-files.ts';
import { ShortenedMeanwhile, type ShortenedRelations } from './shortened-relations-inspect.ts';
import { withoutSaved } from './skipped-warnings.ts';
import type { InspectUse } from './unlogged-pages.ts';
import { WholeFile, type Intake, type TakenFile } from './whole-file.ts';

export interface ReadClusterOptions {
  readonly connection: ReplicationConnection;
  readonly source: Source;
  readonly mode: TakeMode;
  readonly label: string;
  readonly pipeline: BlobPipeline;
  readonly destinations: readonly Destination[];
  /** Of the mode's parent, one for each destination; empty without. */
  readonly parents: readonly ParentContent[];
  /** Since the mode's parent; where the server sends the blocks that changed. */
  readonly shortened: ShortenedRelations | undefined;
  /** The same parent, to be read back. */
  readonly parentBlobs: ParentBlobs;
  readonly pageHashKey: Buffer | undefined;
  readonly configuration: OuterConfiguration;
  /** Reads configuration files that are links in the data directory, by their paths in it. */
  readonly readLinked: (paths: readonly string[]) => Promise<LinkedConfiguration>;
  /** Says of files of relations whether they are read. */
  readonly inspectUse: InspectUse;
  readonly inspectDatabases: () => Promise<DatabasesLook>;
  /** Whether hint bits change without being logged. */
  readonly hintsUnlogged: boolean;
  readonly relationSegmentBlocks: number;
  readonly fastCheckpoint: boolean;
  readonly maxRateKb: number | undefined;
  readonly signal: AbortSignal;
  readonly onBegin: (start: BaseBackupStart) => Promise<void>;
  readonly onProgress: (doneBytes: number, totalBytes: number | undefined) => void;
}

/** What came of reading the cluster: the content for each destination, its blobs still on their way. */
export interface ClusterContent {
  readonly result: BaseBackupResult;
  /** Whether the server it was read from was a standby. */
  readonly isStandby: boolean;
  readonly sink: ContentSink;
  readonly blobs: BlobIntake;
  /** In the order of the destinations. */
  readonly contents: readonly RepositoryContent[];
  readonly audit: AuditComparison | undefined;
  readonly changedBytes: number;
  /** Sentences without the last stop: what of the configuration could not be had. */
  readonly missing: readonly string[];
  /** Directories that configuration files include and that are in the backup whole: absolute, or relative to the data directory. */
  readonly includedDirectories: readonly string[];
  /** What became of the databases meanwhile. */
  readonly databases: DatabaseChanges;
}

/**
 * Reads the cluster the way the mode says.
 *
 * @throws what {@link runBaseBackup} throws; ShortenedUnanswered, SummariesGone, {@link ShortenedMeanwhile}. See next-attempt.ts.
 */
export async function readCluster(options: ReadClusterOptions): Promise<ClusterContent> {
  const { comparison, audit } = comparisonFor(options);
  try {
    return await readComparing(options, comparison, audit);
  } finally {
    await comparison?.close();
  }
}

async function readComparing(options: ReadClusterOptions, comparison?: Comparison, audit?: AuditComparison): Promise<ClusterContent> {
  const { mode, destinations, parents, source } = options;
  const onBegin = mode.kind === 'blocks' ? await offerParent(options, mode.parent) : options.onBegin;
  const blobs = new BlobIntake(options.pipeline, destinations, `${options.label} ${randomBytes(8).toString('hex')}`);
  const contents = blobs.names.map((names, index) => new RepositoryContent(names, parents[index]?.content));
  const state = { changedBytes: 0 };
  const linked = new Set(options.configuration.inside);
  const onFile = (file: TakenFile): void => {
    state.changedBytes += file.changedBytes;
    linked.delete(file.path);
    for (const content of contents) content.add(file);
  };
  const { relationSegmentBlocks, pageHashKey } = options;
  const intake = { blobs, blockBytes: source.blockBytes, relationSegmentBlocks, comparison, pageHashKey, onFile };
  const begin = async (start: BaseBackupStart): Promise<void> => {
    audit?.begin(start.startLsn);
    await onBegin(start);
  };
  const sink = new ContentSink(intake, mode.kind === 'blocks', { begin, progress: options.onProgress });
  const databases = await options.inspectDatabases();
  const result = await runBaseBackup(
    options.connection,
    {
      label: `dbadmin ${options.label}`,
      fastCheckpoint: options.fastCheckpoint,
      verifyChecksums: true,
      manifestChecksums: 'CRC32C',
      incremental: mode.kind === 'blocks',
      ...(options.maxRateKb === undefined ? {} : { maxRateKb: options.maxRateKb }),
      signal: options.signal,
    },
    sink,
  );
  await sink.finish();
  const { configuration } = options;
  await takeConfiguration(OUTER_CONFIGURATION, configuration.files, intake);
  const behindLinks = await options.readLinked([...linked]);
  await takeConfiguration(LINKED_CONFIGURATION, behindLinks.files, intake);
  await audit?.judgeAhead(result.stopLsn);
  await audit?.judgeUnlogged(options.inspectUse);
  const savedPaths = behindLinks.files.map(({ path }) => path);
  return {
    result: { ...result, warnings: withoutSaved(result.warnings, savedPaths) },
    isStandby: options.connection.isStandby,
    sink,
    blobs,
    contents,
    audit,
    changedBytes: state.changedBytes,
    missing: [...configuration.missing, ...behindLinks.missing],
    databases: databaseChanges(databases, await options.inspectDatabases()),
    includedDirectories: wholeDirectories(configuration, [...linked], behindLinks),
  };
}

/** Where a file of it did not come, a directory with nothing in it would be another configuration. */
function wholeDirectories(
  { directories }: OuterConfiguration,
  linked: readonly string[],
  { files }: LinkedConfiguration,
): readonly string[] {
  const came = new Set(files.map(({ path }) => path));
  const incomplete = new Set(linked.filter((path) => !came.has(path)).map((path) => posix.dirname(path)));
  return directories.filter((directory) => !incomplete.has(directory));
}

/** Files that no base backup holds go beside the data directory in the backup. */
async function takeConfiguration(directory: string, files: readonly ConfigurationFile[], intake: Intake): Promise<void> {
  for (const { path, content } of files) {
    const bytes = configurationBytes(content);
    const file = new WholeFile({ path: posix.join(directory, path), mode: 0o600, modifiedAt: 0 }, bytes.byteLength, intake);
    if (bytes.byteLength > 0) await file.take(bytes);
    await file.finish();
  }
}

/** What tells the changes apart where every page is read; `audit` finds those that nobody wrote. */
function comparisonFor(options: ReadClusterOptions): { readonly comparison?: Comparison; readonly audit?: AuditComparison } {
  const { connection, mode, destinations, parents, parentBlobs, source, hintsUnlogged } = options;
  const content = parents[0]?.content;
  const repository = destinations[0]?.repository;
  if (content === undefined || repository === undefined || mode.kind === 'everything' || mode.kind === 'blocks') return {};
  const pair = { parent: mode.parent, isStandby: connection.isStandby, hintsUnlogged };
  const bytes = mode.kind === 'audit' ? new AllParentBytes(content, parentBlobs) : new SomeParentBytes(content, parentBlobs);
  const audit = new AuditComparison(content, bytes, pair, source.blockBytes);
  if (mode.kind === 'audit') return { comparison: audit, audit };
  const nameOf = (plain: Buffer): string => contentHash(repository, plain).toString('hex');
  return { comparison: new PageHashComparison(content, parentBlobs, audit, nameOf), audit };
}

/**
 * Tells the server what the parent has, so far as it can be trusted to tell what changed of it. What was cut back before the backup
 * began stands in summaries that are complete only then: so it is looked at again, before anything has come.
 */
async function offerParent(options: ReadClusterOptions, parent: BackupSummary): Promise<ReadClusterOptions['onBegin']> {
  const { connection, parents, shortened, onBegin } = options;
  const content = parents[0]?.content;
  await shortened?.look();
  const before: CutFiles = shortened?.files ?? new Map();
  await uploadParent(connection, parent, content, before);
  return async (start) => {
    await shortened?.look(start.startLsn);
    const paths = content === undefined ? [] : listedInError(content.paths(), before, shortened?.files ?? before);
    if (paths.length > 0) throw new ShortenedMeanwhile(paths);
    await onBegin(start);
  };
}

async function uploadParent(
  connection: ReplicationConnection,
  parent: BackupSummary,
  content: ContentMap | undefined,
  cut: CutFiles,
): Promise<void> {
  const head = {
    systemIdentifier: parent.systemIdentifier,
    serverMajor: connection.serverMajor,
    timeline: parent.stopTimeline,
    startLsn: parent.startLsn,
    endLsn: parent.stopLsn,
  };
  await uploadManifest(connection, writeServerManifest(head, listedFiles(content, cut)));
}

function* listedFiles(content: ContentMap | undefined, cut: CutFiles): Generator<FileRecord> {
  for (const file of content?.files() ?? []) if (isListed(file.path, cut)) yield file;
}
