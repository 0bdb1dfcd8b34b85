import { listFindings } from '../../repository/audit-findings.ts';
import { BlobIndex } from '../../repository/blob-index.ts';
import { damaged } from '../../repository/envelope.ts';
import { backupPrefix } from '../../repository/layout.ts';
import { listLabels } from '../../repository/live-blobs.ts';
import { readManifest, readSummary, type BackupSummary, type ManifestEntry } from '../../repository/manifest.ts';
import { nameOfPack, type PackFindings } from './packs-inspect.ts';
import { suspicionsOf, type Suspicions } from '../suspicion.ts';
import { asFault, type VerifyTask } from './task.ts';

/** Why a backup cannot be relied on, in a few sentences; the first files are named. */
export interface AffectedBackup {
  readonly label: string;
  readonly reasons: readonly string[];
  /** How many of its files are incomplete. */
  readonly files: number;
}

export interface BackupFindings {
  /** Those whose summary could be read. */
  readonly summaries: readonly BackupSummary[];
  readonly affected: readonly AffectedBackup[];
}

/** Those that are there to the end, and which of them are not to be relied on by what audits found. */
export interface KeptBackups extends BackupFindings {
  readonly suspicions: Suspicions;
}

const FILES_NAMED = 5;
const INDEX_REASON =
  'An index cannot be read, and what only it names is not found before dbadmin repository rebuild-index has made it anew.';

/** Reads every manifest to its end and looks for each of its blobs in the indexes and among the packs. */
export async function verifyBackups(task: VerifyTask, packs: PackFindings): Promise<BackupFindings> {
  const prefix = backupPrefix(task.systemIdentifier);
  const labels = await listLabels(task.repository, task.systemIdentifier);
  const summaries: BackupSummary[] = [];
  const affected: AffectedBackup[] = [];
  // As a restore finds it; indexes that cannot be read are faults already.
  const index = labels.length === 0 ? new BlobIndex() : await BlobIndex.load(task.repository, task.systemIdentifier);
  for (const label of labels) {
    task.tally.objects += 1;
    let summary: BackupSummary | undefined;
    let isRead = false;
    const found = new Broken(task, packs, index);
    const failure = await asFault(task, `${prefix}${label}`, async () => {
      summary = await readSummary(task.repository, task.systemIdentifier, label);
      if (summary.label !== label || summary.systemIdentifier !== task.systemIdentifier)
        throw damaged(`${prefix}${label}`, `It is the manifest of ${summary.label} of cluster ${summary.systemIdentifier}.`);
      for await (const entry of readManifest(task.repository, task.systemIdentifier, label)) found.look(entry);
      isRead = true;
    });
    // Expired since it was listed.
    if (failure === undefined && !isRead) continue;
    task.tally.backups += 1;
    if (failure !== undefined) {
      task.faults.manifests.add(label);
      affected.push({ label, reasons: ['Its manifest cannot be read.'], files: 0 });
      continue;
    }
    if (summary === undefined) continue;
    summaries.push(summary);
    const reasons = [...(found.unknownBlobs > 0 && task.faults.indexes.size > 0 ? [INDEX_REASON] : []), ...found.reasons()];
    if (reasons.length > 0) affected.push({ label, reasons, files: found.files });
    for (const pack of found.missingPacks) {
      const object = nameOfPack(task, pack);
      task.faults.add({ kind: 'missing', object, detail: `Backup ${label} needs it.` });
    }
    if (found.unknownBlobs > 0)
      task.faults.add({ kind: 'missing', object: `${prefix}${label}`, detail: `${found.unknownBlobs} of its blobs are in no index.` });
  }
  return { summaries: summaries.sort(byPosition), affected };
}

/**
 * The findings without the summaries of backups that have expired since: their WAL goes after them, and is missed by nobody. To be
 * asked when the WAL has been looked at.
 */
export async function withoutExpired(task: VerifyTask, findings: BackupFindings): Promise<KeptBackups> {
  const labels = new Set(await listLabels(task.repository, task.systemIdentifier));
  const summaries = findings.summaries.filter(({ label }) => labels.has(label));
  const suspicions = suspicionsOf(summaries, await listFindings(task.repository, task.systemIdentifier));
  return { ...findings, summaries, suspicions };
}

/** Counts what a backup lacks; names only the first files. */
class Broken {
  readonly #task: VerifyTask;
  readonly #packs: PackFindings;
  readonly #index: BlobIndex;
  readonly #named: string[] = [];
  readonly missingPacks = new Set<string>();
  files = 0;
  pageHashes = 0;
  unknownBlobs = 0;

  constructor(task: VerifyTask, packs: PackFindings, index: BlobIndex) {
    this.#task = task;
    this.#packs = packs;
    this.#index = index;
  }

  look(entry: ManifestEntry): void {
    this.#task.signal.throwIfAborted();
    if (entry.type !== 'file') return;
    let end = 0;
    let isBroken = false;
    for (const [offset, length, hash] of entry.extents) {
      if (offset < end || offset + length > entry.sizeBytes) throw damaged(entry.path, 'Its extents overlap or lie beyond its end.');
      end = offset + length;
      isBroken = this.#isBroken(hash) || isBroken;
    }
    // A restore does without page hashes; the next incremental backup reads everything when it cannot read them.
    for (const hash of entry.pages ?? []) if (this.#isBroken(hash)) this.pageHashes += 1;
    if (!isBroken) return;
    this.files += 1;
    if (this.#named.length < FILES_NAMED) this.#named.push(entry.path);
  }

  reasons(): readonly string[] {
    if (this.files === 0) return [];
    const more = this.files > this.#named.length ? ` and ${this.files - this.#named.length} more` : '';
    return [`Content is missing or damaged of ${this.#named.join(', ')}${more}.`];
  }

  #isBroken(hash: string): boolean {
    const place = this.#index.find(hash);
    if (place === undefined) {
      this.unknownBlobs += 1;
      return true;
    }
    if (this.#packs.missing.has(place.pack)) {
      this.missingPacks.add(place.pack);
      return true;
    }
    return this.#task.faults.packs.has(place.pack) || this.#task.faults.blobs.has(hash);
  }
}

function byPosition(a: BackupSummary, b: BackupSummary): number {
  return a.stopTimeline - b.stopTimeline || a.finishedAt.localeCompare(b.finishedAt);
}
