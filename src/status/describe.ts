import { formatBytes } from '../base/bytes.ts';
import { formatDuration } from '../base/durations.ts';
import { unjudgedTexts } from '../repository/unjudged-pages.ts';
import { describeEstimate } from './estimate.ts';
import type { ClusterFacts, JobFacts, LineageFacts, RepositoryFacts } from './facts.ts';
import { fullInMs } from './conditions-room.ts';
import { firstCommand, hostLoss, walLag, type HostLoss } from './promise.ts';
import { describeWhen } from './when.ts';

const DAY_MS = 86_400_000;

/** How moments are shown. */
export interface Shown {
  readonly now: Date;
  readonly timeZone: string;
  /** A moment in full: `2026-11-06 02:00:07 +05:30`. */
  readonly full: (moment: Date) => string;
}

/** The first line of a cluster: `main: if this host vanished now: lose ≤ 4 s, back in 6 min 10 s (drill of Tuesday 04:00)`. */
export function promiseLine(cluster: ClusterFacts, shown: Shown): string {
  return `${cluster.name}: if this host vanished now: ${describeLoss(hostLoss(cluster, shown.now), shown)}`;
}

/** `lose ≤ 4 s, back in 6 min 10 s (drill of Tuesday 04:00)`, and in words what is not known. */
export function describeLoss({ loss, back, isOnHost, repository }: HostLoss, shown: Shown): string {
  const where = isOnHost ? `; ${repository ?? 'the repository'} is on the same host and has to survive it` : '';
  if (loss.kind === 'everything') return `everything is lost: ${loss.why} (${loss.next})`;
  // What drills measured lies there, too.
  if (loss.kind === 'unknown' && repository === undefined)
    return `what is lost is not known: ${loss.why}; when it is back is not known either`;
  const lost = loss.kind === 'unknown' ? `what is lost is not known: ${loss.why}` : `lose ≤ ${formatDuration(loss.spanMs)}`;
  const cut = loss.kind !== 'span' ? '' : loss.because === 'gap' ? ', for WAL is missing since the newest backup' : '';
  if (loss.kind === 'span' && loss.because === 'dumps-only')
    return `${lost}, since the last dump${withoutText(loss.without)}; how long a restore takes is not measured${where}`;
  if (back === undefined)
    return `${lost}${cut}; when it is back is not known: no drill has measured a restore (dbadmin backup drill)${where}`;
  const { at, isPassed } = back.measure;
  return `${lost}${cut}, back in ${formatDuration(back.spanMs)} (drill of ${describeWhen(at, shown.now, shown.timeZone)}${isPassed ? '' : ', which did not pass'})${where}`;
}

function withoutText(databases: readonly string[] = []): string {
  if (databases.length === 0) return '';
  return `, and all of ${databases.join(', ')}, which ${databases.length === 1 ? 'is' : 'are'} in none`;
}

/** Label and text of each line of a cluster's screen, below the first. */
export function clusterLines(cluster: ClusterFacts, jobs: readonly JobFacts[], shown: Shown): readonly (readonly [string, string])[] {
  const back = hostLoss(cluster, shown.now).back;
  return [
    ['server', serverText(cluster)],
    ...(back === undefined ? [] : [['measured', describeEstimate(back)] as const]),
    ...cluster.repositories.flatMap((repository) => repositoryLines(repository, cluster, shown)),
    ...(cluster.migrations === undefined ? [] : [['migrations', migrationsText(cluster.migrations)] as const]),
    ...(cluster.roles === undefined ? [] : [['roles', rolesText(cluster.roles)] as const]),
    ...jobLines(jobs, shown),
  ];
}

function serverText({ server, place }: ClusterFacts): string {
  if (server.kind === 'unknown') return `not known: ${server.why}`;
  const { version, isStandby, sizeBytes, slots } = server.value;
  const size = sizeBytes === undefined ? '' : `, ${formatBytes(sizeBytes)}`;
  const kept = slots.flatMap(({ name, isActive, keptBytes }) =>
    isActive || keptBytes === undefined ? [] : [`, keeps ${formatBytes(keptBytes)} of WAL for ${name}, which nobody reads`],
  );
  return `PostgreSQL ${version}, ${place}${isStandby ? ', a standby' : ''}${size}${kept.join('')}`;
}

