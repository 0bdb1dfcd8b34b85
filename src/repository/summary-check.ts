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
  const origin = problemOfOrigin(header, systemIdentifier, label);
  if (origin !== undefined) return origin;
  for (const field of NUMBERS) if (!isCount(header[field])) return `Its header has no ${field}.`;
  for (const field of MOMENTS) if (Number.isNaN(Date.parse(String(header[field])))) return `Its header has no ${field}.`;
  const { checkpointAt } = header;
  if (checkpointAt !== undefined && (typeof checkpointAt !== 'string' || Number.isNaN(Date.parse(checkpointAt))))
    return 'Its checkpointAt is no time.';
  if (!Array.isArray(header['tablespaces']) || !Array.isArray(header['warnings'])) return 'Its header is incomplete.';
  if (!isAudit(header['audit'])) return 'What it says of its audit is incomplete.';
  if (!isWholeBy(header['parentWholeBy']) || !isTexts([header['root'] ?? ''])) return 'What it says of its parent is incomplete.';
  if (!isTexts(header['includedDirectories'])) return 'What it says of its configuration is incomplete.';
  parseLsn(String(header['startLsn']));
  parseLsn(String(header['stopLsn']));
  return undefined;
}

/** Whose manifest its header says that it is, where it lies under the key of another's; undefined where it does not. */
export function problemOfOrigin(header: Fields, systemIdentifier: string, label: string): string | undefined {
  if (header['label'] === label && header['systemIdentifier'] === systemIdentifier) return undefined;
  return `It says that it is of backup ${String(header['label'])} of cluster ${String(header['systemIdentifier'])}.`;
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
  const { comparedWith, mismatches, unjudged } = audit as Fields;
  return typeof comparedWith === 'string' && Array.isArray(mismatches) && isUnjudged(unjudged);
}

function isUnjudged(unjudged: unknown): boolean {
  if (unjudged === undefined) return true;
  if (typeof unjudged !== 'object' || unjudged === null) return false;
  const { pages, files, causes } = unjudged as Fields;
  return isCount(pages) && isCount(files) && Array.isArray(causes) && causes.every(isCause);
}

function isCause(cause: unknown): boolean {
  if (typeof cause !== 'object' || cause === null) return false;
  const { pages, files, paths, reason, wayOut } = cause as Fields;
  return isCount(pages) && isCount(files) && Array.isArray(paths) && isTexts([reason, wayOut, ...(paths as readonly unknown[])]);
}

function isWholeBy(wholeBy: unknown): boolean {
  if (wholeBy === undefined) return true;
  return typeof wholeBy === 'object' && wholeBy !== null && Array.isArray((wholeBy as Fields)['verifications']);
}

function isTexts(texts: unknown): boolean {
  return texts === undefined || (Array.isArray(texts) && texts.every((text) => typeof text === 'string'));
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
