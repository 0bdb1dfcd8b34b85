import type { Repository } from '../../repository/repository.ts';
import { formatLsn, parseLsn } from '../../postgres/lsn.ts';
import { inspectLineage, readLineage } from '../lineage-inspect.ts';
import { describeSuspicion } from '../suspicion.ts';
import { recoverableUntil } from '../restore/recover-along.ts';
import type { Preflight } from '../restore/inspect.ts';
import type { LeftCommits } from '../restore/left-commits-inspect.ts';
import { isoMoment, targetUs, type RestoreTarget } from '../restore/target.ts';
import { recoverableStretches, recoverableWindows } from '../windows.ts';
import { chooseMoment, drawOf } from './choose-moment.ts';
import type { DrillPlan, DrillTarget } from './report.ts';
import { scanWal, type ScannedCommit } from './scan-wal.ts';

/** What a drill is asked to restore to. */
export type DrillAim =
  | { readonly kind: 'latest' }
  | { readonly kind: 'random'; readonly seed: string }
  /** As `restore` takes it; `asked` is how it was said. */
  | { readonly kind: 'given'; readonly target: RestoreTarget; readonly asked: string };

/** The recovery target that an aim comes to. */
export interface AimedTarget {
  readonly target: RestoreTarget;
  readonly described: DrillTarget;
  /** The very commit that was drawn, where no time could be. */
  readonly commit: ScannedCommit | undefined;
  /** The timeline to recover along, or undefined for the newest. */
  readonly timeline?: number;
}

/**
 * The last commit up to a drawn moment on the branch that the moment lies on. What is drawn from were moments of every timeline on the
 * way, and the newest one may have left that branch since.
 */
export function aimAtLeft({ described }: AimedTarget, { lineage: { timeline }, last }: LeftCommits): AimedTarget {
  const commit = { xid: last.xid, lsn: last.lsn, endLsn: last.endLsn, at: last.time };
  return { target: { kind: 'lsn', lsn: last.lsn }, described, commit, timeline };
}

/** Where a drill draws from: all that can be restored, or what one backup reaches. */
export interface DrillSource {
  readonly repository: Repository;
  readonly clusterName: string;
  readonly systemIdentifier: string | undefined;
  /** Label of the only backup that will do, or undefined. */
  readonly backup: string | undefined;
}

/**
 * Draws what is to be drawn. A random moment comes out of everything that the repository says can be restored, so a window
 * that promises too much is found; where no window says until when it reaches, a commit is drawn out of the stored WAL. From one backup
 * no moment is promised but those of its own window.
 */
export async function aimAt(
  { repository, clusterName, systemIdentifier, backup: label }: DrillSource,
  aim: DrillAim,
): Promise<AimedTarget> {
  if (aim.kind === 'latest')
    return { target: { kind: 'latest' }, described: { asked: 'latest', seed: null, moment: null }, commit: undefined };
  if (aim.kind === 'given') {
    const moment = aim.target.kind === 'time' ? isoMoment(targetUs(aim.target)) : null;
    return { target: aim.target, described: { asked: aim.asked, seed: null, moment }, commit: undefined };
  }
  const { seed } = aim;
  const contents = await inspectLineage(repository, clusterName, systemIdentifier);
  const lineage = await readLineage(contents);
  const windows = recoverableWindows(contents, lineage, contents.coverage).filter((each) => label === undefined || each.backup === label);
  const moment = chooseMoment(recoverableStretches(windows), drawOf(seed, 'moment'));
  if (moment !== undefined)
    return { target: { kind: 'time', at: moment }, described: { asked: 'random', seed, moment: moment.toISOString() }, commit: undefined };
  const backups = contents.backups.filter((one) => windows.some((each) => each.backup === one.label));
  const backup = backups[Math.floor(drawOf(seed, 'backup') * backups.length)];
  const reach = backup === undefined ? undefined : recoverableUntil(backup, lineage, contents.coverage);
  const commit =
    backup === undefined || reach === undefined
      ? undefined
      : (await scanWal(contents, lineage, backup, reach, (count) => drawOf(seed, `commit ${count}`))).chosen;
  const described = { asked: 'random', seed, moment: commit?.at.toISOString() ?? null };
  if (commit === undefined) return { target: { kind: 'immediate' }, described, commit };
  return { target: { kind: 'lsn', lsn: commit.lsn }, described, commit };
}

/** What the stored WAL promises of a restore that is about to be tried. */
export async function planDrill(preflight: Preflight, aimed: AimedTarget): Promise<DrillPlan> {
  const { resolution, suspicion, lackingConfiguration, lineage, layout, contents } = preflight;
  const { backup, end } = resolution;
  const common = {
    backup: backup.label,
    backupKind: backup.kind,
    backupStartLsn: backup.startLsn,
    ...(suspicion === undefined ? {} : { suspicion: describeSuspicion(suspicion) }),
    ...(lackingConfiguration.length === 0 ? {} : { lackingConfiguration }),
    serverVersion: backup.serverVersion,
    timeline: lineage.timeline,
    end: end.kind,
    plainBytes: layout.totalBytes,
    walBytes: preflight.walBytes,
  };
  if (end.kind === 'end-of-wal') {
    const { validUntil, lastCommit } = await scanWal(contents, lineage, backup, resolution.availableUntil, () => 1);
    // Where WAL is being received, more of it may be there by the time that it is replayed.
    return {
      ...common,
      fromLsn: formatLsn(validUntil),
      untilLsn: null,
      lastCommit: lastCommit === undefined ? null : commitOf(lastCommit.xid, lastCommit.at),
    };
  }
  if (end.kind === 'immediate') {
    const { after } = resolution;
    return { ...common, fromLsn: formatLsn(end.lsn), untilLsn: after === undefined ? null : formatLsn(after.lsn), lastCommit: null };
  }
  if (aimed.commit !== undefined) {
    const at = formatLsn(aimed.commit.endLsn);
    return { ...common, fromLsn: at, untilLsn: at, lastCommit: commitOf(aimed.commit.xid, aimed.commit.at) };
  }
  // A position is met by the first record that begins there or later, wherever that ends.
  const isExact = aimed.target.kind !== 'lsn';
  const last = resolution.before;
  return {
    ...common,
    fromLsn: formatLsn(isExact ? resolution.neededUntil : end.lsn),
    untilLsn: isExact ? formatLsn(resolution.neededUntil) : null,
    lastCommit: last === undefined || last.lsn < parseLsn(backup.stopLsn) ? null : commitOf(last.xid, last.time),
  };
}

function commitOf(xid: string, at: Date): NonNullable<DrillPlan['lastCommit']> {
  return { xid, at: at.toISOString() };
}