function repositoryLines(repository: RepositoryFacts, cluster: ClusterFacts, shown: Shown): readonly (readonly [string, string])[] {
  const { name, place, state, isOnHost } = repository;
  if (state.kind === 'unknown') return [['repository', `${name}   not known, it cannot be read: ${state.why}`]];
  const { lineage } = state.value;
  const host = isOnHost ? ', a directory of this host: unless another machine has that disk, it vanishes with the host' : '';
  const lines: (readonly [string, string])[] = [['repository', `${name}   ${roomText(repository)} (${place}${host})`]];
  if (lineage === undefined) return [...lines, ['', `nothing of this cluster is there yet: ${firstCommand(cluster.limits)}`]];
  if (!cluster.limits.dumpsOnly) {
    const { stretches, gaps, timeline } = lineage;
    const gapText = gaps.length === 0 ? 'no gaps' : `${gaps.length} ${gaps.length === 1 ? 'gap' : 'gaps'} in the WAL`;
    for (const [index, { from, to }] of stretches.entries()) {
      const end = to === undefined ? 'nothing tells until when' : endText(to, index === stretches.length - 1, shown);
      lines.push(['restorable', `${shown.full(from)}  →  ${end}   timeline ${timeline}, ${gapText}`]);
    }
    if (stretches.length === 0) lines.push(['restorable', `nothing: no backup has its WAL complete; ${gapText}`]);
    for (const { fromLsn, toLsn, timeline: on, reason } of gaps) lines.push(['gap', `${fromLsn} → ${toLsn} on timeline ${on}: ${reason}`]);
    lines.push(
      ['backups', backupsText(repository, shown)],
      ['wal', walText(repository, cluster, shown)],
      ['drill', drillText(repository, cluster, shown)],
      ...unjudgedLines(lineage),
    );
  }
  if (lineage.dumpAt !== undefined) lines.push(['dump', `the last began ${describeWhen(lineage.dumpAt, shown.now, shown.timeZone)}`]);
  return lines;
}

function endText(to: Date, isLast: boolean, shown: Shown): string {
  const agoMs = shown.now.getTime() - to.getTime();
  return isLast && agoMs < DAY_MS ? `now − ${formatDuration(Math.max(0, agoMs))}` : shown.full(to);
}

function roomText({ state }: RepositoryFacts): string {
  if (state.kind === 'unknown') return 'not known';
  const { writeProblem, usage, freeBytes } = state.value;
  const fullMs = fullInMs(usage?.growthBytesPerDay, freeBytes);
  return [
    writeProblem === undefined ? 'ok' : writeProblem.message,
    ...(usage === undefined ? [] : [formatBytes(usage.usedBytes)]),
    ...(freeBytes === undefined ? [] : [`${formatBytes(freeBytes)} free`]),
    ...(fullMs === undefined ? [] : [`${Math.floor(fullMs / DAY_MS)} days until full`]),
  ].join(', ');
}

function backupsText({ state }: RepositoryFacts, shown: Shown): string {
  const lineage = state.kind === 'known' ? state.value.lineage : undefined;
  if (lineage?.newest === undefined) return lineage === undefined || lineage.backups === 0 ? 'none' : 'none that is whole';
  const { newest, newestFull, backups } = lineage;
  const when = (at: Date): string => describeWhen(at, shown.now, shown.timeZone);
  const took = formatDuration(newest.finishedAt.getTime() - newest.startedAt.getTime());
  const full = newestFull === undefined || newestFull.label === newest.label ? '' : `full ${when(newestFull.startedAt)} · `;
  return `${full}${newest.kind} ${when(newest.startedAt)} (${took}, ${formatBytes(newest.storedBytes)} stored) · ${backups} kept`;
}

function walText(repository: RepositoryFacts, { server }: ClusterFacts, shown: Shown): string {
  const lag = walLag(repository, server, shown.now);
  if (lag === undefined) return 'how far it is behind is not known';
  if (lag.bytes === 0) return 'all that the server has written is stored';
  return `${formatBytes(lag.bytes)} behind the server${lag.spanMs === undefined ? '' : `, ${formatDuration(lag.spanMs)}`}`;
}

