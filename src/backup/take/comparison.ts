import { parseLsn } from '../../postgres/lsn.ts';
import type { AuditReport, PageMismatch, UnjudgedPages } from '../../repository/manifest.ts';
import { AheadPages } from './ahead-pages.ts';
import {
  auditRules,
  EmptiedPages,
  haveOneLsn,
  isAudited,
  judgePage,
  mustBeJudged,
  type AuditedPair,
  type AuditRules,
  type PageVerdict,
} from './audit.ts';
import type { ContentMap } from './content-map.ts';
import { arrayOf, clipExtents, type Stretch } from './extents.ts';
import { appendStretch, changedStretches } from './page-hashes.ts';
import { pageHashesOf, ParentAhead } from './parent-ahead.ts';
import type { ParentBlobs } from './parent-blobs.ts';
import type { ParentBytes } from './parent-bytes.ts';
import { relationFile } from './parent-listing.ts';
import { unjudgedPages, UnloggedPages, type InspectUse } from './unlogged-pages.ts';

/** Tells which pages of a file that is read whole are new, so that only those are stored. */
export interface Comparison {
  /** Whether the file is compared at all; the others are stored as they are. */
  covers(path: string): boolean;
  /**
   * What changed in the bytes of `path` from `offset`, as stretches of the file; `hashes` are their page hashes where taken.
   * `damaged` when what was there is, so that the same content must not be taken for one that is there.
   */
  changes(path: string, offset: number, plain: Buffer, hashes: Buffer | undefined): Promise<readonly Stretch[] | 'damaged'>;
  /** Resolves when nothing is being read back any more. */
  close(): Promise<void>;
}

/**
 * Compares with the page hashes of the parent: a full read of which only the changes are stored. All of a file whose hashes cannot be read is new.
 * What changed is audited, so that a page that the storage changed is not taken for one that the server wrote.
 */
export class PageHashComparison implements Comparison {
  readonly #parent: ContentMap;
  readonly #ahead: ParentAhead;
  readonly #audit: AuditComparison;
  readonly #nameOf: (plain: Buffer) => string;
  #open: { readonly path: string; readonly hashes: Promise<Buffer> } | undefined;

  /** `nameOf` gives the name of a blob with this content where the parent was read. */
  constructor(parent: ContentMap, blobs: ParentBlobs, audit: AuditComparison, nameOf: (plain: Buffer) => string) {
    this.#parent = parent;
    this.#ahead = new ParentAhead(parent, blobs, pageHashesOf(parent));
    this.#audit = audit;
    this.#nameOf = nameOf;
  }

