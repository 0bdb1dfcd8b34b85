import { randomBytes } from 'node:crypto';
import { isDbadminError } from '../base/errors.ts';
import { formatLsn, parseLsn } from '../postgres/lsn.ts';
import { damaged, seal, unseal } from './envelope.ts';
import { DEED_KINDS, problemOfDeed, type Deed } from './ledger-deed.ts';
import { isOfOneObject, readOr, type DamagedObject } from './passed-over.ts';
import type { Repository } from './repository.ts';

/**
 * What was taken away from a cluster for good, so that a restore to before can take it away again. It lies in the
 * repository and not in the cluster, because the cluster is what goes back in time.
 *
 * @see FORMAT.md "The ledger"
 */
export interface LedgerEntry {
  readonly systemIdentifier: string;
  /** The writer's clock. */
  readonly at: Date;
  /** Everything before this position, on this timeline, came before or with the deed: a restore to there or later has it. */
  readonly timeline: number;
  readonly lsn: bigint;
  /** Who wrote it down, for people: `dbadmin@db1`. */
  readonly by: string;
  readonly deed: Deed;
}

const MAX_ENTRY_BYTES = 64 * 1024;

export function ledgerPrefix(systemIdentifier: string): string {
  return `${systemIdentifier}/ledger/`;
}

/** The last part of an entry's key: drawn once for a deed, so that it is one entry in all repositories that it is written into. */
export function drawEntryName(): string {
  return randomBytes(8).toString('hex');
}

/** An entry, and what it is called in each repository: of {@link drawEntryName}. */
export interface NamedEntry {
  readonly name: string;
  readonly entry: LedgerEntry;
}

/**
 * Writes an entry down; it is never changed. Gives what was written: without encryption a password's verifier is left out,
 * since whoever reads the storage could guess the password from it. `name` is of {@link drawEntryName}, and the same wherever the same deed is
 * written; with it once is as good as twice.
 */
export async function appendLedger(repository: Repository, entry: LedgerEntry, name = drawEntryName()): Promise<LedgerEntry> {
  const kept = { ...entry, deed: withoutSecrets(entry.deed, repository) };
  const header = {
    systemIdentifier: entry.systemIdentifier,
    at: entry.at.toISOString(),
    timeline: entry.timeline,
    lsn: formatLsn(entry.lsn),
    kind: entry.deed.kind,
  };
  const key = beginningOf(entry) + name;
  const body = Buffer.from(JSON.stringify({ by: entry.by, deed: kept.deed }), 'utf8');
  try {
    await repository.store.create(key, await seal(repository, 'ledger', header, body));
  } catch (error) {
    // Two names of the configuration may be one place.
    if (!isDbadminError(error, 'storage-exists')) throw error;
  }
  return kept;
}

function withoutSecrets(deed: Deed, repository: Repository): Deed {
  return deed.kind === 'password-rotated' && repository.keys === undefined ? { ...deed, verifier: null } : deed;
}

/** What a ledger says, and the entries that do not say what they took away. */
export interface Ledger {
  /** As {@link inOrder} gives them. */
  readonly entries: readonly LedgerEntry[];
  /**
   * Entries that cannot be read or are of a kind this version does not know. A restore that passes one over may bring back what
   * it took away: that is for somebody to decide.
   */
  readonly damaged: readonly DamagedObject[];
}

/** From afar each takes its time, and a ledger of years has thousands. */
const AT_ONCE = 16;

