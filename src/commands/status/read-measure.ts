import type { DrillReport } from '../../backup/drill/report.ts';
import { isDrillReport } from '../../backup/drill/report-shape.ts';
import { readSigned } from '../../backup/drill/signature.ts';
import { isDbadminError } from '../../base/errors.ts';
import { readReport } from '../../repository/reports.ts';
import type { Repository } from '../../repository/repository.ts';
import type { RestoreMeasure } from '../../status/facts.ts';

/** What the first of these drills that got so far says of the time it took. A report that cannot be read says nothing. */
export async function readMeasure(
  repository: Repository,
  systemIdentifier: string,
  labels: readonly (string | undefined)[],
): Promise<RestoreMeasure | undefined> {
  for (const label of new Set(labels)) {
    if (label === undefined) continue;
    try {
      const report = readSigned(await readReport(repository, systemIdentifier, 'drill', label))?.report;
      const measure = isDrillReport(report) ? measureOf(report) : undefined;
      if (measure !== undefined) return measure;
    } catch (error) {
      if (!isDbadminError(error, 'repository-damaged') && !isDbadminError(error, 'storage-missing')) throw error;
    }
  }
  return undefined;
}

function measureOf({ label, finishedAt, verdict, times, plan }: DrillReport): RestoreMeasure | undefined {
  const { planMs, restoreMs, recoveryMs, rtoMs } = times;
  if (plan === null || restoreMs === null || recoveryMs === null || rtoMs === null) return undefined;
  const { plainBytes, walBytes } = plan;
  return {
    label,
    at: new Date(finishedAt),
    isPassed: verdict === 'passed',
    planMs: planMs ?? 0,
    restoreMs,
    recoveryMs,
    rtoMs,
    plainBytes,
    walBytes,
  };
}
