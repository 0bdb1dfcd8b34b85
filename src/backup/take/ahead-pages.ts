import { isZero, pageLsn } from './audit.ts';

/** A page that differs, and that says of itself that something was logged of it after the backup began. */
export interface AheadPage {
  readonly path: string;
  readonly block: number;
  readonly lsn: bigint;
  /** Whether what the parent has there was looked at. */
  readonly isBeforeSeen: boolean;
}

/**
 * The pages with the highest LSNs among those that differ. The server writes no page before the WAL that its LSN tells of; so one beyond where a backup that read it
 * ended was not written by the server, and its LSN makes it no newer: as where a device put other bytes there. Where a backup ends is known when
 * everything was read: until then only so many are kept, those that are ahead first.
 */
export class AheadPages {
  readonly #kept: number;
  readonly #startLsn: bigint;
  readonly #parentStopLsn: bigint;
  #pages: AheadPage[] = [];
  #leastLsn: bigint;

  /** `startLsn`: of the backup that reads them. */
  constructor(kept: number, startLsn: bigint, parentStopLsn: bigint) {
    this.#kept = kept;
    this.#startLsn = startLsn;
    this.#parentStopLsn = parentStopLsn;
    this.#leastLsn = startLsn;
  }

  /** Whether a page may turn out to be ahead. */
  mayBe(page: Buffer): boolean {
    return pageLsn(page) > this.#startLsn;
  }

  /** Notes a page that differs from `before`, what the parent has there; undefined where nobody read that back. */
  note(path: string, block: number, page: Buffer, before: Buffer | undefined): void {
    const lsn = pageLsn(page);
    if (lsn <= this.#leastLsn || (before !== undefined && !this.wasBehind(before))) return;
    this.#pages.push({ path, block, lsn, isBeforeSeen: before !== undefined });
    if (this.#pages.length >= 2 * this.#kept) this.#prune();
  }

  /**
   * Whether the parent's page was one with an LSN that the server gave it. Where the storage has pages in another form, as encrypted, what lies there tells no LSN, neither then nor
   * now; and zeros are nothing that could be lost.
   */
  wasBehind(before: Buffer): boolean {
    return pageLsn(before) <= this.#parentStopLsn && !isZero(before);
  }

  /** Those beyond the position where the backup ended, in the order of their files. */
  beyond(stopLsn: bigint): readonly AheadPage[] {
    this.#prune();
    return this.#pages.filter(({ lsn }) => lsn > stopLsn).sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.block - b.block));
  }

  #prune(): void {
    if (this.#pages.length <= this.#kept) return;
    this.#pages.sort((a, b) => (a.lsn > b.lsn ? -1 : a.lsn < b.lsn ? 1 : 0)).length = this.#kept;
    this.#leastLsn = this.#pages.at(-1)?.lsn ?? this.#startLsn;
  }
}
