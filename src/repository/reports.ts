import { DbadminError, isDbadminError } from '../base/errors.ts';
import { damaged, seal, unseal } from './envelope.ts';
import { readOr, type DamagedObject } from './passed-over.ts';
import type { Repository } from './repository.ts';
import { readSealedHeader } from './sealed-header.ts';
import { momentOf, parseMoment } from './stored-moment.ts';

/** What was tried on a lineage and how it ended: write-once, beside the backups. @see FORMAT.md "Reports" */
export type ReportKind = 'drill' | 'verification';

const AREAS: Readonly<Record<ReportKind, string>> = { drill: 'drills', verification: 'verifications' };
const MAX_REPORT_BYTES = 64 * 1024 * 1024;
const LABELS_TRIED = 100;

/** What every report's header says. More keys may stand beside. */
export interface ReportHeader {
  /** `20261121T203001Z-drill`. */
  readonly label: string;
  readonly systemIdentifier: string;
  /** The tool's clock, ISO 8601. */
  readonly finishedAt: string;
}

export function reportPrefix(systemIdentifier: string, kind: ReportKind): string {
  return `${systemIdentifier}/${AREAS[kind]}/`;
}

export function reportKey(systemIdentifier: string, kind: ReportKind, label: string): string {
  return `${reportPrefix(systemIdentifier, kind)}${label}`;
}

/** The labels to try for a report that ends at `at`: `20261121T203001Z-drill`, then with `-2`, `-3`, … */
export function reportLabel(kind: ReportKind, at: Date, attempt: number): string {
  const time = at.toISOString().replace(/[-:]|\.\d+/g, '');
  const what = kind === 'drill' ? 'drill' : 'verify';
  return `${time}-${what}${attempt === 1 ? '' : `-${attempt}`}`;
}

/** When a report of a label was made, to the second; undefined where no report has such a label. */
export function momentOfLabel(kind: ReportKind, label: string): Date | undefined {
  const [, time = '', what] = /^(\d{8}T\d{6}Z)-(drill|verify)(?:-\d+)?$/.exec(label) ?? [];
  if (what !== (kind === 'drill' ? 'drill' : 'verify')) return undefined;
  return parseMoment(time.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
}

/**
 * Stores a report under the first free label of its second and gives that label. `of` makes header and body for a label.
 *
 * @throws {DbadminError} `storage-denied`, `storage-read-only` where we may only read.
 */
export async function writeReport(
  repository: Repository,
  systemIdentifier: string,
  kind: ReportKind,
  at: Date,
  of: (label: string) => { readonly header: ReportHeader; readonly body: unknown },
): Promise<string> {
  for (let attempt = 1; attempt <= LABELS_TRIED; attempt += 1) {
    const label = reportLabel(kind, at, attempt);
    const key = reportKey(systemIdentifier, kind, label);
    if ((await repository.store.stat(key)) !== undefined) continue;
    const { header, body } = of(label);
    try {
      await repository.store.create(key, await seal(repository, kind, header, Buffer.from(`${JSON.stringify(body, undefined, 2)}\n`)));
      return label;
    } catch (error) {
      if (!isDbadminError(error, 'storage-exists')) throw error;
    }
  }
  throw new DbadminError('internal', `no label is free for a report of ${at.toISOString()}`);
}

/**
 * The headers of all reports of a kind, oldest first; where the tool's clock was ahead, `finishedAt` is when the report was stored. `now` is this machine's clock. Those that cannot be read are left out, and the
 * repository's `onDamaged` is told of them; they are noted in `noted`.
 */
export async function listReports<Header extends ReportHeader>(
  repository: Repository,
  systemIdentifier: string,
  kind: ReportKind,
  now: Date = new Date(),
  noted: DamagedObject[] = [],
): Promise<readonly Header[]> {
  const headers: Header[] = [];
  for await (const { key, sizeBytes, modifiedAt } of repository.store.list(reportPrefix(systemIdentifier, kind))) {
    const header = await readOr(repository, key, noted, async () => {
      const read = await readSealedHeader(repository, kind, { key, sizeBytes });
      requireReportAt(read, kind, key);
      return read;
    });
    if (header === undefined) continue;
    const said = new Date(String(header['finishedAt']));
    const at = momentOf(said, modifiedAt, now);
    headers.push((at === said ? header : { ...header, finishedAt: at.toISOString() }) as unknown as Header);
  }
  return headers.sort((a, b) => a.finishedAt.localeCompare(b.finishedAt));
}

/**
 * Asks of a report whether it is the one that belongs under its key, and says when it was made: one that stands where another was would be told
 * twice, and hide what that one said.
 *
 * @throws {DbadminError} `repository-damaged`.
 */
export function requireReportAt(header: Readonly<Record<string, unknown>>, kind: ReportKind, key: string): void {
  const its = reportKey(String(header['systemIdentifier']), kind, String(header['label']));
  if (its !== key) throw damaged(key, `It is the report that belongs under ${its}.`);
  if (parseMoment(header['finishedAt']) === undefined) throw damaged(key, 'It does not say when it was made.');
}

/**
 * The body of one report, parsed.
 *
 * @throws {DbadminError} `repository-damaged`, `storage-missing` when there is none of that label.
 */
export async function readReport(repository: Repository, systemIdentifier: string, kind: ReportKind, label: string): Promise<unknown> {
  const key = reportKey(systemIdentifier, kind, label);
  const { header, body } = await unseal(repository, kind, await repository.store.read(key), key, MAX_REPORT_BYTES);
  requireReportAt(header, kind, key);
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (error) {
    throw damaged(key, 'It is not JSON.', error);
  }
}
