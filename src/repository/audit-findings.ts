import { damaged, seal, unseal } from './envelope.ts';
import { FINDING_SUFFIX, isFinding, placedName, whoami } from './holds.ts';
import { CLEAR } from './keys.ts';
import { holdPrefix } from './layout.ts';
import { readOr } from './passed-over.ts';
import type { Repository } from './repository.ts';

/** What somebody found out about a mismatch that the audit of a full backup reported. @see FORMAT.md "Findings about audits" */
export interface AuditFinding {
  /** Label of the backup whose audit it was. */
  readonly label: string;
  /** Tells it from other findings about the same; of several the last counts. */
  readonly name: string;
  /** Which have the pages right: the backup whose audit it was, those it was compared with, or both, each as the cluster was then. */
  readonly sound: (typeof SOUND)[number];
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

/** What may be said of a mismatch. */
export const SOUND = ['audited', 'earlier', 'both'] as const;

const LSN = /^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/;
const MAX_FINDING_BYTES = 1024 * 1024;

/** A finding as it is to be written into every repository that there is: of one name and one moment. `now` is this machine's clock. */
export function newFinding({
  now,
  ...said
}: Pick<AuditFinding, 'label' | 'sound' | 'wrong' | 'began' | 'reason'> & { readonly now: Date }): AuditFinding {
  return { ...said, name: `${placedName(now)}${FINDING_SUFFIX}`, placedAt: now, by: whoami() };
}

/** Writes a finding down. */
export async function placeFinding({ store }: Repository, systemIdentifier: string, finding: AuditFinding): Promise<void> {
  const { label, name, sound, wrong, began, reason, placedAt, by } = finding;
  const where = began === undefined ? {} : { began };
  const header = { kind: 'audit', label, sound, wrong, ...where, reason, placedAt: placedAt.toISOString(), by };
  await store.create(`${holdPrefix(systemIdentifier)}${label}/${name}`, await seal(CLEAR, 'hold', header, Buffer.alloc(0)));
}

/**
 * The finding that counts about each audit of a lineage: the last, with the labels of those right before it that say the same. Who says
 * it of one repository after another names what each has, and sync brings both into both.
 */
export async function listFindings(repository: Repository, systemIdentifier: string): Promise<readonly AuditFinding[]> {
  const said = new Map<string, AuditFinding[]>();
  for await (const { key } of repository.store.list(holdPrefix(systemIdentifier))) {
    // Without one that cannot be read its mismatch stays open, and nothing is decided by it.
    const finding = isFinding(key) ? await readOr(repository, key, [], async () => await readFinding(repository, key)) : undefined;
    if (finding !== undefined) said.set(finding.label, [...(said.get(finding.label) ?? []), finding]);
  }
  return [...said.values()].flatMap(lastOf);
}

function lastOf(findings: readonly AuditFinding[]): readonly AuditFinding[] {
  const inTurn = findings.toSorted((a, b) => a.placedAt.getTime() - b.placedAt.getTime());
  const last = inTurn.at(-1);
  if (last === undefined) return [];
  const same = inTurn.slice(inTurn.findLastIndex(({ sound }) => sound !== last.sound) + 1);
  return [{ ...last, wrong: [...new Set(same.flatMap(({ wrong }) => wrong))] }];
}

async function readFinding({ store }: Repository, key: string): Promise<AuditFinding> {
  const { header } = await unseal(CLEAR, 'hold', await store.read(key), key, MAX_FINDING_BYTES);
  return findingAt(header, key);
}

/** The finding that belongs under `key`. @throws {DbadminError} `repository-damaged` when it is another, or none. */
export function findingAt(header: Readonly<Record<string, unknown>>, key: string): AuditFinding {
  const [, , label = ''] = key.split('/');
  if (header['label'] !== label) throw damaged(key, `It says that it is of ${String(header['label'])}.`);
  const placedAt = new Date(String(header['placedAt']));
  if (!Array.isArray(header['wrong']) || Number.isNaN(placedAt.getTime())) throw damaged(key, 'Its header is incomplete.');
  return {
    label,
    name: key.slice(key.lastIndexOf('/') + 1),
    sound: SOUND.find((each) => each === header['sound']) ?? 'audited',
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
