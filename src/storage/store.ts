/**
 * One place where objects are kept: a directory, an S3 bucket and prefix, or memory. Everything above speaks only this.
 *
 * Keys are relative, `/`-separated, made of `[A-Za-z0-9._=-]` parts that are neither empty, `.` nor `..`, at most 700 bytes
 * with parts of at most 200, and no part ends in `.tmp` (see keys.ts). A key is never also the directory of another.
 * Objects are immutable by convention: callers write each key once. No method retries; that is a decorator's work.
 *
 * Errors, all {@link DbadminError}: `storage-missing` (no such object), `storage-exists` (create of a key that is there),
 * `storage-denied` (credentials or permissions), `storage-locked` (a lock on the object has not ended), `storage-full`, `storage-read-only`, `storage-unsupported` (the place
 * cannot keep the promise of a method), `repository-missing` (the root itself is not there: an unmounted directory, a
 * bucket that does not exist) and `storage-failed` for everything else. "Missing" is never guessed: a store that cannot
 * tell an absent object from an unreachable one says `storage-failed`. A wrong key is `internal`; an aborted signal
 * rejects with its reason.
 */
export interface ObjectStore {
  /** For messages: `/srv/backup`, `s3://bucket/prefix`. */
  readonly description: string;
  readonly capabilities: StoreCapabilities;

  /**
   * Writes an object that must not exist yet and returns once it is durable: data and directory synced on disk, the
   * server's confirmation checked on S3. Where {@link StoreCapabilities.conditionalCreate} is false the check is a look
   * before the write, and two writers at the same moment may both succeed. A failed create leaves nothing under the key,
   * or the whole object: with S3 a failure after the last byte can mean either.
   *
   * With `lockUntil` the object can be neither deleted nor replaced before that moment, by whomever: `storage-unsupported`
   * where {@link StoreCapabilities.locks} is false.
   */
  create(key: string, body: ObjectBody, options?: CreateOptions): Promise<void>;

  /** The whole object. For small ones: everything is in memory. */
  read(key: string, signal?: AbortSignal): Promise<Uint8Array>;

  /**
   * `lengthBytes` bytes from `offsetBytes`. Fewer available is `storage-failed`: a short answer is never passed on.
   *
   * What is given may be a view of `room`, which is for those who read much and use memory again: it is nobody else's until
   * the promise is settled, and nothing is written to it after that.
   */
  readRange(key: string, offsetBytes: number, lengthBytes: number, signal?: AbortSignal, room?: Uint8Array): Promise<Uint8Array>;

  /** The object in pieces, in order. */
  readStream(key: string, signal?: AbortSignal): AsyncIterable<Uint8Array>;

  /** Size and time of an object, or undefined when it is proven absent. */
  stat(key: string): Promise<StoredObject | undefined>;

  /** The objects whose keys begin with `prefix` (any prefix, not only whole parts), in ascending byte order of key. */
  list(prefix: string): AsyncIterable<StoredObject>;

  /**
   * Removes an object; absent is fine. Not synced: a deletion that a power cut undoes is asked for again. An object whose
   * lock has not ended is left alone, whatever a delete would do to it there: `storage-locked`. In a bucket that keeps versions it is
   * the version that goes. Where {@link StoreCapabilities.locks} is false, and a lock or the policy forbids that, the object is hidden.
   */
  delete(key: string): Promise<void>;

  /**
   * Removes everything whose key begins with `prefix`, for good: in a place that keeps versions, earlier ones too, and what was
   * deleted there before and is hidden only. What is locked is hidden. `partly-done` when everything else is gone, and some of it could
   * not be removed, or cannot be known to be gone.
   */
  erase(prefix: string): Promise<void>;

  /**
   * Locks an object until `until`, or finds that it is locked as long already ('kept'): no lock is ever shortened. A lock of a lesser mode than
   * the configured one is replaced; where the server refuses that, it is made to last, and this is 'lesser'.
   * `storage-missing` when it is not there; `storage-unsupported` where {@link StoreCapabilities.locks} is false.
   */
  extendLock(key: string, until: Date): Promise<LockOutcome>;

  /** What the place itself says of locks, asked now and whatever was configured: for checks. */
  lockSupport(): Promise<LockSupport>;

  /**
   * Removes what creates that never ended left behind (temporary files, unfinished multipart uploads), if begun before
   * `begunBefore`, and gives their number. Such leftovers are never listed or read. Choose a time that no running create is older than.
   * Uploads are only those of keys that `isOwn` knows: where there is no prefix, whoever shares the bucket has some, too. A temporary file
   * is known by its name.
   */
  removeUnfinished(begunBefore: Date, isOwn?: (key: string) => boolean): Promise<number>;

  /** Room left, or undefined where the store has no limit that it can tell. */
  freeBytes(): Promise<number | undefined>;

  /** Proves that the root is there and answers; throws as the interface says. */
  probe(): Promise<void>;

  close(): Promise<void>;
}

/** The content of a new object: at hand, or streamed with its size known or not. */
export type ObjectBody = Uint8Array | StreamedBody;

export interface CreateOptions {
  /** Asked when the request goes out where it is a function. */
  readonly lockUntil?: Date | (() => Date) | undefined;
}

export interface StreamedBody {
  readonly stream: AsyncIterable<Uint8Array>;
  /** Another length in the stream is `storage-failed`, and nothing is created. */
  readonly sizeBytes?: number;
  /** About how long the stream is, where `sizeBytes` is not known: for a store that has to choose the size of parts. No promise. */
  readonly expectedBytes?: number;
  /** What the stream does not exceed, where that is known and `sizeBytes` is not: no larger parts than needed are held in memory. */
  readonly mostBytes?: number;
  /** Whether each iteration of `stream` begins anew, as over a file: only then can a failed create be tried again. */
  readonly replayable?: boolean;
}

export interface StoredObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
  /** From `stat` alone, and where it is known: until when it can neither be deleted nor replaced. May lie in the past. */
  readonly lockedUntil?: Date;
  /** True when that lock, until it ends, can be lifted by some, and one that nobody can lift is configured. */
  readonly isLesserLock?: boolean;
}

/** What became of a lock that was to be extended. */
export type LockOutcome = 'extended' | 'kept' | 'lesser';

export interface StoreCapabilities {
  /** Whether {@link ObjectStore.create} is atomic among writers. */
  readonly conditionalCreate: boolean;
  /** Whether objects can be locked one by one. */
  readonly locks: boolean;
  /** For how many days what is to be kept is locked, where a decorator sees to that. */
  readonly lockDays?: number | undefined;
  /** How far the clock of the place, which decides when locks end, is ahead of this machine's, by its last answer; not at all unless given. */
  readonly clockAheadMs?: (() => number) | undefined;
}

export type LockSupport =
  /** `keepsVersions`: what is deleted or replaced may stay there, hidden. */
  | { readonly kind: 'none'; readonly keepsVersions?: boolean }
  /** `defaultDays`: objects made without a lock get one of so many days all the same. */
  | { readonly kind: 'per-object'; readonly defaultDays: number | undefined; readonly keepsVersions?: boolean }
  /** It cannot be asked; `detail` is a sentence. */
  | { readonly kind: 'unknown'; readonly detail: string };

/** Until when a new object is to be locked, as of now. */
export function lockMoment({ lockUntil }: CreateOptions): Date | undefined {
  return typeof lockUntil === 'function' ? lockUntil() : lockUntil;
}
