import { parseLsn } from '../postgres/lsn.ts';

type Fields = Readonly<Record<string, unknown>>;

const NUMBERS = ['serverVersion', 'startTimeline', 'stopTimeline', 'walSegmentBytes', 'blockBytes', 'plainBytes', 'storedBytes'];
const MOMENTS = ['startedAt', 'finishedAt'];

/**
 * What is wrong with a manifest's header, as a sentence; undefined when it can be computed with. Its hash has not been
 * compared with anything: what lies under another's label, or has no position, would mislead what is done with the others.
 *
 * @throws {DbadminError} `lsn-invalid`.
 */
export function problemOfSummary(header: Fields, systemIdentifier: string, label: string): string | undefined {
  if (header['label'] !== label || header['systemIdentifier'] !== systemIdentifier)
    return `It says that it is of backup ${String(header['label'])} of cluster ${String(header['systemIdentifier'])}.`;
  for (const field of NUMBERS) if (!isCount(header[field])) return `Its header has no ${field}.`;
  for (const field of MOMENTS) if (Number.isNaN(Date.parse(String(header[field])))) return `Its header has no ${field}.`;
  if (!Array.isArray(header['tablespaces']) || !Array.isArray(header['warnings'])) return 'Its header is incomplete.';
  if (!isAudit(header['audit'])) return 'What it says of its audit is incomplete.';
  if (!isWholeBy(header['parentWholeBy'])) return 'What it says of its parent is incomplete.';
  parseLsn(String(header['startLsn']));
  parseLsn(String(header['stopLsn']));
  return undefined;
}

/** What is wrong with the header of a cluster's object, as a sentence; undefined when it can be relied on. */
export function problemOfCluster(header: Fields, systemIdentifier: string): string | undefined {
  if (header['systemIdentifier'] !== systemIdentifier) return `It says that it is of cluster ${String(header['systemIdentifier'])}.`;
  if (typeof header['name'] !== 'string' || !isCount(header['serverVersion'])) return 'Its header is incomplete.';
  const bytes = header['walSegmentBytes'];
  if (!isCount(bytes) || bytes < 2 ** 20 || bytes > 2 ** 30 || !Number.isInteger(Math.log2(bytes)))
    return `A WAL segment cannot have ${String(bytes)} bytes.`;
  return undefined;
}

function isAudit(audit: unknown): boolean {
  if (audit === undefined || audit === null) return true;
  const { comparedWith, mismatches } = audit as Fields;
  return typeof comparedWith === 'string' && Array.isArray(mismatches);
}

function isWholeBy(wholeBy: unknown): boolean {
  if (wholeBy === undefined) return true;
  return typeof wholeBy === 'object' && wholeBy !== null && Array.isArray((wholeBy as Fields)['verifications']);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
