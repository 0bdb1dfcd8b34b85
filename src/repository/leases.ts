import { randomBytes } from 'node:crypto';
import os from 'node:os';
import type { Clock } from '../base/clock.ts';
import { formatDuration } from '../base/durations.ts';
import { DbadminError, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import {
  claimSequence,
  dropEarlier,
  readLease,
  type LeaseName,
  type LeaseOwner,
  type LeaseRecord,
  type LeaseState,
} from './lease-objects.ts';
import { withoutPatience } from '../storage/patience.ts';
import { hasEnded, processIdentity } from './process-identity.ts';
import type { Repository } from './repository.ts';
import { storeNow } from './store-clock.ts';

/** How long a lease counts without a sign of life, by the store's clock. */
export const LEASE_TTL_MS = 180_000;
/** Renewals come this much more often. */
const RENEWALS_PER_TTL = 3;
/** And so much more often while they fail: when the storage is back the lease is to be seen alive before others have watched it for long. */
const RETRIES_PER_TTL = 12;
const ACQUIRE_ATTEMPTS = 5;
const ASK_AGAIN_MS = 5000;
/** S3 tells the time of one object in whole seconds, and many a server parts of a second in a listing: a lease of this moment seems to come later. */
const WHOLE_SECONDS_MS = 1000;
/** Between two looks of `checkAgain`: much less than whoever wants the lease watches it in silence. */
const LOOK_AGAIN_MS = 10_000;

export interface LeaseOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** What holds it, for whoever finds it held: `backup run`. */
  readonly command: string;
  readonly ttlMs?: number;
  /** Waiting to see whether a holder still lives ends when this is aborted. */
  readonly signal?: AbortSignal;
}

/** The right to do something that one at a time may do, until it is released. */
export interface Lease {
  /**
   * Makes sure, by looking, that nobody has taken it over: to be called right before what must not be done twice.
   *
   * @throws {DbadminError} `locked` when somebody has.
   */
  check(): Promise<void>;
  /**
   * As `check`, for each of many steps: looks only where seconds have passed since the last look. Nobody takes a lease over that was looked
   * at so lately, unless a person breaks it; and who was suspended has slept longer.
   */
  checkAgain(): Promise<void>;
  /**
   * As `check`, for when something was done that cannot be left undecided: a storage that does not answer is asked again for as long
   * as the lease lasts without a sign of life.
   *
   * @throws {DbadminError} `locked` when somebody has it; the last failure of the storage when it is not known.
   */
  checkPatiently(): Promise<void>;
  /** Gives it up. Never throws: what is not released expires. */
  release(): Promise<void>;
}

/**
 * Acquires a lease of a lineage: `backup` for whoever writes backups of it, `expire` for whoever removes any, `wal` for the
 * worker that keeps its WAL being received. It is renewed
 * in the background until it is released. Where the store cannot refuse a second create, it only warns people of each other.
 *
 * Whether another's lease has expired is judged by the store's clock alone, and then by watching it for a while: a lease
 * that is renewed lives, whatever any clock says. A holder whose process ended on this machine is known to be gone at once.
 *
 * @throws {DbadminError} `locked` when somebody holds it; storage failures.
 */
export async function acquireLease(
  repository: Repository,
  systemIdentifier: string,
  name: LeaseName,
  options: LeaseOptions,
): Promise<Lease> {
  const { store } = repository;
  if (!store.capabilities.conditionalCreate)
    options.log.warn(`${store.description} does not refuse to create an object that exists: see to it that one run at a time writes there`);
  const ttlMs = options.ttlMs ?? LEASE_TTL_MS;
  const holding = randomBytes(16).toString('hex');
  const owner = await ownerOf(options.command);
  const record = { state: 'held' as const, holding, owner, since: options.clock.now().toISOString(), ttlMs };
  for (let attempt = 1; attempt <= ACQUIRE_ATTEMPTS; attempt += 1) {
    const found = await readLease(store, systemIdentifier, name);
    if (found !== undefined && (await isAlive(repository, systemIdentifier, name, found, options)))
      throw heldByAnother(repository, name, found);
    if (found?.state === 'held') {
      options.log.warn(
        `${describeOwner(found)} left its ${name} lease on ${store.description} behind; it has ended, and the lease is taken over`,
      );
    }
    const sequence = (found?.sequence ?? 0) + 1;
    if (await claimSequence(store, systemIdentifier, name, sequence, record)) {
      await dropEarlier(store, systemIdentifier, name, sequence);
      return new HeldLease(repository, systemIdentifier, name, { ...record, sequence }, options);
    }
  }
  const winner = await readLease(store, systemIdentifier, name);
  throw winner === undefined
    ? new DbadminError('locked', `the ${name} lease on ${store.description} could not be acquired: others want it at the same moment`)
    : heldByAnother(repository, name, winner);
}

