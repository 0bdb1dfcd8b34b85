import { randomBytes } from 'node:crypto';
import os from 'node:os';
import { seal, unseal } from './envelope.ts';
import { CLEAR } from './keys.ts';
import { holdPrefix } from './layout.ts';
import { readOr, type DamagedObject } from './passed-over.ts';
import type { Repository } from './repository.ts';

/** Somebody's wish that a backup or dump stays. @see FORMAT.md "Holds" */
export interface Hold {
  /** Of the backup or dump. */
  readonly label: string;
  /** Tells it from other holds on the same: UTC time and random digits. */
  readonly name: string;
  readonly reason: string;
  /** Null: until it is released. */
  readonly until: Date | null;
  /** By the placer's clock. */
  readonly placedAt: Date;
  /** `who@host`. */
  readonly by: string;
}

const MAX_HOLD_BYTES = 64 * 1024;

/** Places a hold; `until` and `now` are this machine's clock. */
export async function placeHold(
  { store }: Repository,
  systemIdentifier: string,
  { label, reason, until, now }: { readonly label: string; readonly reason: string; readonly until: Date | null; readonly now: Date },
): Promise<Hold> {
  const name = placedName(now);
  const hold: Hold = { label, name, reason, until, placedAt: now, by: whoami() };
  const header = { kind: 'hold', label, reason, until: until?.toISOString() ?? null, placedAt: now.toISOString(), by: hold.by };
  await store.create(`${holdPrefix(systemIdentifier)}${label}/${name}`, await seal(CLEAR, 'hold', header, Buffer.alloc(0)));
  return hold;
}

/** Releases these holds of one label: the release is written down beside them, and who released it. */
export async function releaseHolds(
  { store }: Repository,
  systemIdentifier: string,
  { label, holds, reason, now }: { readonly label: string; readonly holds: readonly Hold[]; readonly reason: string; readonly now: Date },
): Promise<void> {
  const header = { kind: 'release', label, releases: holds.map(({ name }) => name), reason, placedAt: now.toISOString(), by: whoami() };
  await store.create(`${holdPrefix(systemIdentifier)}${label}/${placedName(now)}`, await seal(CLEAR, 'hold', header, Buffer.alloc(0)));
}

/**
 * The holds of a lineage that are not released, or of one label, expired ones among them. One that cannot be read holds what its
 * key names, until it is released like any other.
 */
export async function listHolds(repository: Repository, systemIdentifier: string, label?: string): Promise<readonly Hold[]> {
  const holds: Hold[] = [];
  const released = new Set<string>();
  const { store } = repository;
  const prefix = `${holdPrefix(systemIdentifier)}${label === undefined ? '' : `${label}/`}`;
  for await (const { key } of store.list(prefix)) {
    const damaged: DamagedObject[] = [];
    const header = await readOr(
      repository,
      key,
      damaged,
      async () => (await unseal(CLEAR, 'hold', await store.read(key), key, MAX_HOLD_BYTES)).header,
    );
    if (header === undefined) {
      if (damaged.length > 0) holds.push(unreadable(key.slice(holdPrefix(systemIdentifier).length)));
      continue;
    }
    if (header['kind'] === 'audit') continue;
    const of = String(header['label']);
    if (header['kind'] === 'release') {
      for (const name of header['releases'] as readonly string[]) released.add(`${of}/${name}`);
      continue;
    }
    const until = header['until'];
    holds.push({
      label: of,
      name: key.slice(key.lastIndexOf('/') + 1),
      reason: String(header['reason']),
      until: typeof until === 'string' ? new Date(until) : null,
      placedAt: new Date(String(header['placedAt'])),
      by: String(header['by']),
    });
  }
  return holds.filter((hold) => !released.has(`${hold.label}/${hold.name}`));
}

/** What is known of a hold that cannot be read. */
function unreadable(place: string): Hold {
  const [label = '', name = ''] = place.split('/');
  const [, day, time] = /^(\d{8})T(\d{6})Z/.exec(name) ?? [];
  const placedAt =
    day === undefined || time === undefined
      ? new Date(0)
      : new Date(`${day.replace(/(....)(..)(..)/, '$1-$2-$3')}T${time.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`);
  return { label, name, reason: 'it cannot be read, so it holds', until: null, placedAt, by: 'unknown' };
}

/** Whether a hold is in force by every clock there is: one that was set must not end it early. */
export function isInForce({ until }: Hold, clocks: readonly Date[]): boolean {
  return until === null || clocks.some((now) => now < until);
}

/** A name that orders by time, and that no other has. */
export function placedName(at: Date): string {
  return `${at.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${randomBytes(4).toString('hex')}`;
}

/** Who writes it down: `who@host`. */
export function whoami(): string {
  let user: string;
  try {
    user = os.userInfo().username;
  } catch {
    // A uid without an entry in the password file.
    user = String(process.getuid?.() ?? 'somebody');
  }
  return `${user}@${os.hostname()}`;
}