  covers(path: string): boolean {
    const file = this.#parent.find(path);
    return file >= 0 && (this.#parent.pages(file).length > 0 || isAudited(path));
  }

  async changes(path: string, offset: number, plain: Buffer, hashes: Buffer | undefined): Promise<readonly Stretch[]> {
    if (this.#open?.path !== path) this.#open = { path, hashes: this.#hashesOf(path) };
    const old = await this.#open.hashes;
    const isHashed = hashes !== undefined && old.byteLength > 0;
    const stretches = isHashed
      ? changedStretches(offset, plain.byteLength, hashes, old)
      : [{ start: offset, end: offset + plain.byteLength }];
    if (isAudited(path))
      await this.#audit.look(path, offset, plain, !isHashed && this.#isOneBlob(path, offset, plain) ? [] : stretches, isHashed);
    return stretches;
  }

  async close(): Promise<void> {
    await Promise.all([this.#ahead.close(), this.#audit.close()]);
  }

  /** Whether the parent has this very content as one blob: most files that are too small for page hashes. */
  #isOneBlob(path: string, offset: number, plain: Buffer): boolean {
    const extents = this.#parent.extents(this.#parent.find(path));
    const [extent, ...others] = arrayOf((put) => clipExtents(extents, offset, offset + plain.byteLength, put));
    if (extent === undefined || others.length > 0 || extent.length !== plain.byteLength || extent.from !== 0) return false;
    return this.#parent.blobs.hash(extent.blob) === this.#nameOf(plain);
  }

  async #hashesOf(path: string): Promise<Buffer> {
    const file = this.#parent.find(path);
    if (this.#parent.pages(file).length === 0) return Buffer.alloc(0);
    const { bytes } = await this.#ahead.read(file, 0);
    return bytes ?? Buffer.alloc(0);
  }
}

/** Mismatches that are listed; more are only counted. */
const LISTED_MISMATCHES = 1000;

interface MismatchesOfDirectory {
  count: number;
  emptiedCount: number;
  readonly emptied: PageMismatch[];
  readonly others: PageMismatch[];
}

/** Tablespace and database of a file of a relation, `1663/5`; `1664/0` for what all databases share. */
export function databaseDirectory(path: string): string {
  const relation = relationFile(path)?.relation ?? '';
  return relation.slice(0, relation.lastIndexOf('/'));
}

/**
 * Compares with the parent's very bytes, read back from the repository: the audit of a full read. Pages are
 * judged; what cannot be read back is new, and no mismatch: nothing says what was there.
 */
export class AuditComparison implements Comparison {
  readonly #parent: ContentMap;
  readonly #bytes: ParentBytes;
  readonly #pair: Omit<AuditedPair, 'startLsn'>;
  readonly #blockBytes: number;
  #path: string | undefined;
  readonly #emptied = new EmptiedPages();
  /** By the directory of the database. */
  readonly #mismatches = new Map<string, MismatchesOfDirectory>();
  /** Those of them that have the head of what was there. */
  readonly #withOldHead = new Set<PageMismatch>();
  readonly #unlogged = new UnloggedPages(LISTED_MISMATCHES);
  #ahead: AheadPages | undefined;
  #unjudged: UnjudgedPages | undefined;
  #rules: AuditRules | undefined;
  #pages = 0;
  #benign = 0;

  constructor(parent: ContentMap, bytes: ParentBytes, pair: Omit<AuditedPair, 'startLsn'>, blockBytes: number) {
    this.#parent = parent;
    this.#bytes = bytes;
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
    this.#begin(path);
    const before = await this.#bytes.read(file, offset, plain.byteLength);
    if (before === 'damaged') return 'damaged';
    if (before === undefined) return [{ start: offset, end: offset + plain.byteLength }];
    const stretches: { start: number; end: number }[] = [];
    const sizeBefore = file < 0 ? 0 : this.#parent.sizeBytes(file);
    const hasPages = isAudited(path);
    for (let at = 0; at < plain.byteLength; at += this.#blockBytes) {
      const now = plain.subarray(at, at + this.#blockBytes);
      const old = before.subarray(at, at + this.#blockBytes);
      const isPage = hasPages && offset + at < sizeBefore;
      const isWhole = isPage && now.byteLength === this.#blockBytes;
      if (isPage) this.#pages += 1;
      const isAsBefore = now.equals(old);
      const verdict = isWhole && !isAsBefore ? this.#judge(path, (offset + at) / this.#blockBytes, now, old) : undefined;
      if (isWhole) this.#showEmptied(path, now, isAsBefore || verdict === 'benign');
      if (isAsBefore) continue;
      appendStretch(stretches, offset + at, offset + at + now.byteLength);
    }
    return stretches;
  }

  /**
   * Audits pages of a relation that were compared otherwise: in the order of the file, `stretches` are those that differ, or may where it is
   * not `isKnown`. The parent is read back where a page in them says by its LSN that it should not.
   */
  async look(path: string, offset: number, plain: Buffer, stretches: readonly Stretch[], isKnown: boolean): Promise<void> {
    const file = this.#parent.find(path);
    const sizeBefore = file < 0 ? 0 : this.#parent.sizeBytes(file);
    const end = Math.min(plain.byteLength, sizeBefore - offset);
    this.#begin(path);
    let judged = 0;
    let next = 0;
    for (let at = 0; at < end; at += this.#blockBytes) {
      while ((stretches[next]?.end ?? Infinity) <= offset + at) next += 1;
      const page = plain.subarray(at, at + this.#blockBytes);
      const differs = (stretches[next]?.start ?? Infinity) < offset + at + page.byteLength;
      const isWhole = page.byteLength === this.#blockBytes;
      if (differs && isWhole && (mustBeJudged(page, this.#rulesOf()) || (!isKnown && this.#ahead?.mayBe(page) === true))) continue;
      if (differs && isWhole) this.#ahead?.note(path, (offset + at) / this.#blockBytes, page, undefined);
      if (judged < at) await this.changes(path, offset + judged, plain.subarray(judged, at));
      judged = at + page.byteLength;
      this.#pages += 1;
      if (isWhole) this.#showEmptied(path, page, !differs);
    }
    if (judged < end) await this.changes(path, offset + judged, plain.subarray(judged, end));
  }

  /** Called before anything is compared, with the position where the backup begins. */
  begin(startLsn: bigint): void {
    this.#rules = auditRules({ ...this.#pair, startLsn });
    this.#ahead = new AheadPages(LISTED_MISMATCHES, startLsn, parseLsn(this.#pair.parent.stopLsn));
  }

  /** Called when everything was compared, and before the report: the backup ended at `stopLsn`. */
  async judgeAhead(stopLsn: bigint): Promise<void> {
    for (const { path, block, isBeforeSeen } of this.#ahead?.beyond(stopLsn) ?? []) {
      if (!isBeforeSeen && !(await this.#wasBehind(path, block))) continue;
      this.#mismatch({ path, block }, false);
    }
  }

  /** Called when everything was compared, and before the report. */
  async judgeUnlogged(inspectUse: InspectUse): Promise<void> {
    const { mismatches, unjudged } = await this.#unlogged.judge(inspectUse);
    for (const [path, { blocks, pages }] of mismatches) {
      for (const block of blocks) this.#mismatch({ path, block }, true);
      this.#mismatchesAt(path).count += pages - blocks.length;
    }
    this.#unjudged = unjudgedPages(unjudged);
  }

  /** Directories of databases, as {@link databaseDirectory} names them, in which there are mismatches. */
  get mismatchedDirectories(): readonly string[] {
    return [...this.#mismatches.keys()];
  }

  /** Without what lies in the directories `leftOut`. */
  report(comparedWith: string, leftOut: ReadonlySet<string> = new Set()): AuditReport {
    const counted = [...this.#mismatches].flatMap(([directory, each]) => (leftOut.has(directory) ? [] : [each]));
    // People are to hear of those that were emptied.
    const mismatches = [...counted.flatMap(({ emptied }) => emptied), ...counted.flatMap(({ others }) => others)].slice(
      0,
      LISTED_MISMATCHES,
    );
    const mismatchCount = counted.reduce((sum, { count }) => sum + count, 0);
    const emptiedCount = counted.reduce((sum, each) => sum + each.emptiedCount, 0);
    return {
      comparedWith,
      pages: this.#pages,
      mismatches,
      benign: this.#benign,
      ...(mismatchCount > LISTED_MISMATCHES ? { mismatchCount } : {}),
      ...(emptiedCount > LISTED_MISMATCHES ? { emptiedCount } : {}),
      ...(this.#unjudged === undefined ? {} : { unjudged: this.#unjudged }),
    };
  }

  /** Whether a mismatch of the report may be a page that was written while it was read: with its old head, and a new tail. */
  mayBeTorn(mismatch: PageMismatch): boolean {
    return this.#withOldHead.has(mismatch);
  }

  #judge(path: string, block: number, now: Buffer, old: Buffer): PageVerdict {
    const verdict = judgePage(now, old, this.#rulesOf());
    if (verdict === 'newer') this.#ahead?.note(path, block, now, old);
    if (verdict === 'benign') this.#benign += 1;
    if (verdict === 'emptied') this.#emptied.add(block);
    if (verdict === 'unlogged') this.#unlogged.add(path, block);
    if (verdict === 'mismatch') this.#mismatch({ path, block }, haveOneLsn(now, old));
    return verdict;
  }

  /** What cannot be read back tells nothing. */
  async #wasBehind(path: string, block: number): Promise<boolean> {
    const before = await this.#bytes.read(this.#parent.find(path), block * this.#blockBytes, this.#blockBytes);
    return before instanceof Buffer && this.#ahead?.wasBehind(before) === true;
  }

  #begin(path: string): void {
    if (this.#path !== path) this.#emptied.clear();
    this.#path = path;
  }

  #showEmptied(path: string, page: Buffer, isAsBefore: boolean): void {
    for (const block of this.#emptied.shownBy(page, isAsBefore, this.#rulesOf())) {
      const found = this.#mismatchesAt(path);
      found.count += 1;
      found.emptiedCount += 1;
      if (found.emptied.length < LISTED_MISMATCHES) found.emptied.push({ path, block, emptied: true });
    }
  }

  #rulesOf(): AuditRules {
    if (this.#rules === undefined) throw new Error('the backup that is audited has not begun');
    return this.#rules;
  }

  #mismatch(mismatch: PageMismatch, hasOldHead: boolean): void {
    const found = this.#mismatchesAt(mismatch.path);
    found.count += 1;
    if (found.others.length >= LISTED_MISMATCHES) return;
    found.others.push(mismatch);
    if (hasOldHead) this.#withOldHead.add(mismatch);
  }

  #mismatchesAt(path: string): MismatchesOfDirectory {
    const directory = databaseDirectory(path);
    const known = this.#mismatches.get(directory) ?? { count: 0, emptiedCount: 0, emptied: [], others: [] };
    this.#mismatches.set(directory, known);
    return known;
  }

  async close(): Promise<void> {
    await this.#bytes.close();
  }
}