/**
 * Who holds a lease now, or undefined when nobody does. A holder that has shown no sign of life is shut out for good before
 * it is called gone: should it wake up, its `check` fails.
 */
export async function holderOf(
  repository: Repository,
  systemIdentifier: string,
  name: LeaseName,
  options: LeaseOptions,
): Promise<LeaseState | undefined> {
  const found = await readLease(repository.store, systemIdentifier, name);
  if (found === undefined || found.state === 'released') return undefined;
  if (await isAlive(repository, systemIdentifier, name, found, options)) return found;
  if (await shutOut(repository, systemIdentifier, name, found)) return undefined;
  return await readLease(repository.store, systemIdentifier, name);
}

/** Ends a lease whoever holds it; says whether it was still this holding's. Its holder finds out at its next `check`. */
export async function shutOut(
  { store }: Repository,
  systemIdentifier: string,
  name: LeaseName,
  { sequence, state: _state, modifiedAt: _modifiedAt, ...record }: LeaseState,
): Promise<boolean> {
  return await claimSequence(store, systemIdentifier, name, sequence + 1, { ...record, state: 'released' });
}

async function isAlive(
  repository: Repository,
  systemIdentifier: string,
  name: LeaseName,
  found: LeaseState,
  { clock, signal, log }: LeaseOptions,
): Promise<boolean> {
  if (found.state === 'released') return false;
  if (found.owner.process !== null && (await hasEnded(found.owner.process))) return false;
  const ageMs = (await storeNow(repository.store)).getTime() - found.modifiedAt.getTime();
  if (ageMs > -WHOLE_SECONDS_MS && ageMs < found.ttlMs) return true;
  // A clock that was set makes a living lease look old, and an old one young: only its silence proves anything.
  const watchMs = ageMs < 0 ? found.ttlMs : found.ttlMs / 2;
  log.warn(
    `${describeOwner(found)} holds the ${name} lease on ${repository.store.description} and shows no sign of life: watching it for ${formatDuration(watchMs)}`,
  );
  await clock.sleep(watchMs, signal);
  const later = await readLease(repository.store, systemIdentifier, name);
  if (later === undefined || later.state === 'released') return false;
  return later.sequence !== found.sequence;
}

class HeldLease implements Lease {
  readonly #repository: Repository;
  readonly #systemIdentifier: string;
  readonly #name: LeaseName;
  readonly #options: LeaseOptions;
  readonly #stop = new AbortController();
  readonly #renewing: Promise<void>;
  #state: Omit<LeaseState, 'modifiedAt'>;
  #lost = false;
  /** By both clocks: one stands still while the machine sleeps, and the other may be set. */
  #lookedAt = { ms: Number.NEGATIVE_INFINITY, ticksMs: Number.NEGATIVE_INFINITY };

  constructor(
    repository: Repository,
    systemIdentifier: string,
    name: LeaseName,
    state: Omit<LeaseState, 'modifiedAt'>,
    options: LeaseOptions,
  ) {
    this.#repository = repository;
    this.#systemIdentifier = systemIdentifier;
    this.#name = name;
    this.#state = state;
    this.#options = options;
    this.#renewing = this.#renew();
  }

  async check(): Promise<void> {
    const lookedAt = this.#now();
    const found = this.#lost ? undefined : await readLease(this.#repository.store, this.#systemIdentifier, this.#name);
    if (found?.holding === this.#state.holding && found.state === 'held') {
      this.#lookedAt = lookedAt;
      return;
    }
    this.#lost = true;
    throw new DbadminError('locked', `the ${this.#name} lease on ${this.#repository.store.description} was lost`, {
      detail: `${found === undefined ? 'It is gone' : `${describeOwner(found)} has ${found.state} it`}: this run showed no sign of life for too long, or the lease was broken.`,
      hint: 'What was done until then stays; run it again.',
    });
  }

