import type { AuditReport } from '../../repository/manifest.ts';
import { auditRules, isAudited, judgePage, type AuditedPair, type AuditRules } from './audit.ts';
import type { ContentMap } from './content-map.ts';
import { arrayOf, clipExtents, type ExtentList, type Stretch } from './extents.ts';
import { appendStretch, changedStretches, readPageHashes } from './page-hashes.ts';
import type { ParentBlobs } from './parent-blobs.ts';

/** Tells which pages of a file that is read whole are new, so that only those are stored. */
export interface Comparison {
  /** Whether the file is compared at all; the others are stored as they are. */
  covers(path: string): boolean;
  /**
   * What changed in the bytes of `path` from `offset`, as stretches of the file; `hashes` are their page hashes where taken.
   * `damaged` when what was there is, so that the same content must not be taken for one that is there.
   */
  changes(path: string, offset: number, plain: Buffer, hashes: Buffer | undefined): Promise<readonly Stretch[] | 'damaged'>;
}

/** Compares with the page hashes of the parent: a full read of which only the changes are stored. All of a file whose hashes cannot be read is new. */
export class PageHashComparison implements Comparison {
  readonly #parent: ContentMap;
  readonly #blobs: ParentBlobs;
  #open: { readonly path: string; readonly hashes: Promise<Buffer> } | undefined;

  constructor(parent: ContentMap, blobs: ParentBlobs) {
    this.#parent = parent;
    this.#blobs = blobs;
  }

  covers(path: string): boolean {
    const file = this.#parent.find(path);
    return file >= 0 && this.#parent.pages(file).length > 0;
  }

  async changes(path: string, offset: number, plain: Buffer, hashes: Buffer | undefined): Promise<readonly Stretch[]> {
    if (this.#open?.path !== path) this.#open = { path, hashes: readPageHashes(this.#parent, path, this.#blobs) };
    const old = await this.#open.hashes;
    return hashes === undefined
      ? [{ start: offset, end: offset + plain.byteLength }]
      : changedStretches(offset, plain.byteLength, hashes, old);
  }
}

/** Mismatches that are listed; more are only counted. */
const LISTED_MISMATCHES = 1000;
/** Blobs of the parent kept at hand: one may hold pages of many files. */
const CACHED_BLOBS = 64;

/**
 * Compares with the parent's very bytes, read back from the repository: the audit of a full read. Pages are
 * judged; what cannot be read back is new, and no mismatch: nothing says what was there.
 */
export class AuditComparison implements Comparison {
  readonly #parent: ContentMap;
  readonly #blobs: ParentBlobs;
  readonly #pair: Omit<AuditedPair, 'startLsn'>;
  readonly #blockBytes: number;
  readonly #cache = new Map<number, Promise<Buffer | undefined>>();
  #open: { readonly path: string; readonly extents: ExtentList | undefined } | undefined;
  readonly #mismatches: { readonly path: string; readonly block: number }[] = [];
  #rules: AuditRules | undefined;
  #mismatchCount = 0;
  #pages = 0;
  #benign = 0;

  constructor(parent: ContentMap, blobs: ParentBlobs, pair: Omit<AuditedPair, 'startLsn'>, blockBytes: number) {
    this.#parent = parent;
    this.#blobs = blobs;
    this.#pair = pair;
    this.#blockBytes = blockBytes;
  }

  /**
   * Every file that the parent has, so that all that the new backup comes to rest on is read once: stored by its name, content that is
   * damaged would be found there by every full backup to come. The server's manifest is another each time.
   */
  covers(path: string): boolean {
    return path !== 'backup_manifest' && this.#parent.find(path) >= 0;
  }

  async changes(path: string, offset: number, plain: Buffer): Promise<readonly Stretch[] | 'damaged'> {
    const file = this.#parent.find(path);
    const before = Buffer.alloc(plain.byteLength);
    const end = offset + plain.byteLength;
    if (this.#open?.path !== path) this.#open = { path, extents: file < 0 ? undefined : this.#parent.extents(file) };
    const { extents } = this.#open;
    const within = extents === undefined ? [] : arrayOf((put) => clipExtents(extents, offset, end, put));
    for (const extent of within) {
      const blob = await this.#blob(extent.blob);
      if (blob === undefined) return this.#blobs.isDamaged(extent.blob) ? 'damaged' : [{ start: offset, end }];
      blob.copy(before, extent.offset - offset, extent.from, extent.from + extent.length);
    }
    const stretches: { start: number; end: number }[] = [];
    const sizeBefore = file < 0 ? 0 : this.#parent.sizeBytes(file);
    const hasPages = isAudited(path);
    for (let at = 0; at < plain.byteLength; at += this.#blockBytes) {
      const now = plain.subarray(at, at + this.#blockBytes);
      const old = before.subarray(at, at + this.#blockBytes);
      const isPage = hasPages && offset + at < sizeBefore;
      if (isPage) this.#pages += 1;
      if (now.equals(old)) continue;
      if (isPage && now.byteLength === this.#blockBytes) this.#judge(path, (offset + at) / this.#blockBytes, now, old);
      appendStretch(stretches, offset + at, offset + at + now.byteLength);
    }
    return stretches;
  }

  /** Called before anything is compared, with the position where the backup begins. */
  begin(startLsn: bigint): void {
    this.#rules = auditRules({ ...this.#pair, startLsn });
  }

  report(comparedWith: string): AuditReport {
    const report = { comparedWith, pages: this.#pages, mismatches: this.#mismatches, benign: this.#benign };
    return this.#mismatchCount > LISTED_MISMATCHES ? { ...report, mismatchCount: this.#mismatchCount } : report;
  }

  #judge(path: string, block: number, now: Buffer, old: Buffer): void {
    if (this.#rules === undefined) throw new Error('the backup that is audited has not begun');
    const verdict = judgePage(now, old, this.#rules);
    if (verdict === 'benign') this.#benign += 1;
    if (verdict !== 'mismatch') return;
    this.#mismatchCount += 1;
    if (this.#mismatches.length < LISTED_MISMATCHES) this.#mismatches.push({ path, block });
  }

  async #blob(blob: number): Promise<Buffer | undefined> {
    const cached = this.#cache.get(blob);
    // Taken out and put in again: the map's order is the order of use.
    this.#cache.delete(blob);
    const reading = cached ?? this.#blobs.readSound(blob);
    this.#cache.set(blob, reading);
    const [oldest] = this.#cache.keys();
    if (this.#cache.size > CACHED_BLOBS && oldest !== undefined) this.#cache.delete(oldest);
    return await reading;
  }
}
