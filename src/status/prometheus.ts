import { unjudgedCount } from '../repository/unjudged-pages.ts';
import type { Condition } from './condition.ts';
import { expositionText, type Metric, type Sample } from './exposition.ts';
import type { ClusterFacts, JobFacts, LineageFacts, ProjectFacts, RepositoryFacts } from './facts.ts';
import { hostLoss, walLag } from './promise.ts';

/**
 * The metrics of a project as Prometheus reads them, from a scrape or from node_exporter's textfile collector. Pure: what
 * {@link ProjectFacts} hold and nothing else.
 *
 * What is not known has no sample, and `dbadmin_up` or `dbadmin_repository_up` says why. Moments are seconds since 1970, so
 * that an age goes on growing when nobody writes the file any more; limits of the policies are there to be compared with.
 */
export function prometheusText(facts: ProjectFacts, conditions: readonly Condition[]): string {
  return expositionText([
    metric('dbadmin_build_info', 'The dbadmin that looked; always 1.', [{ labels: { version: facts.tool }, value: 1 }]),
    metric('dbadmin_status_timestamp_seconds', 'When all this was looked at.', [{ labels: {}, value: seconds(facts.at) }]),
    ...clusterMetrics(facts),
    ...jobMetrics(facts.jobs),
    metric(
      'dbadmin_condition',
      'What dbadmin alerts tells of: 1 while it is wrong, 0 while it is well, absent when it could not be looked at.',
      conditions.flatMap((each) =>
        each.state === 'unknown' ? [] : [{ labels: conditionLabels(each), value: each.state === 'bad' ? 1 : 0 }],
      ),
    ),
  ]);
}

function conditionLabels({ kind, severity, cluster, subject }: Condition): Sample['labels'] {
  return { kind, severity, cluster: cluster ?? '', subject: subject ?? '' };
}

type ClusterValue = (cluster: ClusterFacts) => number | undefined;
type PlaceValue = (repository: RepositoryFacts, cluster: ClusterFacts) => number | undefined;

function clusterMetrics(facts: ProjectFacts): readonly Metric[] {
  const { at, clusters } = facts;
  const each = (name: string, help: string, value: ClusterValue): Metric =>
    metric(
      name,
      help,
      clusters.flatMap((cluster) => sample({ cluster: cluster.name }, value(cluster))),
    );
  const place = (name: string, help: string, value: PlaceValue): Metric =>
    metric(
      name,
      help,
      clusters.flatMap((cluster) =>
        cluster.repositories.flatMap((repository) =>
          sample({ cluster: cluster.name, repository: repository.name }, value(repository, cluster)),
        ),
      ),
    );
  const lineage = (name: string, help: string, value: (lineage: LineageFacts) => number | undefined): Metric =>
    place(name, help, ({ state }) =>
      state.kind === 'known' && state.value.lineage !== undefined ? value(state.value.lineage) : undefined,
    );
  const limit = (name: string, help: string, value: (limits: ClusterFacts['limits']) => number | undefined): Metric =>
    each(`dbadmin_limit_${name}`, help, ({ limits }) => value(limits));
  return [
    each('dbadmin_up', 'Whether the server answers.', ({ server }) => (server.kind === 'known' ? 1 : 0)),
    each('dbadmin_database_bytes', 'Size of all databases of the cluster.', ({ server }) =>
      server.kind === 'known' ? server.value.sizeBytes : undefined,
    ),
    each('dbadmin_loss_seconds', 'If the host vanished now: what was committed in so many seconds before is lost at most.', (cluster) => {
      const { loss } = hostLoss(cluster, at);
      return loss.kind === 'span' ? loss.spanMs / 1000 : undefined;
    }),
    each('dbadmin_restore_seconds', 'If the host vanished now: how long a restore takes, scaled from the newest drill.', (cluster) => {
      const { back } = hostLoss(cluster, at);
      return back === undefined ? undefined : back.spanMs / 1000;
    }),
    ...repositoryMetrics(place),
    ...lineageMetrics(lineage),
    place(
      'dbadmin_wal_lag_bytes',
      'What the server has written and the repository has not.',
      (repository, { server }) => walLag(repository, server, at)?.bytes,
    ),
    place(
      'dbadmin_wal_lag_seconds',
      'Since the last moment that the stored WAL covers; 0 when nothing is missing.',
      (repository, { server }) => {
        const spanMs = walLag(repository, server, at)?.spanMs;
        return spanMs === undefined ? undefined : spanMs / 1000;
      },
    ),
    ...serverMetrics(clusters),
    each('dbadmin_migrations_applied', 'Migrations that the database has.', ({ migrations }) =>
      migrations?.kind === 'known' ? migrations.value.applied : undefined,
    ),
    each('dbadmin_migrations_pending', 'Migrations and routines that wait to be applied.', ({ migrations }) =>
      migrations?.kind === 'known' ? migrations.value.pending + migrations.value.routines : undefined,
    ),
    each('dbadmin_roles_drift', 'Changes that would bring the cluster to its roles file; 0 is in sync.', ({ roles }) =>
      roles?.kind === 'known' ? roles.value.drift : undefined,
    ),
    limit('backup_age_seconds', 'How old the last backup may be.', ({ backupAgeMs }) => span(backupAgeMs)),
    limit('drill_age_seconds', 'How old the last drill that passed may be.', ({ drillAgeMs }) => span(drillAgeMs)),
    limit('wal_lag_seconds', 'How far the stored WAL may be behind.', ({ walLagMs }) => span(walLagMs)),
    limit('restore_seconds', 'How long a restore may take.', ({ rtoMs }) => span(rtoMs)),
    limit('free_bytes', 'Room that a repository has to have.', ({ freeBytes }) => freeBytes),
  ];
}

