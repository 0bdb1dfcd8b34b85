import { readOr, type DamagedObject } from '../../repository/passed-over.ts';
import type { Repository } from '../../repository/repository.ts';
import {
  listReports,
  momentOfLabel,
  readReport,
  reportKey,
  reportPrefix,
  writeReport,
  type ReportHeader,
} from '../../repository/reports.ts';
import { isAhead } from '../../repository/stored-moment.ts';
import type { VerificationHeader, VerifyReport } from './report.ts';
import { standingOf } from './standing.ts';

/** Notes in the repository that it was verified, and with what result; gives the label. */
export async function recordVerification(repository: Repository, report: VerifyReport): Promise<string> {
  const { systemIdentifier, finishedAt, isSound, faultCount, repositoryId, rechecked } = report;
  // A small share of a small repository may be nothing.
  const extent = report.extent.kind === 'sample' && report.tally.readBytes === 0 ? 'structure' : report.extent.kind;
  return await writeReport(repository, systemIdentifier, 'verification', new Date(finishedAt), (label) => {
    const found = { extent, isSound, faults: faultCount };
    const header: VerificationHeader = { label, systemIdentifier, finishedAt, ...found, repositoryId, rechecked };
    return { header, body: report };
  });
}

/** What the verifications of a lineage in a repository say now. */
export interface Verifications {
  /** The last, however it ended; not one of a moment that has not come. */
  readonly last: VerificationHeader | undefined;
  /** Those that found something which no later one has looked at again, oldest first. */
  readonly standing: readonly VerificationHeader[];
  /** What is known of the repository: the newest that stands, or the last where none does. */
  readonly telling: VerificationHeader | undefined;
}

/** Reads the headers. Verifications of other repositories that were copied here say nothing of this one. */
export async function readVerifications(repository: Repository, systemIdentifier: string, now: Date): Promise<Verifications> {
  const own = await listOwn(repository, systemIdentifier, now);
  const standing = standingOf(own);
  const last = own.findLast(({ finishedAt }) => !isAhead(new Date(finishedAt), now));
  return { last, standing, telling: standing.at(-1) ?? last };
}

async function listOwn(
  repository: Repository,
  systemIdentifier: string,
  now?: Date,
  unread: DamagedObject[] = [],
): Promise<readonly VerificationHeader[]> {
  const { id } = repository.identity;
  const all = await listReports<ReportHeader & Partial<VerificationHeader>>(repository, systemIdentifier, 'verification', now, unread);
  // What says nothing of its result is none.
  return all.filter((header): header is VerificationHeader => typeof header.isSound === 'boolean' && (header.repositoryId ?? id) === id);
}

/** A verification that stands, with what it found; undefined where its report cannot be read. */
export interface StandingVerification {
  readonly header: VerificationHeader;
  readonly findings: VerificationFindings | undefined;
}

/** What a stored report names. */
export interface VerificationFindings {
  /** Keys of objects that are missing or damaged, or what is missing from what. */
  readonly objects: readonly string[];
  /** Whether these are all; a report names the first thousand. */
  readonly isComplete: boolean;
  /** Labels of backups that do not restore, or not whole; and of those that do, as far as was looked. */
  readonly backups: readonly string[];
  readonly soundBackups: readonly string[];
  /** Labels of dumps of which something is missing or damaged. */
  readonly dumps: readonly string[];
}

/** Reads the reports that stand, oldest first. */
export async function readStanding(repository: Repository, systemIdentifier: string): Promise<readonly StandingVerification[]> {
  const standing = standingOf(await listOwn(repository, systemIdentifier));
  const read: StandingVerification[] = [];
  for (const header of standing) {
    const key = reportKey(systemIdentifier, 'verification', header.label);
    const body = await readOr(
      repository,
      key,
      [],
      async () => await readReport(repository, systemIdentifier, 'verification', header.label),
    );
    read.push({ header, findings: findingsIn(body) });
  }
  return read;
}

/**
 * Labels of verifications of which nobody can tell whether they found something: what lies in their places cannot be read, and none that looked at
 * everything is younger. What lies under a name that no verification has, or one of a time to come, is none.
 */
export async function listUnread(repository: Repository, systemIdentifier: string, now: Date): Promise<readonly string[]> {
  const unread: DamagedObject[] = [];
  const own = await listOwn(repository, systemIdentifier, now, unread);
  const whole = own.findLast(({ extent }) => extent === 'everything')?.label;
  const prefix = reportPrefix(systemIdentifier, 'verification');
  return unread
    .map(({ key }) => key.slice(prefix.length))
    .filter((label) => {
      const at = momentOfLabel('verification', label);
      return at !== undefined && !isAhead(at, now) && (whole === undefined || label > whole);
    });
}

/** What a report of this or an earlier version names; undefined where it is none. */
function findingsIn(body: unknown): VerificationFindings | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { faults, faultCount, backups, soundBackups, dumps } = body as Partial<Record<keyof VerifyReport, unknown>>;
  if (!Array.isArray(faults) || !Array.isArray(backups)) return undefined;
  return {
    objects: textsOf(faults, 'object'),
    isComplete: faultCount === faults.length,
    backups: textsOf(backups, 'label'),
    soundBackups: Array.isArray(soundBackups) ? soundBackups.map(String) : [],
    dumps: Array.isArray(dumps) ? textsOf(dumps, 'label') : [],
  };
}

function textsOf(items: readonly unknown[], key: string): readonly string[] {
  return items.flatMap((item) => {
    const text = typeof item === 'object' && item !== null ? (item as Readonly<Record<string, unknown>>)[key] : undefined;
    return typeof text === 'string' ? [text] : [];
  });
}