/** Every entry of a lineage. */
export async function readLedger(repository: Repository, systemIdentifier: string): Promise<Ledger> {
  const keys: string[] = [];
  for await (const { key } of repository.store.list(ledgerPrefix(systemIdentifier))) keys.push(key);
  const read: (LedgerEntry | undefined)[] = [];
  const found: DamagedObject[] = [];
  const remaining = keys.entries();
  const work = async (): Promise<void> => {
    for (const [index, key] of remaining) {
      read[index] = await readOr(repository, key, found, async () => {
        const { header, body } = await readEntry(repository, key);
        return parseEntry(header, body, key);
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const entries = read.filter((entry) => entry !== undefined);
  found.sort((a, b) => (a.key < b.key ? -1 : 1));
  return { entries: inOrder(entries), damaged: found };
}

/**
 * Entries oldest first, each deed once. Where they lie in the WAL decides, since the clocks of those who wrote them may differ, and `at` only
 * between those at one position. Earlier versions gave a deed another key in each repository, and copies of them lie beside one another; the
 * one that has the verifier is taken.
 */
export function inOrder(entries: readonly LedgerEntry[]): readonly LedgerEntry[] {
  const deeds = new Map<string, LedgerEntry>();
  for (const entry of entries) {
    const said = deedIdentity(entry);
    const known = deeds.get(said)?.deed;
    if (known === undefined || (known.kind === 'password-rotated' && known.verifier === null)) deeds.set(said, entry);
  }
  return [...deeds.values()].sort((a, b) => a.timeline - b.timeline || Number(a.lsn - b.lsn) || a.at.getTime() - b.at.getTime());
}

/** The same for entries that tell of one deed. */
export function deedIdentity({ deed, at, timeline, lsn, by }: LedgerEntry): string {
  return JSON.stringify([timeline, String(lsn), at, by, deed.kind === 'password-rotated' ? { ...deed, verifier: null } : deed]);
}

/** Whether an entry can be opened, and so was written by somebody who might: what it says is not looked at. */
export async function isGenuineEntry(repository: Repository, key: string): Promise<boolean> {
  try {
    await readEntry(repository, key);
    return true;
  } catch (error) {
    if (isOfOneObject(error)) return false;
    throw error;
  }
}

/**
 * Copies one entry under the same key into another repository, sealed anew; a verifier does not go where it is not encrypted.
 *
 * @throws {DbadminError} `storage-exists` when it is there; `repository-damaged` as for reading.
 */
export async function copyLedgerEntry(from: Repository, to: Repository, key: string): Promise<void> {
  const { header, body } = await readEntry(from, key);
  requireEntryAt(header, body, key);
  const { by, deed } = storedEntry(body, key);
  const kept = Buffer.from(JSON.stringify({ by, deed: withoutSecrets(deed, to) }), 'utf8');
  await to.store.create(key, await seal(to, 'ledger', header, kept));
}

interface StoredEntry {
  readonly by: string;
  readonly deed: Deed;
}

function storedEntry(body: Buffer, key: string): StoredEntry {
  try {
    const stored = JSON.parse(body.toString('utf8')) as Partial<StoredEntry> | null;
    if (typeof stored?.deed?.kind === 'string') return { by: String(stored.by), deed: stored.deed };
  } catch (error) {
    throw damaged(key, 'It is not JSON.', error);
  }
  throw damaged(key, 'It tells of no deed.');
}

/** Opens an entry, if somebody who had the key wrote it. */
async function readEntry(repository: Repository, key: string): ReturnType<typeof unseal> {
  return await unseal(repository, 'ledger', await repository.store.read(key), key, MAX_ENTRY_BYTES);
}

function parseEntry(header: Readonly<Record<string, unknown>>, body: Buffer, key: string): LedgerEntry {
  const { by, deed } = storedEntry(body, key);
  const problem = problemOfDeed(deed);
  if (problem !== undefined) throw damaged(key, problem);
  return { ...placeSaid(header, key), by, deed };
}

/**
 * Asks of an entry whether it is the one that belongs under its key, and says all of a deed of its kind. A kind that this version does not know
 * is no damage for who does nothing by it: a newer one may have written it.
 *
 * @throws {DbadminError} `repository-damaged`, `lsn-invalid`.
 */
export function requireEntryAt(header: Readonly<Record<string, unknown>>, body: Buffer, key: string): void {
  placeSaid(header, key);
  const { deed } = storedEntry(body, key);
  const problem = DEED_KINDS.includes(deed.kind) ? problemOfDeed(deed) : undefined;
  if (problem !== undefined) throw damaged(key, problem);
}

/** When and where an entry was written, as its header and its key say. */
function placeSaid(
  header: Readonly<Record<string, unknown>>,
  key: string,
): Pick<LedgerEntry, 'systemIdentifier' | 'at' | 'timeline' | 'lsn'> {
  const [at, timeline] = [new Date(String(header['at'])), Number(header['timeline'])];
  if (Number.isNaN(at.getTime()) || !Number.isInteger(timeline)) throw damaged(key, 'Its header does not say when it was written.');
  const systemIdentifier = String(header['systemIdentifier']);
  const lsn = parseLsn(String(header['lsn']));
  // One that stands where another was hides what that one took away.
  if (!key.startsWith(beginningOf({ systemIdentifier, at, lsn }))) throw damaged(key, 'It is not the entry that its name says.');
  return { systemIdentifier, at, timeline, lsn };
}

/** What the key of an entry begins with. */
function beginningOf({ systemIdentifier, at, lsn }: Pick<LedgerEntry, 'systemIdentifier' | 'at' | 'lsn'>): string {
  const stamp = at.toISOString().replaceAll(/[-:.]/g, '');
  return `${ledgerPrefix(systemIdentifier)}${stamp}-${formatLsn(lsn).replace('/', '_')}-`;
}
