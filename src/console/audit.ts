import { createHash } from 'node:crypto';

/** One line of the audit trail: somebody tried something, and what came of it. */
export interface AuditEntry {
  /** ISO 8601, by the console's clock. */
  readonly at: string;
  /** The name that was given; for a sign-in that failed it need not exist. */
  readonly who: string;
  /** Where the request came from. */
  readonly from: string;
  /** `sign-in`, `sign-out`, or the command that was run: `dbadmin backup drill --cluster main`. */
  readonly what: string;
  readonly cluster: string | null;
  /** `begun` is written before anything is done; the end of the same `id` follows, unless the console died. */
  readonly outcome: 'begun' | 'done' | 'refused' | 'failed';
  /** The same for the beginning and the end of one action. */
  readonly id: string;
  readonly detail: string | null;
}

/** As it stands in the file: `before` is the digest of the line before it, so that a line taken out or changed shows. */
export interface AuditLine extends AuditEntry {
  readonly before: string;
}

export const NO_LINE_BEFORE = '';

/** The line of an entry, without its end. */
export function auditLine(entry: AuditEntry, before: string): string {
  return JSON.stringify({ ...entry, before } satisfies AuditLine);
}

export function auditDigest(line: string): string {
  return createHash('sha256').update(line).digest('base64url');
}

/** What an audit file says, oldest first. */
export interface AuditTrail {
  readonly entries: readonly AuditEntry[];
  /** Numbers, from 1, of lines that do not follow from the line before or cannot be read: somebody changed the file. */
  readonly broken: readonly number[];
  /** Of the last line. */
  readonly digest: string;
}

/** Reads the lines of an audit file and sees whether each follows from the one before. */
export function readAuditLines(lines: readonly string[]): AuditTrail {
  const entries: AuditEntry[] = [];
  const broken: number[] = [];
  let digest = NO_LINE_BEFORE;
  for (const [index, line] of lines.entries()) {
    const found = parseLine(line);
    if (found === undefined || found.before !== digest) broken.push(index + 1);
    if (found !== undefined) {
      const { before: _digest, ...entry } = found;
      entries.push(entry);
    }
    digest = auditDigest(line);
  }
  return { entries, broken, digest };
}

function parseLine(line: string): AuditLine | undefined {
  try {
    const value = JSON.parse(line) as Partial<AuditLine> | null;
    return typeof value === 'object' && typeof value?.at === 'string' && typeof value.before === 'string'
      ? (value as AuditLine)
      : undefined;
  } catch {
    return undefined;
  }
}