function repositoryMetrics(place: (name: string, help: string, value: PlaceValue) => Metric): readonly Metric[] {
  const known = ({ state }: RepositoryFacts) => (state.kind === 'known' ? state.value : undefined);
  return [
    place('dbadmin_repository_up', 'Whether the repository can be read.', ({ state }) => (state.kind === 'known' ? 1 : 0)),
    place('dbadmin_repository_writable', 'Whether the repository takes what is written.', (repository) => {
      const state = known(repository);
      return state === undefined ? undefined : state.writeProblem === undefined ? 1 : 0;
    }),
    place(
      'dbadmin_repository_used_bytes',
      'What the repository holds, of all clusters.',
      (repository) => known(repository)?.usage?.usedBytes,
    ),
    place('dbadmin_repository_free_bytes', 'Room left in the repository.', (repository) => known(repository)?.freeBytes),
    place(
      'dbadmin_repository_growth_bytes',
      'What the repository grew by in a day of late.',
      (repository) => known(repository)?.usage?.growthBytesPerDay,
    ),
  ];
}

function lineageMetrics(
  lineage: (name: string, help: string, value: (lineage: LineageFacts) => number | undefined) => Metric,
): readonly Metric[] {
  return [
    lineage('dbadmin_recoverable_from_timestamp_seconds', 'The oldest moment that can be restored.', ({ stretches }) =>
      moment(stretches[0]?.from),
    ),
    lineage('dbadmin_recoverable_until_timestamp_seconds', 'The newest moment that can be restored.', ({ stretches }) =>
      moment(stretches.at(-1)?.to),
    ),
    lineage('dbadmin_wal_gaps', 'Stretches of WAL that are missing.', ({ gaps }) => gaps.length),
    lineage('dbadmin_wal_cut', 'Whether a gap since the newest backup keeps all after it from being restored.', ({ isCut }) =>
      isCut ? 1 : 0,
    ),
    lineage('dbadmin_backups', 'Backups that are kept.', ({ backups }) => backups),
    lineage('dbadmin_backup_timestamp_seconds', 'When the last backup ended that is neither damaged nor known to be wrong.', ({ newest }) =>
      moment(newest?.finishedAt),
    ),
    lineage('dbadmin_backup_duration_seconds', 'How long that backup took.', ({ newest }) =>
      newest === undefined ? undefined : (newest.finishedAt.getTime() - newest.startedAt.getTime()) / 1000,
    ),
    lineage('dbadmin_backup_stored_bytes', 'What that backup stored anew.', ({ newest }) => newest?.storedBytes),
    lineage(
      'dbadmin_audit_mismatches',
      'Pages that audits of full backups found to differ, and that nobody has acknowledged.',
      ({ mismatches }) => mismatches.reduce((sum, { pages }) => sum + pages, 0),
    ),
    lineage(
      'dbadmin_audit_unjudged_pages',
      'Pages that audits found to differ from a backup that is still there, that nobody could judge, and that nobody has acknowledged.',
      ({ unjudged }) => unjudgedCount(unjudged),
    ),
    lineage(
      'dbadmin_dump_timestamp_seconds',
      'When the last dump with all of a database began; the oldest of these where databases differ.',
      ({ dumpAt }) => moment(dumpAt),
    ),
    lineage('dbadmin_drill_timestamp_seconds', 'When the last drill ended, however it ended.', ({ drill }) => moment(drill?.at)),
    lineage('dbadmin_drill_passed', 'Whether the last drill passed.', ({ drill }) =>
      drill === undefined ? undefined : drill.verdict === 'passed' ? 1 : 0,
    ),
    lineage('dbadmin_drill_passed_timestamp_seconds', 'When the last drill that passed ended.', ({ drillPassedAt }) =>
      moment(drillPassedAt),
    ),
    lineage('dbadmin_drill_restore_seconds', 'How long the newest drill took to a database that took writes.', ({ measured }) =>
      span(measured?.rtoMs),
    ),
    lineage('dbadmin_verification_timestamp_seconds', 'When the repository was last verified.', ({ verified }) => moment(verified?.at)),
    lineage(
      'dbadmin_verification_faults',
      'What a verification found missing or damaged, until a later one finds it mended or gone.',
      ({ verified, unsound }) => unsound?.faults ?? verified?.faults,
    ),
  ];
}

