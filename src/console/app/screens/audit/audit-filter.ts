import type { AuditEntry } from '../../api.ts';

export const OUTCOMES = {
  begun: ['run', 'begun'],
  done: ['ok', 'done'],
  refused: ['warn', 'refused'],
  failed: ['bad', 'failed'],
} as const;

export interface AuditFilter {
  readonly who: string | undefined;
  readonly cluster: string | undefined;
  readonly outcome: AuditEntry['outcome'] | 'open' | undefined;
  /** `sign-ins`, or what was done. */
  readonly kind: 'sign-ins' | 'actions' | undefined;
  /** Found in what was done, its detail or where it came from. */
  readonly text: string;
}

const KINDS = ['sign-ins', 'actions'] as const;
const OUTCOME_NAMES = [...(Object.keys(OUTCOMES) as AuditEntry['outcome'][]), 'open'] as const;

/** The filter of an address; what it does not know it leaves out. */
export function readAuditFilter(query: Readonly<Record<string, string>>): AuditFilter {
  const { who = '', cluster = '', outcome, kind, text = '' } = query;
  return {
    who: who === '' ? undefined : who,
    cluster: cluster === '' ? undefined : cluster,
    outcome: OUTCOME_NAMES.find((each) => each === outcome),
    kind: KINDS.find((each) => each === kind),
    text,
  };
}

/** The entries that a filter lets through. `open`: begun, and no end of it follows. */
export function filterEntries(entries: readonly AuditEntry[], { who, cluster, outcome, kind, text }: AuditFilter): readonly AuditEntry[] {
  const ended = new Set(entries.flatMap((entry) => (entry.outcome === 'begun' ? [] : [entry.id])));
  const wanted = text.trim().toLowerCase();
  return entries.filter(
    (entry) =>
      (who === undefined || entry.who === who) &&
      (cluster === undefined || entry.cluster === cluster) &&
      (kind === undefined || (kind === 'sign-ins') === /^sign-(in|out)$/.test(entry.what)) &&
      (outcome === undefined || (outcome === 'open' ? entry.outcome === 'begun' && !ended.has(entry.id) : entry.outcome === outcome)) &&
      (wanted === '' || `${entry.what} ${entry.detail ?? ''} ${entry.from}`.toLowerCase().includes(wanted)),
  );
}

/** A line a record with a heading, as RFC 4180 has it; what a spreadsheet would take for a formula is kept from being one. */
export function auditCsv(entries: readonly AuditEntry[]): string {
  const columns = ['at', 'who', 'from', 'what', 'cluster', 'outcome', 'id', 'detail'] as const;
  const field = (value: string | null): string => `"${(value ?? '').replace(/^(?=[=+\-@\t\r])/, "'").replaceAll('"', '""')}"`;
  return [columns.join(','), ...entries.map((entry) => columns.map((column) => field(entry[column])).join(','))]
    .map((line) => `${line}\r\n`)
    .join('');
}
