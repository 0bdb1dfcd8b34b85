import { DbadminError, isDbadminError, messageOf } from '../base/errors.ts';
import type { ObjectStore, StoredObject } from '../storage/store.ts';
import { kindOfKey, levelIn, OBJECT_KINDS, type ObjectKind } from './layout.ts';
import { netBytesPerDay, type Level } from './levels.ts';
import { storeNow } from './store-clock.ts';

const DAY_MS = 86_400_000;
/** Growth is measured over so long, or since a day after the first backup where that is shorter. */
const GROWTH_DAYS = 7;
const MINUTE_MS = 60_000;
/** So many days the curve of what is kept goes back. */
const CURVE_DAYS = 90;

/** How full a repository is and how fast it fills. */
export interface RepositoryUsage {
  readonly objects: number;
  readonly usedBytes: number;
  /** Undefined where the store has no limit that it can tell. */
  readonly freeBytes: number | undefined;
  /** Why nothing can be written, or undefined. */
  readonly writeProblem: string | undefined;
  /**
   * What was stored in a day of late and is still there, less what went meanwhile of lineages of which two weeks of that are noted; undefined while there is
   * nothing to measure: until two days after the first backup.
   */
  readonly growthBytesPerDay: number | undefined;
  /** At that growth; undefined without a limit or growth. */
  readonly daysUntilFull: number | undefined;
  readonly kinds: Readonly<Record<ObjectKind, { readonly objects: number; readonly bytes: number }>>;
  /** By system identifier: what lies below it. */
  readonly lineages: ReadonlyMap<string, LineageUsage>;
  /** Of the last days that have any, oldest first: what had been stored until the end of that UTC day and is still there. */
  readonly curve: readonly { readonly day: string; readonly keptBytes: number }[];
}

export interface LineageUsage {
  readonly usedBytes: number;
  readonly packBytes: number;
  /** Packs that a collection has marked and a later one frees, and when the first and the last was marked, by the store's clock. */
  readonly marked: { readonly packs: number; readonly first: Date; readonly last: Date } | undefined;
}

/** Lists all of a repository and tries to write one small object. `now` is this machine's clock, used where the store's cannot be had. */
export async function measureUsage(store: ObjectStore, now: Date): Promise<RepositoryUsage> {
  const { at, writeProblem } = await tryToWrite(store, now);
  const since = at.getTime() - GROWTH_DAYS * DAY_MS;
  let objects = 0;
  let usedBytes = 0;
  const recent = new Recent(since);
  const breakdown = new Breakdown();
  for await (const object of store.list('')) {
    objects += 1;
    usedBytes += object.sizeBytes;
    breakdown.add(object);
    recent.add(object);
  }
  const freeBytes = await store.freeBytes();
  const growthBytesPerDay = recent.bytesPerDay(at.getTime());
  const daysUntilFull =
    freeBytes === undefined || growthBytesPerDay === undefined || growthBytesPerDay === 0
      ? undefined
      : Math.floor(freeBytes / growthBytesPerDay);
  return { objects, usedBytes, freeBytes, writeProblem, growthBytesPerDay, daysUntilFull, ...breakdown.result(at) };
}

/** What came in the last days, and how much there was, added up as a listing passes by. */
class Recent {
  readonly #sinceMs: number;
  #oldestMs = Number.POSITIVE_INFINITY;
  #firstContentMs = Number.POSITIVE_INFINITY;
  /** By the number of the minute. */
  readonly #minutes = new Map<number, number>();
  readonly #lineages = new Map<string, { bytes: number; readonly levels: Level[] }>();

  constructor(sinceMs: number) {
    this.#sinceMs = sinceMs;
  }

