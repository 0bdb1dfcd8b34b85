import { randomBytes } from 'node:crypto';
import { DbadminError, isDbadminError, reasonOf } from '../base/errors.ts';
import { formatLsn } from '../postgres/lsn.ts';
import { historyName, parseSegmentName } from '../postgres/segment.ts';
import { parseTimelineHistory, type TimelineHistory } from '../postgres/timeline.ts';
import { placeNow } from '../storage/place-clock.ts';
import type { ObjectStore, StoredObject } from '../storage/store.ts';
import { contentHash } from './keys.ts';
import { isOfOneObject, readOr } from './passed-over.ts';
import type { Repository } from './repository.ts';
import { lockEnd } from './retained-store.ts';
import { damaged, HEADER_READ_BYTES, peekStart, seal, unseal } from './envelope.ts';
import { checkFirstPage } from './first-page.ts';
import { checkedStart, openSegment, sealSegment, type CheckedStart } from './wal-body.ts';
import { readSealedHeader } from './sealed-header.ts';
import { backupHistoryKey, historyKey, horizonKey, horizonPrefix, partialKey, partKey, walKey } from './layout.ts';

/** What stands in the header of a segment or part. @see FORMAT.md "WAL segments, parts, horizons, history" */
export interface WalHeader {
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly segment: string;
  readonly sizeBytes: number;
  readonly from: number;
  readonly to: number;
  readonly hash: string;
  readonly receivedAt: string;
  readonly coveredUntil: string | null;
  /** Missing where it was written before such a time was proven: see {@link provenUntil}. */
  readonly proven?: boolean;
  /** Length of the body as it lies there. Missing where it was written before this was told. */
  readonly bodyBytes?: number;
}

export interface WalTimes {
  /** The writer's clock. */
  readonly receivedAt: Date;
  /** The server's clock when everything it had flushed was inside, or undefined when nothing proves it. */
  readonly coveredUntil: Date | undefined;
}

/**
 * Until when a segment or part proves that nothing of the cluster's WAL is missing. What earlier versions wrote they took from
 * messages that prove nothing while the reception lags: it counts as unknown.
 */
export function provenUntil({ coveredUntil, proven }: WalHeader): Date | undefined {
  return coveredUntil === null || proven !== true ? undefined : new Date(coveredUntil);
}

/** More bytes of the open segment are several parts: each is sealed in memory. */
const PART_MOST_BYTES = 16 * 1024 * 1024;

/** What a history file is of: a timeline, or a backup by the name that the server gives the file. */
type HistoryOf = { readonly timeline: number } | { readonly name: string };

/** The WAL of one lineage in one repository. */
export class WalArchive {
  readonly #repository: Repository;
  readonly #store: ObjectStore;
  readonly #systemIdentifier: string;
  readonly segmentBytes: number;

  constructor(repository: Repository, systemIdentifier: string, segmentBytes: number) {
    this.#repository = repository;
    this.#store = repository.store;
    this.#systemIdentifier = systemIdentifier;
    this.segmentBytes = segmentBytes;
  }

  /**
   * Stores a complete segment. The same content twice is fine.
   *
   * @throws {DbadminError} `wal-conflict` when the key holds other content; `wal-invalid` when the bytes are not this segment of this cluster.
   */
  async putSegment(segment: string, bytes: Buffer, times: WalTimes): Promise<'stored' | 'present'> {
    return await this.#putWhole(walKey(this.#systemIdentifier, segment), segment, bytes, times);
  }

  /**
   * Stores what the server archives of a segment that its timeline left unfinished: the whole file, beside the segment and never in its place.
   *
   * @throws {DbadminError} as {@link WalArchive.putSegment}.
   */
  async putPartial(segment: string, bytes: Buffer, times: WalTimes): Promise<'stored' | 'present'> {
    return await this.#putWhole(partialKey(this.#systemIdentifier, segment), segment, bytes, times);
  }

