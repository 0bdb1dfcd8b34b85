import { findingAt } from './audit-findings.ts';
import { damaged, type SealedKind, type Unsealed } from './envelope.ts';
import { requireGapAt } from './gap-record.ts';
import { isFinding, saidAt } from './holds.ts';
import { letGoPrefix, levelIn } from './layout.ts';
import { requireEntryAt } from './ledger.ts';
import { requireLetGoAt } from './let-go.ts';
import { requireLevelAt } from './levels.ts';
import { graceAt } from './marks.ts';
import { requireReportAt } from './reports.ts';

/** What the readers of each kind ask of an object beyond its hash. The others have a place or a shape that nothing here decides by. */
const ASKED: Partial<Record<SealedKind, (unsealed: Unsealed, key: string) => unknown>> = {
  hold: ({ header }, key) => (isFinding(key) ? findingAt(header, key) : saidAt(header, key)),
  mark({ header }, key) {
    requireLast(header, 'pack', key);
    graceAt(header, key);
  },
  cluster: ({ header }, key) => requireLast(header, 'systemIdentifier', key),
  key: ({ header }, key) => requireLast(header, 'id', key),
  gap(unsealed, key) {
    if (levelIn(key) !== undefined) requireLevelAt(unsealed, key);
    else if (isLetGo(key)) requireLetGoAt(unsealed, key);
    else requireGapAt(unsealed.header, key);
  },
  ledger: ({ header, body }, key) => requireEntryAt(header, body, key),
  drill: ({ header }, key) => requireReportAt(header, 'drill', key),
  verification: ({ header }, key) => requireReportAt(header, 'verification', key),
};

/**
 * Asks of a small object what those who read it ask: whether it is the one that belongs under its key, and says what its kind has to. For who
 * goes by neither, and copies it or judges it.
 *
 * @throws {DbadminError} `repository-damaged`, `lsn-invalid`.
 */
export function requireAtKey(kind: SealedKind, unsealed: Unsealed, key: string): void {
  ASKED[kind]?.(unsealed, key);
}

function isLetGo(key: string): boolean {
  const [systemIdentifier = ''] = key.split('/', 1);
  return key.startsWith(letGoPrefix(systemIdentifier));
}

/** Where the last part of a key is a field of the header. */
function requireLast(header: Unsealed['header'], field: string, key: string): void {
  if (header[field] !== key.slice(key.lastIndexOf('/') + 1)) throw damaged(key, `It says that its ${field} is ${String(header[field])}.`);
}