  add({ key, sizeBytes, modifiedAt }: StoredObject): void {
    const atMs = modifiedAt.getTime();
    const { kind, systemIdentifier = '' } = kindOfKey(key);
    const lineage = this.#lineages.get(systemIdentifier) ?? { bytes: 0, levels: [] };
    this.#lineages.set(systemIdentifier, lineage);
    const usedBytes = levelIn(key);
    if (usedBytes !== undefined) lineage.levels.push({ atMs, usedBytes });
    this.#oldestMs = Math.min(this.#oldestMs, atMs);
    if (kind === 'packs' || kind === 'dumps') this.#firstContentMs = Math.min(this.#firstContentMs, atMs);
    if (atMs < this.#sinceMs) return;
    lineage.bytes += sizeBytes;
    const minute = Math.floor(atMs / MINUTE_MS);
    this.#minutes.set(minute, (this.#minutes.get(minute) ?? 0) + sizeBytes);
  }

  /** In a repository that is younger, what the day of the first backup brought is no growth; undefined while there is less than a day behind that. */
  bytesPerDay(nowMs: number): number | undefined {
    if (this.#oldestMs < this.#sinceMs) {
      return [...this.#lineages.values()].reduce((sum, { bytes, levels }) => {
        const cameBytes = bytes / GROWTH_DAYS;
        return sum + Math.min(cameBytes, netBytesPerDay(levels, nowMs) ?? cameBytes);
      }, 0);
    }
    const begunMs = Number.isFinite(this.#firstContentMs) ? this.#firstContentMs : this.#oldestMs;
    const fromMs = begunMs + DAY_MS;
    if (!(nowMs - fromMs >= DAY_MS)) return undefined;
    let bytes = 0;
    for (const [minute, more] of this.#minutes) if (minute * MINUTE_MS >= fromMs) bytes += more;
    return bytes / ((nowMs - fromMs) / DAY_MS);
  }
}

/** What a listing is made of, added up as it passes by. */
class Breakdown {
  readonly #kinds = new Map<ObjectKind, { objects: number; bytes: number }>(OBJECT_KINDS.map((kind) => [kind, { objects: 0, bytes: 0 }]));
  readonly #lineages = new Map<string, { usedBytes: number; packBytes: number; marked: LineageUsage['marked'] }>();
  /** By the number of the UTC day. */
  readonly #days = new Map<number, number>();

  add({ key, sizeBytes, modifiedAt }: StoredObject): void {
    const { kind, systemIdentifier } = kindOfKey(key);
    const sum = this.#kinds.get(kind);
    if (sum !== undefined) {
      sum.objects += 1;
      sum.bytes += sizeBytes;
    }
    const day = Math.floor(modifiedAt.getTime() / DAY_MS);
    this.#days.set(day, (this.#days.get(day) ?? 0) + sizeBytes);
    if (systemIdentifier === undefined) return;
    const lineage = this.#lineages.get(systemIdentifier) ?? { usedBytes: 0, packBytes: 0, marked: undefined };
    this.#lineages.set(systemIdentifier, lineage);
    lineage.usedBytes += sizeBytes;
    if (kind === 'packs') lineage.packBytes += sizeBytes;
    if (kind === 'marks') lineage.marked = withMark(lineage.marked, modifiedAt);
  }

  result(now: Date): Pick<RepositoryUsage, 'kinds' | 'lineages' | 'curve'> {
    const days = [...this.#days].toSorted(([a], [b]) => a - b);
    const from = Math.floor(now.getTime() / DAY_MS) - CURVE_DAYS;
    let keptBytes = 0;
    const curve = days.flatMap(([day, bytes]) => {
      keptBytes += bytes;
      return day < from ? [] : [{ day: new Date(day * DAY_MS).toISOString().slice(0, 10), keptBytes }];
    });
    const kinds = Object.fromEntries(this.#kinds) as Record<ObjectKind, { objects: number; bytes: number }>;
    return { kinds, lineages: this.#lineages, curve };
  }
}

function withMark(before: LineageUsage['marked'], at: Date): LineageUsage['marked'] {
  if (before === undefined) return { packs: 1, first: at, last: at };
  return { packs: before.packs + 1, first: at < before.first ? at : before.first, last: at > before.last ? at : before.last };
}

async function tryToWrite(store: ObjectStore, now: Date): Promise<{ readonly at: Date; readonly writeProblem: string | undefined }> {
  try {
    return { at: await storeNow(store), writeProblem: undefined };
  } catch (error) {
    if (!(error instanceof DbadminError) || isDbadminError(error, 'internal')) throw error;
    return { at: now, writeProblem: messageOf(error) };
  }
}
