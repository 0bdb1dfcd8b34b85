import { damaged, seal, unseal } from './envelope.ts';
import { placedName, whoami } from './holds.ts';
import { CLEAR } from './keys.ts';
import { holdPrefix } from './layout.ts';
import { readOr } from './passed-over.ts';
import type { Repository } from './repository.ts';

/** What somebody found out about a mismatch that the audit of a full backup reported. @see FORMAT.md "Findings about audits" */
export interface AuditFinding {
  /** Label of the full backup whose audit it was. */
  readonly label: string;
  /** Tells it from other findings about the same; of several the last counts. */
  readonly name: string;
  /** Which have the pages right: the full backup, or those it was compared with. */
  readonly sound: 'audited' | 'earlier';
  /** Labels of those that have them wrong, as far as there were any when it was written. */
  readonly wrong: readonly string[];
  /** Where the reading of the audited one began, which may be gone before what came after it; absent where nobody noted it. */
  readonly began?: { readonly timeline: number; readonly lsn: string };
  readonly reason: string;
  /** By the clock of who wrote it. */
  readonly placedAt: Date;
  /** `who@host`. */
  readonly by: string;
}

const SUFFIX = '.audit';
const LSN = /^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/;
const MAX_FINDING_BYTES = 1024 * 1024;

/** Writes a finding down; `now` is this machine's clock. */
export async function placeFinding(
  { store }: Repository,
  systemIdentifier: string,
  { now, ...said }: Pick<AuditFinding, 'label' | 'sound' | 'wrong' | 'began' | 'reason'> & { readonly now: Date },
): Promise<AuditFinding> {
  const name = `${placedName(now)}${SUFFIX}`;
  const finding = { ...said, name, placedAt: now, by: whoami() };
  const { label, sound, wrong, began, reason, by } = finding;
  const header = { kind: 'audit', label, sound, wrong, ...(began === undefined ? {} : { began }), reason, placedAt: now.toISOString(), by };
  await store.create(`${holdPrefix(systemIdentifier)}${label}/${name}`, await seal(CLEAR, 'hold', header, Buffer.alloc(0)));
  return finding;
}

/** The finding that counts about each audit of a lineage: the last. */
export async function listFindings(repository: Repository, systemIdentifier: string): Promise<readonly AuditFinding[]> {
  const last = new Map<string, AuditFinding>();
  for await (const { key } of repository.store.list(holdPrefix(systemIdentifier))) {
    // Without one that cannot be read its mismatch stays open, and nothing is decided by it.
    const finding = isFinding(key) ? await readOr(repository, key, [], async () => await readFinding(repository, key)) : undefined;
    if (finding === undefined) continue;
    const known = last.get(finding.label);
    if (known === undefined || known.placedAt <= finding.placedAt) last.set(finding.label, finding);
  }
  return [...last.values()];
}

async function readFinding({ store }: Repository, key: string): Promise<AuditFinding> {
  const { header } = await unseal(CLEAR, 'hold', await store.read(key), key, MAX_FINDING_BYTES);
  const placedAt = new Date(String(header['placedAt']));
  if (!Array.isArray(header['wrong']) || Number.isNaN(placedAt.getTime())) throw damaged(key, 'Its header is incomplete.');
  return {
    label: String(header['label']),
    name: key.slice(key.lastIndexOf('/') + 1),
    sound: header['sound'] === 'earlier' ? 'earlier' : 'audited',
    wrong: header['wrong'] as readonly string[],
    ...beginningIn(header['began']),
    reason: String(header['reason']),
    placedAt,
    by: String(header['by']),
  };
}

function beginningIn(began: unknown): Pick<AuditFinding, 'began'> {
  if (typeof began !== 'object' || began === null || !('timeline' in began) || !('lsn' in began)) return {};
  const { timeline, lsn } = began;
  return typeof timeline === 'number' && typeof lsn === 'string' && LSN.test(lsn) ? { began: { timeline, lsn } } : {};
}

/** Whether an object below the holds is a finding, by its key. */
export function isFinding(key: string): boolean {
  return key.endsWith(SUFFIX);
}
