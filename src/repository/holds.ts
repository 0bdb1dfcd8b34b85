import { randomBytes } from 'node:crypto';
import os from 'node:os';
import { damaged, seal, unseal } from './envelope.ts';
import { CLEAR } from './keys.ts';
import { holdPrefix } from './layout.ts';
import { readOr, type DamagedObject } from './passed-over.ts';
import type { Repository } from './repository.ts';
import { parseMoment } from './stored-moment.ts';

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
  const all = holdPrefix(systemIdentifier);
  for await (const { key } of store.list(`${all}${label === undefined ? '' : `${label}/`}`)) {
    const found: DamagedObject[] = [];
    const { label: of, name } = placeIn(key);
    const said = await readOr(repository, key, found, async () => {
      const { header } = await unseal(CLEAR, 'hold', await store.read(key), key, MAX_HOLD_BYTES);
      return saidAt(header, key);
    });
    if (said === undefined) {
      if (found.length > 0) holds.push(unreadable(of, name));
    } else if (said.kind === 'hold') holds.push(said.hold);
    else for (const each of said.releases) released.add(`${of}/${each}`);
  }
  return holds.filter((hold) => !released.has(`${hold.label}/${hold.name}`));
}

type Said = { readonly kind: 'hold'; readonly hold: Hold } | { readonly kind: 'release'; readonly releases: readonly string[] };

/** Whether an object below the holds is a finding about an audit, by its key. */
export function isFinding(key: string): boolean {
  return key.endsWith(FINDING_SUFFIX);
}

export const FINDING_SUFFIX = '.audit';

/** What the key of an object below the holds says: `<system identifier>/holds/<label>/<name>`. */
function placeIn(key: string): Pick<Hold, 'label' | 'name'> {
  const [, , label = '', name = ''] = key.split('/');
  return { label, name };
}

/**
 * What an object below the holds says; a finding releases nothing. One of another label than its key's would hold another, and not this one.
 *
 * @throws {DbadminError} `repository-damaged`.
 */
export function saidAt(header: Readonly<Record<string, unknown>>, key: string): Said {
  const { kind, releases, until, reason, by } = header;
  const { label, name } = placeIn(key);
  if (header['label'] !== label) throw damaged(key, `It says that it is of ${String(header['label'])}.`);
  if (kind === 'audit' && isFinding(key)) return { kind: 'release', releases: [] };
  if (kind === 'audit') throw damaged(key, 'It is a finding about an audit, and its name is that of a hold.');
  if (kind === 'release') {
    if (!Array.isArray(releases)) throw damaged(key, 'It does not say what it releases.');
    return { kind, releases: releases.map(String) };
  }
  const placedAt = parseMoment(header['placedAt']);
  const end = (until ?? null) === null ? null : parseMoment(until);
  if (placedAt === undefined || end === undefined) throw damaged(key, 'A time in its header is none.');
  return {
    kind: 'hold',
    hold: { label, name, reason: textOr(reason, ''), until: end, placedAt, by: textOr(by, 'unknown') },
  };
}

function textOr(value: unknown, other: string): string {
  return typeof value === 'string' ? value : other;
}

/** What is known of a hold that cannot be read. */
function unreadable(label: string, name: string): Hold {
  const [, day = '', time = ''] = /^(\d{8})T(\d{6})Z/.exec(name) ?? [];
  const placedAt = new Date(`${day.replace(/(....)(..)(..)/, '$1-$2-$3')}T${time.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`);
  const at = Number.isNaN(placedAt.getTime()) ? new Date(0) : placedAt;
  return { label, name, reason: 'it cannot be read, so it holds', until: null, placedAt: at, by: 'unknown' };
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
