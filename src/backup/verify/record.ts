import type { Repository } from '../../repository/repository.ts';
import { listReports, writeReport, type ReportHeader } from '../../repository/reports.ts';
import type { VerifyReport } from './report.ts';
import type { ReadExtent } from './sampling.ts';

/** The header of a stored verification: what a list needs. */
export interface VerificationHeader extends ReportHeader {
  readonly extent: ReadExtent['kind'];
  readonly isSound: boolean;
  readonly faults: number;
}

/** Notes in the repository that it was verified, and with what result; gives the label. */
export async function recordVerification(repository: Repository, report: VerifyReport): Promise<string> {
  const { systemIdentifier, finishedAt, extent, isSound, faultCount } = report;
  return await writeReport(repository, systemIdentifier, 'verification', new Date(finishedAt), (label) => {
    const header: VerificationHeader = { label, systemIdentifier, finishedAt, extent: extent.kind, isSound, faults: faultCount };
    return { header, body: report };
  });
}

/** The last verification, or undefined when there was none. */
export async function lastVerification(repository: Repository, systemIdentifier: string): Promise<VerificationHeader | undefined> {
  return (await listReports<VerificationHeader>(repository, systemIdentifier, 'verification')).at(-1);
}