function drillText({ name, state }: RepositoryFacts, { repositories }: ClusterFacts, shown: Shown): string {
  const lineage = state.kind === 'known' ? state.value.lineage : undefined;
  const drill = lineage?.drill;
  if (drill === undefined) {
    const option = repositories.length === 1 ? '' : ` --repository ${name}`;
    return `none yet: nothing here has ever been restored to see whether it can be (dbadmin backup drill${option})`;
  }
  const verdict = { passed: 'passed', failed: 'FAILED', 'proved-nothing': 'proved nothing' }[drill.verdict];
  const passedAt = lineage?.drillPassedAt;
  const before =
    drill.verdict === 'passed' || passedAt === undefined
      ? ''
      : `; the last that passed ${formatDuration(shown.now.getTime() - passedAt.getTime())} ago`;
  return `${describeWhen(drill.at, shown.now, shown.timeZone)}, ${verdict}, ${formatDuration(Math.max(0, shown.now.getTime() - drill.at.getTime()))} ago${before}`;
}

function unjudgedLines({ unjudged }: LineageFacts): readonly (readonly [string, string])[] {
  return unjudged.flatMap((open) => unjudgedTexts(open).map(({ what, next }) => ['audit', `${open.audit}: ${what}. ${next}`] as const));
}

function migrationsText(migrations: NonNullable<ClusterFacts['migrations']>): string {
  if (migrations.kind === 'unknown') return `not known: ${migrations.why}`;
  const { applied, pending, routines, problems, database } = migrations.value;
  const more = [
    ...(routines === 0 ? [] : [`${routines} routines to apply`]),
    ...(problems === 0 ? [] : [`${problems} ${problems === 1 ? 'problem' : 'problems'} (dbadmin migrate status)`]),
  ];
  return [`${applied} applied`, `${pending} pending`, ...more].join(', ').concat(` in ${database}`);
}

function rolesText(roles: NonNullable<ClusterFacts['roles']>): string {
  if (roles.kind === 'unknown') return `not known: ${roles.why}`;
  const { drift, destructive } = roles.value;
  if (drift === 0) return 'in sync';
  return `${drift} ${drift === 1 ? 'change' : 'changes'} from the file${destructive === 0 ? '' : `, ${destructive} of them destructive`} (dbadmin roles plan)`;
}

/** A line for each job. */
export function jobLines(jobs: readonly JobFacts[], shown: Shown): readonly (readonly [string, string])[] {
  return jobs.map((job, index) => [index === 0 ? 'schedule' : '', jobText(job, shown)] as const);
}

function jobText({ name, last, nextAt, timeZone, isPaused, pausedUntil, lastSuccess }: JobFacts, shown: Shown): string {
  // A clock that is not the one of the lines above is named.
  const zone = timeZone === undefined || timeZone === shown.timeZone ? '' : ` ${timeZone}`;
  const when = (at: Date): string => `${describeWhen(at, shown.now, timeZone ?? shown.timeZone)}${zone}`;
  const next = isPaused
    ? `paused${pausedUntil === undefined ? '' : ` until ${when(pausedUntil)}`}`
    : nextAt === undefined
      ? timeZone === undefined
        ? 'runs after others'
        : 'no time of it is to come'
      : `next ${when(nextAt)} (in ${formatDuration(nextAt.getTime() - shown.now.getTime())})`;
  return `${name}: ${lastText(last, lastSuccess, when)}; ${next}`;
}

function lastText(last: JobFacts['last'], lastSuccess: JobFacts['lastSuccess'], when: (at: Date) => string): string {
  if (last.kind === 'unknown') return `last run not known: ${last.why}`;
  const run = last.value;
  if (run === undefined) return 'never ran';
  if (run.outcome === 'running') return `runs since ${when(run.startedAt)}`;
  if (run.outcome === 'failed') return `FAILED ${when(run.startedAt)}${run.message === undefined ? '' : `: ${run.message}`}`;
  const took = lastSuccess?.durationMs === undefined ? '' : ` (${formatDuration(lastSuccess.durationMs)})`;
  return `last ${when(run.startedAt)}${took}${run.message === undefined ? '' : `, with a warning: ${run.message}`}`;
}