function serverMetrics(clusters: readonly ClusterFacts[]): readonly Metric[] {
  const known = clusters.flatMap(({ name, server }) => (server.kind === 'known' ? [{ cluster: name, ...server.value }] : []));
  const slots = known.flatMap(({ cluster, slots: own }) => own.map((slot) => ({ labels: { cluster, slot: slot.name }, slot })));
  const archivers = known.flatMap(({ cluster, archiver }) => (archiver === undefined ? [] : [{ labels: { cluster }, archiver }]));
  return [
    metric(
      'dbadmin_slot_active',
      'Whether somebody reads the replication slot.',
      slots.map(({ labels, slot }) => ({ labels, value: slot.isActive ? 1 : 0 })),
    ),
    metric(
      'dbadmin_slot_kept_bytes',
      'WAL that the server keeps for the replication slot.',
      slots.flatMap(({ labels, slot }) => sample(labels, slot.keptBytes)),
    ),
    metric(
      'dbadmin_archiver_success_timestamp_seconds',
      'When archive_command last succeeded.',
      archivers.flatMap(({ labels, archiver }) => sample(labels, moment(archiver.archivedAt))),
    ),
    metric(
      'dbadmin_archiver_failure_timestamp_seconds',
      'When archive_command last failed.',
      archivers.flatMap(({ labels, archiver }) => sample(labels, moment(archiver.failedAt))),
    ),
  ];
}

function jobMetrics(jobs: readonly JobFacts[]): readonly Metric[] {
  const each = (name: string, help: string, value: (job: JobFacts) => number | undefined): Metric =>
    metric(
      name,
      help,
      jobs.flatMap((job) => sample({ job_name: job.name, cluster: job.cluster ?? '' }, value(job))),
    );
  const last = ({ last: run }: JobFacts) => (run.kind === 'known' ? run.value : undefined);
  return [
    each('dbadmin_job_success_timestamp_seconds', 'When the job last succeeded.', ({ lastSuccess }) => moment(lastSuccess?.endedAt)),
    each('dbadmin_job_success_duration_seconds', 'How long the job took when it last succeeded.', ({ lastSuccess }) =>
      span(lastSuccess?.durationMs),
    ),
    each('dbadmin_job_run_timestamp_seconds', 'When the last run of the job began.', (job) => moment(last(job)?.startedAt)),
    each('dbadmin_job_failed', 'Whether the last run of the job failed.', (job) => {
      const run = last(job);
      return run === undefined || run.outcome === 'running' ? undefined : run.outcome === 'failed' ? 1 : 0;
    }),
    each('dbadmin_job_running', 'Whether the job runs.', (job) => {
      const run = last(job);
      return run === undefined ? undefined : run.outcome === 'running' ? 1 : 0;
    }),
    each('dbadmin_job_next_timestamp_seconds', 'When the job is due next.', ({ nextAt, isPaused }) =>
      isPaused ? undefined : moment(nextAt),
    ),
    each('dbadmin_job_paused', 'Whether the job is paused.', ({ isPaused }) => (isPaused ? 1 : 0)),
  ];
}

function metric(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, help, samples };
}

function sample(labels: Sample['labels'], value: number | undefined): readonly Sample[] {
  return value === undefined ? [] : [{ labels, value }];
}

function seconds(at: Date): number {
  return at.getTime() / 1000;
}

function moment(at: Date | undefined): number | undefined {
  return at === undefined ? undefined : seconds(at);
}

function span(spanMs: number | undefined): number | undefined {
  return spanMs === undefined ? undefined : spanMs / 1000;
}