  async #putWhole(key: string, segment: string, bytes: Buffer, times: WalTimes): Promise<'stored' | 'present'> {
    checkFirstPage(bytes, this.#systemIdentifier, segment, this.segmentBytes);
    const hash = contentHash(this.#repository, bytes).toString('hex');
    if ((await this.#store.stat(key)) === undefined) {
      try {
        await this.#store.create(key, await sealSegment(this.#repository, this.#header(segment, 0, bytes, hash, times), bytes));
        return 'stored';
      } catch (error) {
        if (!isDbadminError(error, 'storage-exists')) throw error;
      }
    }
    const { header: present, isFull, storedAt } = await this.#readStartAt(key);
    if (present.hash === hash) {
      // Some servers confirm more than they keep: its beginning alone is no proof of the rest.
      if (!isFull) await this.#checkWhole(key, segment);
      await this.#lockAsMade(key, storedAt, times);
      return 'present';
    }
    throw new DbadminError('wal-conflict', `WAL segment ${key.slice(key.lastIndexOf('/') + 1)} is in the archive with other content`, {
      detail: `Archived: ${present.hash} at ${present.receivedAt}. Offered: ${hash}.`,
      hint: 'Two clusters with the same system identifier write to this repository, or one was restored without a new timeline. The archived segment was kept.',
    });
  }

  /**
   * Whoever stored it may have failed before the lock was looked for. It is the one that it was to have then: what is offered again
   * is not kept for longer. What is locked for as long already is fine, in whatever mode: WAL does not wait for a stricter one.
   */
  async #lockAsMade(key: string, storedAt: Date, { receivedAt: now }: WalTimes): Promise<void> {
    const { lockDays } = this.#store.capabilities;
    if (lockDays === undefined) return;
    const until = lockEnd(storedAt, lockDays);
    if (until <= placeNow(this.#store, now)) return;
    try {
      await this.#store.extendLock(key, until);
    } catch (error) {
      const found = await this.#store.stat(key).catch(() => undefined);
      if (found?.lockedUntil === undefined || found.lockedUntil < until) throw error;
    }
  }

  /** Stores bytes `[from, from + bytes.length)` of the open segment, many of them as several parts. */
  async putPart(segment: string, from: number, bytes: Buffer, times: WalTimes): Promise<void> {
    for (let at = 0; at < bytes.byteLength; at += PART_MOST_BYTES) {
      const piece = bytes.subarray(at, at + PART_MOST_BYTES);
      // What was flushed by that time may reach to the end of the last.
      const isLast = at + piece.byteLength === bytes.byteLength;
      await this.#putOnePart(segment, from + at, piece, isLast ? times : { ...times, coveredUntil: undefined });
    }
  }

  async #putOnePart(segment: string, from: number, bytes: Buffer, times: WalTimes): Promise<void> {
    const hash = contentHash(this.#repository, bytes).toString('hex');
    const key = partKey(this.#systemIdentifier, segment, from, from + bytes.byteLength, randomBytes(4).toString('hex'));
    await this.#store.create(key, await seal(this.#repository, 'part', this.#header(segment, from, bytes, hash, times), bytes));
  }

  /** Deletes the parts of a segment that is stored whole. */
  async dropParts(segment: string): Promise<void> {
    const prefix = `${walKey(this.#systemIdentifier, segment)}.part.`;
    const keys: string[] = [];
    for await (const object of this.#store.list(prefix)) keys.push(object.key);
    for (const key of keys) await this.#store.delete(key);
  }

  /** Notes that all WAL before `lsn` was here at `at`, by the server's clock; replaces the timeline's earlier notes. */
  async putHorizon(timeline: number, lsn: bigint, at: Date): Promise<void> {
    const earlier: string[] = [];
    for await (const object of this.#store.list(horizonPrefix(this.#systemIdentifier, timeline))) earlier.push(object.key);
    const header = { systemIdentifier: this.#systemIdentifier, timeline, lsn: formatLsn(lsn), at: at.toISOString(), proven: true };
    const key = horizonKey(this.#systemIdentifier, timeline, lsn, at, randomBytes(4).toString('hex'));
    await this.#store.create(key, await seal(this.#repository, 'horizon', header, Buffer.alloc(0)));
    for (const key of earlier) await this.#store.delete(key);
  }

  /** @throws {DbadminError} `wal-conflict` when another history of that timeline is stored. */
  async putHistory(timeline: number, content: Uint8Array): Promise<'stored' | 'present'> {
    return await this.#putSmall(
      historyKey(this.#systemIdentifier, timeline),
      { timeline },
      content,
      `timeline history ${historyName(timeline)}`,
    );
  }

  /** Stores a backup history file, `<segment>.<offset>.backup`, that the server archives beside the WAL of a backup. */
  async putBackupHistory(name: string, content: Uint8Array): Promise<'stored' | 'present'> {
    return await this.#putSmall(backupHistoryKey(this.#systemIdentifier, name), { name }, content, `backup history ${name}`);
  }

  async #putSmall(key: string, of: HistoryOf, content: Uint8Array, what: string): Promise<'stored' | 'present'> {
    const header = { systemIdentifier: this.#systemIdentifier, ...of, hash: contentHash(this.#repository, content).toString('hex') };
    try {
      await this.#store.create(key, await seal(this.#repository, 'history', header, content));
      return 'stored';
    } catch (error) {
      if (!isDbadminError(error, 'storage-exists')) throw error;
      const present = await this.#readSmall(key, of);
      if (present !== undefined && Buffer.from(present).equals(Buffer.from(content))) return 'present';
      throw new DbadminError('wal-conflict', `${what} is in the archive with other content`, { cause: error });
    }
  }

  /**
   * The history file of a timeline, or undefined when the archive has none.
   *
   * @throws {DbadminError} `repository-damaged`, also where what is stored whole is nothing that a history says.
   */
  async readHistory(timeline: number): Promise<Buffer | undefined> {
    const key = historyKey(this.#systemIdentifier, timeline);
    const content = await this.#readSmall(key, { timeline });
    if (content !== undefined) checkHistory(content, timeline, key);
    return content;
  }

  /** {@link WalArchive.readHistory} for whoever can do without it: one that is damaged is told, and is as good as none. */
  async readHistoryOrNone(timeline: number): Promise<Buffer | undefined> {
    return await readOr(this.#repository, historyKey(this.#systemIdentifier, timeline), [], async () => await this.readHistory(timeline));
  }

  /** What the history of a timeline says. @throws {DbadminError} as {@link WalArchive.readHistory}. */
  async readAncestors(timeline: number): Promise<TimelineHistory | undefined> {
    const content = await this.readHistory(timeline);
    return content && parseTimelineHistory(content.toString('utf8'));
  }

  /** {@link WalArchive.readAncestors} for whoever can do without them: what is damaged is told, and is as good as none. */
  async readAncestorsOrNone(timeline: number): Promise<TimelineHistory | undefined> {
    const content = await this.readHistoryOrNone(timeline);
    return content && parseTimelineHistory(content.toString('utf8'));
  }

  /** A backup history file, or undefined when the archive has none of that name. */
  async readBackupHistory(name: string): Promise<Buffer | undefined> {
    return await this.#readSmall(backupHistoryKey(this.#systemIdentifier, name), { name });
  }

  async #readSmall(key: string, of: HistoryOf): Promise<Buffer | undefined> {
    if ((await this.#store.stat(key)) === undefined) return undefined;
    const { header, body } = await unseal(this.#repository, 'history', await this.#store.read(key), key, 16 * 1024 * 1024);
    if (!says(header, { systemIdentifier: this.#systemIdentifier, ...of })) throw damaged(key, 'It is not the history that its name says.');
    return body;
  }

  /** @throws {DbadminError} `storage-missing` when the segment is not stored whole. */
  async readHeader(segment: string): Promise<WalHeader> {
    const key = walKey(this.#systemIdentifier, segment);
    const object = await this.#statThere(key);
    return walHeader(await readSealedHeader(this.#repository, 'wal', { key, sizeBytes: object.sizeBytes }), key);
  }

  /** The header, and whether the object is as long as it says; one that does not say is not. */
  async #readStartAt(key: string): Promise<{ readonly header: WalHeader; readonly isFull: boolean; readonly storedAt: Date }> {
    const object = await this.#statThere(key);
    const start = peekStart('wal', await this.#store.readRange(key, 0, Math.min(object.sizeBytes, HEADER_READ_BYTES)), key);
    if (start === undefined) throw damaged(key, 'Its header is cut short.');
    const header = walHeader(start.header, key);
    const isFull = header.bodyBytes !== undefined && start.sizeWith(header.bodyBytes) === object.sizeBytes;
    return { header, isFull, storedAt: object.modifiedAt };
  }

  async #statThere(key: string): Promise<StoredObject> {
    const object = await this.#store.stat(key);
    if (object !== undefined) return object;
    throw new DbadminError('storage-missing', `WAL segment ${key.slice(key.lastIndexOf('/') + 1)} is not in ${this.#store.description}`);
  }

  /** A complete segment, checked; undefined when it is proven absent. */
  async readSegment(segment: string): Promise<Buffer | undefined> {
    return await this.#readWhole(walKey(this.#systemIdentifier, segment), segment);
  }

  /** Checks a complete segment as {@link WalArchive.readSegment} does, and keeps nothing of it. */
  async checkSegment(segment: string): Promise<void> {
    await this.#checkWhole(walKey(this.#systemIdentifier, segment), segment);
  }

  async #checkWhole(key: string, segment: string): Promise<void> {
    if ((await this.#store.stat(key)) === undefined) return;
    this.#checkOpened(key, segment, await checkedStart(this.#repository, key, this.segmentBytes));
  }

  #checkOpened(key: string, segment: string, { header, body, plainBytes }: CheckedStart): void {
    if (plainBytes !== this.segmentBytes || header['segment'] !== segment) throw damaged(key, 'It is not the segment that its name says.');
    checkFirstPage(body, this.#systemIdentifier, segment, this.segmentBytes, plainBytes);
  }

  /** What {@link WalArchive.putPartial} stored of a segment. */
  async readPartial(segment: string): Promise<Buffer | undefined> {
    return await this.#readWhole(partialKey(this.#systemIdentifier, segment), segment);
  }

  async #readWhole(key: string, segment: string): Promise<Buffer | undefined> {
    if ((await this.#store.stat(key)) === undefined) return undefined;
    const { header, body } = await openSegment(this.#repository, key, this.segmentBytes);
    this.#checkOpened(key, segment, { header, body, plainBytes: body.byteLength });
    return body;
  }

  /** What is stored of a segment: the whole, or as far as its parts reach, without padding; undefined when it is proven absent. */
  async readStored(segment: string): Promise<Buffer | undefined> {
    const stored = (await this.readSegment(segment)) ?? (await this.readParts(segment));
    // Its parts are dropped once it is stored: it may have become whole since the first look.
    return stored ?? (await this.readSegment(segment));
  }

  /** The open segment as far as its parts reach, without padding; undefined when there are none, or none any more. */
  async readParts(segment: string): Promise<Buffer | undefined> {
    const prefix = `${walKey(this.#systemIdentifier, segment)}.part.`;
    const parts: { readonly from: number; readonly to: number; readonly key: string }[] = [];
    for await (const object of this.#store.list(prefix)) {
      const range = /([0-9A-F]{8})-([0-9A-F]{8})-/.exec(object.key.slice(prefix.length));
      if (range !== null)
        parts.push({ from: Number.parseInt(range[1] ?? '', 16), to: Number.parseInt(range[2] ?? '', 16), key: object.key });
    }
    const chain = chainOf(parts);
    const reach = chain.at(-1)?.to ?? 0;
    const joined = Buffer.allocUnsafeSlow(reach);
    for (const part of chain) {
      try {
        (await this.readPart(part.key)).copy(joined, part.from);
      } catch (error) {
        // The whole segment has come meanwhile.
        if (isDbadminError(error, 'storage-missing')) return undefined;
        throw error;
      }
    }
    return reach === 0 ? undefined : joined;
  }

  /** One part by its key. @throws {DbadminError} `repository-damaged` when it is not of the segment and the bytes that its name says. */
  async readPart(key: string): Promise<Buffer> {
    const { header, body } = await unseal(this.#repository, 'part', await this.#store.read(key), key, this.segmentBytes);
    const [, segment, from = '', to = ''] = /([0-9A-F]{24})\.part\.([0-9A-F]{8})-([0-9A-F]{8})-/.exec(key) ?? [];
    const named = { systemIdentifier: this.#systemIdentifier, segment, from: Number.parseInt(from, 16), to: Number.parseInt(to, 16) };
    if (!says(header, named) || body.byteLength !== named.to - named.from) throw damaged(key, 'It is not the part that its name says.');
    return body;
  }

  /** What the header of the part that ends at byte `to` of an open segment says of its time; undefined when it says nothing or the part is gone. */
  async readPartMoment(segment: string, to: number): Promise<Date | undefined> {
    const prefix = `${walKey(this.#systemIdentifier, segment)}.part.`;
    const end = `-${to.toString(16).toUpperCase().padStart(8, '0')}-`;
    for await (const { key, sizeBytes } of this.#store.list(prefix)) {
      if (!key.slice(prefix.length).includes(end)) continue;
      try {
        const header = await readSealedHeader(this.#repository, 'part', { key, sizeBytes });
        const at = provenUntil(walHeader(header, key));
        if (at !== undefined) return at;
      } catch (error) {
        // The whole segment has come meanwhile, or this one is damaged and another says it.
        if (!isDbadminError(error, 'storage-missing') && !isOfOneObject(error)) throw error;
      }
    }
    return undefined;
  }

  #header(segment: string, from: number, bytes: Buffer, hash: string, times: WalTimes): WalHeader {
    return {
      systemIdentifier: this.#systemIdentifier,
      timeline: parseSegmentName(segment, this.segmentBytes).timeline,
      segment,
      sizeBytes: this.segmentBytes,
      from,
      to: from + bytes.byteLength,
      hash,
      receivedAt: times.receivedAt.toISOString(),
      ...(times.coveredUntil === undefined ? { coveredUntil: null } : { coveredUntil: times.coveredUntil.toISOString(), proven: true }),
    };
  }
}

/** Those of the parts that together reach furthest from byte 0. */
function chainOf<Part extends { readonly from: number; readonly to: number }>(parts: readonly Part[]): readonly Part[] {
  const chain: Part[] = [];
  let reach = 0;
  for (const part of parts.toSorted((a, b) => a.from - b.from || b.to - a.to)) {
    if (part.from > reach) break;
    if (part.to <= reach) continue;
    chain.push(part);
    reach = part.to;
  }
  return chain;
}

/** The header of a segment or part with its times. @throws {DbadminError} `repository-damaged` where one is none. */
function walHeader(header: Readonly<Record<string, unknown>>, key: string): WalHeader {
  const { receivedAt, coveredUntil } = header;
  const isTime = (value: unknown): boolean => typeof value === 'string' && !Number.isNaN(Date.parse(value));
  if (!isTime(receivedAt) || (coveredUntil !== null && !isTime(coveredUntil))) throw damaged(key, 'A time in its header is none.');
  return header as unknown as WalHeader;
}

/** @throws {DbadminError} `repository-damaged` where it is nothing that a server writes as the history of that timeline. */
function checkHistory(content: Buffer, timeline: number, key: string): void {
  const parent = linesOf(content, key).at(-1)?.timeline;
  if (parent === undefined) throw damaged(key, 'It does not say which timeline this one came from.');
  if (parent >= timeline) throw damaged(key, `It says that this timeline came from timeline ${parent}.`);
}

function linesOf(content: Buffer, key: string): TimelineHistory {
  try {
    return parseTimelineHistory(content.toString('utf8'));
  } catch (error) {
    if (!isDbadminError(error, 'wal-invalid') && !isDbadminError(error, 'lsn-invalid')) throw error;
    throw damaged(key, `It is not the history of a timeline: ${reasonOf(error)}.`, error);
  }
}

function says(header: Readonly<Record<string, unknown>>, values: object): boolean {
  return Object.entries(values).every(([field, value]) => header[field] === value);
}
