import type { KeyObject } from 'node:crypto';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { isDbadminError, type DbadminError } from '../../base/errors.ts';
import { listReports, readReport, writeReport } from '../../repository/reports.ts';
import { isAhead } from '../../repository/stored-moment.ts';
import { inspectLineage } from '../lineage-inspect.ts';
import { inspectRecovery } from '../recovery-inspect.ts';
import { recoveryModel } from '../windows.ts';
import { judgeDrill } from './judge.ts';
import { isDrillReport } from './report-shape.ts';
import type { DrillHeader, DrillReport } from './report.ts';
import type { DrillRun } from './run.ts';
import { settles, standingFailureOf } from './standing.ts';
import { checkSignature, readSigned, signReport, type SignedReport } from './signature.ts';

/** What a report says beside what the drill itself came to. */
export interface DrillSubject {
  readonly tool: string;
  readonly cluster: string;
  readonly systemIdentifier: string;
  /** The repository's name in the configuration. */
  readonly repository: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

export interface RecordedDrill {
  readonly report: DrillReport;
  readonly signed: SignedReport;
  /** Why the report could not be stored, where it could not: then nothing is proven. */
  readonly unstored?: DbadminError;
}

/** Judges a drill, signs what came of it and stores that in the repository. */
export async function recordDrill(repository: Repository, subject: DrillSubject, run: DrillRun, key: KeyObject): Promise<RecordedDrill> {
  const drafted = draft(repository, subject, run);
  const settled = drafted.verdict === 'passed' ? await settledBy(repository, drafted) : [];
  let made = { report: { label: '', ...drafted }, signed: signReport({}, key) };
  const written = writeReport(repository, subject.systemIdentifier, 'drill', subject.finishedAt, (label) => {
    const report: DrillReport = { label, ...drafted };
    const header: DrillHeader = {
      label,
      systemIdentifier: report.systemIdentifier,
      finishedAt: report.finishedAt,
      backup: report.plan?.backup ?? null,
      ...(report.plan?.backupStartLsn === undefined ? {} : { backupStartLsn: report.plan.backupStartLsn }),
      verdict: report.verdict,
      ...(report.plan === null && report.target.asked === 'random' && report.target.moment !== null ? { drawn: report.target.moment } : {}),
      settles: settled,
      repositoryId: report.repositoryId,
    };
    made = { report, signed: signReport(report, key) };
    return { header, body: made.signed };
  });
  try {
    await written;
  } catch (error) {
    // A drill may have taken hours: what it saw is not lost with the place for it.
    if (!isDbadminError(error) || made.report.label === '') throw error;
    return { ...made, unstored: error };
  }
  return made;
}

/** Labels of the failed drills whose failure a pass settles. */
async function settledBy(repository: Repository, passed: Omit<DrillReport, 'label'>): Promise<readonly string[]> {
  const { systemIdentifier } = passed;
  const drills = ownOf(repository, await listReports<DrillHeader>(repository, systemIdentifier, 'drill'));
  const before = new Set(drills.flatMap(({ settles: labels = [] }) => labels));
  const open = drills.filter(
    ({ verdict, label, backup }) => verdict === 'failed' && !before.has(label) && (backup === null || backup === passed.plan?.backup),
  );
  if (open.length === 0) return [];
  const model = recoveryModel(await inspectRecovery(repository, await inspectLineage(repository, passed.cluster, systemIdentifier)));
  const windows = model.timelines.flatMap((each) => each.windows);
  const labels: string[] = [];
  for (const header of open) {
    const { signed } = await readStored(repository, systemIdentifier, header);
    if (signed !== undefined && checkSignature(signed, []).kind !== 'invalid' && settles(passed, signed.report as DrillReport, windows))
      labels.push(header.label);
  }
  return labels;
}

/** Those that restored from this repository: of what others hold, whose reports sync copies here, it says nothing. */
function ownOf({ identity: { id } }: Repository, drills: readonly DrillHeader[]): readonly DrillHeader[] {
  return drills.filter(({ repositoryId = id }) => repositoryId === id);
}

function draft(repository: Repository, subject: DrillSubject, run: DrillRun): Omit<DrillReport, 'label'> {
  const { plan, reached, amcheck, assertions, target, times } = run;
  return {
    ...judgeDrill(run),
    tool: subject.tool,
    cluster: subject.cluster,
    systemIdentifier: subject.systemIdentifier,
    repository: subject.repository,
    repositoryId: repository.identity.id,
    startedAt: subject.startedAt.toISOString(),
    finishedAt: subject.finishedAt.toISOString(),
    target,
    plan,
    reached,
    amcheck,
    assertions,
    times,
  };
}

/** Which backups a drill has proven, and the drills themselves. */
export interface Proofs {
  /** Every drill, however it ended, oldest first. */
  readonly all: readonly DrillHeader[];
  /** Those of them that restored from this repository, and were not copied here from another. */
  readonly own: readonly DrillHeader[];
  /** The last of those that passed on a backup, unless one that failed on it stands. One of another backup that has the same label says nothing of it. */
  readonly provenBy: (backup: Pick<BackupSummary, 'label' | 'startLsn'>) => DrillHeader | undefined;
  /** The last of those that failed on a backup and that nothing has settled since. */
  readonly failedBy: (backup: Pick<BackupSummary, 'label' | 'startLsn'>) => DrillHeader | undefined;
  /** The last of its own, however it ended; not one of a moment that has not come. */
  readonly last: DrillHeader | undefined;
  /** The last of its own that passed: that another repository restores, and how fast, says nothing of this one. */
  readonly lastPassed: DrillHeader | undefined;
}

/** Reads what drills there were of a lineage. */
export async function readProofs(repository: Repository, systemIdentifier: string, now: Date): Promise<Proofs> {
  const drills = await listReports<DrillHeader>(repository, systemIdentifier, 'drill', now);
  const own = ownOf(repository, drills);
  const isPass = ({ verdict }: DrillHeader): boolean => verdict === 'passed';
  const last = (of: readonly DrillHeader[]): DrillHeader | undefined =>
    of.findLast(({ finishedAt }) => !isAhead(new Date(finishedAt), now));
  const failedBy: Proofs['failedBy'] = (backup) => standingFailureOf(backup, own, now);
  const provenBy: Proofs['provenBy'] = ({ label, startLsn }) =>
    failedBy({ label, startLsn }) === undefined
      ? own.findLast((each) => isPass(each) && each.backup === label && (each.backupStartLsn ?? startLsn) === startLsn)
      : undefined;
  return { all: drills, own, provenBy, failedBy, last: last(own), lastPassed: last(own.filter(isPass)) };
}

const READ_AT_ONCE = 8;

/** A stored drill; `signed` is undefined where only its header can be read. */
export interface StoredDrill {
  readonly header: DrillHeader;
  readonly signed: SignedReport | undefined;
}

/** The newest `limit` drills of a lineage, newest first, and how many there are in all. */
export async function readDrills(
  repository: Repository,
  systemIdentifier: string,
  limit: number,
): Promise<{ readonly drills: readonly StoredDrill[]; readonly total: number }> {
  const headers = (await listReports<DrillHeader>(repository, systemIdentifier, 'drill')).toReversed();
  const wanted = headers.slice(0, limit);
  const drills: StoredDrill[] = [];
  for (let at = 0; at < wanted.length; at += READ_AT_ONCE) {
    drills.push(
      ...(await Promise.all(
        wanted.slice(at, at + READ_AT_ONCE).map(async (header) => await readStored(repository, systemIdentifier, header)),
      )),
    );
  }
  return { drills, total: headers.length };
}

async function readStored(repository: Repository, systemIdentifier: string, header: DrillHeader): Promise<StoredDrill> {
  try {
    const signed = readSigned(await readReport(repository, systemIdentifier, 'drill', header.label));
    return { header, signed: isDrillReport(signed?.report) ? signed : undefined };
  } catch (error) {
    if (!isDbadminError(error, 'repository-damaged') && !isDbadminError(error, 'storage-missing')) throw error;
    return { header, signed: undefined };
  }
}