  async checkAgain(): Promise<void> {
    const { ms, ticksMs } = this.#now();
    const passedMs = Math.max(Math.abs(ms - this.#lookedAt.ms), ticksMs - this.#lookedAt.ticksMs);
    if (this.#lost || passedMs >= LOOK_AGAIN_MS) await this.check();
  }

  #now(): { readonly ms: number; readonly ticksMs: number } {
    return { ms: this.#options.clock.now().getTime(), ticksMs: performance.now() };
  }

  async checkPatiently(): Promise<void> {
    const { clock, log, signal } = this.#options;
    const { store } = this.#repository;
    const untilMs = clock.now().getTime() + this.#state.ttlMs;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.check();
        return;
      } catch (error) {
        const mayPass = error instanceof DbadminError && error.retryable && error.code !== 'locked';
        if (!mayPass || clock.now().getTime() + ASK_AGAIN_MS > untilMs) throw error;
        if (attempt === 1)
          log.warn(`whether the ${this.#name} lease on ${store.description} is still held is asked again: ${error.message}`);
        await clock.sleep(ASK_AGAIN_MS, signal);
      }
    }
  }

  async release(): Promise<void> {
    this.#stop.abort();
    await this.#renewing;
    if (this.#lost) return;
    const { sequence, ...record } = this.#state;
    const { store } = this.#repository;
    try {
      if (await this.#succeed(sequence + 1, { ...record, state: 'released' })) return;
      // A renewal whose answer was lost may have that number.
      const found = await withoutPatience(async () => await readLease(store, this.#systemIdentifier, this.#name));
      if (found?.holding === record.holding && found.state === 'held')
        await this.#succeed(found.sequence + 1, { ...record, state: 'released' });
    } catch (error) {
      this.#options.log.warn(`the ${this.#name} lease on ${store.description} could not be released, and expires: ${messageOf(error)}`);
    }
  }

  /**
   * Puts a new object of the lease over the one before; says whether it could. Nobody waits minutes for that: the next renewal comes soon,
   * and what is not released expires.
   */
  async #succeed(sequence: number, record: LeaseRecord): Promise<boolean> {
    const { store } = this.#repository;
    return await withoutPatience(async () => {
      const isOurs = await claimSequence(store, this.#systemIdentifier, this.#name, sequence, record);
      if (isOurs) await dropEarlier(store, this.#systemIdentifier, this.#name, sequence);
      return isOurs;
    });
  }

  async #renew(): Promise<void> {
    const { clock, log } = this.#options;
    const { store } = this.#repository;
    let isFailing = false;
    for (;;) {
      try {
        await clock.sleep(this.#state.ttlMs / (isFailing ? RETRIES_PER_TTL : RENEWALS_PER_TTL), this.#stop.signal);
      } catch {
        return;
      }
      try {
        const { sequence, ...record } = this.#state;
        if (!(await this.#succeed(sequence + 1, record))) {
          this.#lost = true;
          log.warn(`the ${this.#name} lease on ${store.description} was taken over`);
          return;
        }
        isFailing = false;
        this.#state = { ...this.#state, sequence: sequence + 1 };
      } catch (error) {
        if (!isFailing) log.warn(`the ${this.#name} lease on ${store.description} could not be renewed: ${messageOf(error)}`);
        isFailing = true;
      }
    }
  }
}

async function ownerOf(command: string): Promise<LeaseOwner> {
  return { command, host: os.hostname(), pid: process.pid, process: (await processIdentity()) ?? null };
}

/** `backup run (process 4711 on db1, since 2026-11-21T20:30:01Z)`. */
export function describeOwner({ owner, since }: Pick<LeaseState, 'owner' | 'since'>): string {
  return owner.pid === 0 ? owner.command : `${owner.command} (process ${owner.pid} on ${owner.host}, since ${since})`;
}

function heldByAnother({ store }: Repository, name: LeaseName, found: LeaseState): DbadminError {
  return new DbadminError('locked', `${store.description} is locked by ${describeOwner(found)}`, {
    detail: `It holds the ${name} lease; its last sign of life was at ${found.modifiedAt.toISOString()} by the storage's clock.`,
    hint: `Wait until it has ended. A holder that died is found out ${formatDuration(found.ttlMs)} after its last sign of life; if you know that it is gone, dbadmin repository unlock breaks the lease.`,
  });
}
