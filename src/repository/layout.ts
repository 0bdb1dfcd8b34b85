import { formatLsn, parseLsn } from '../postgres/lsn.ts';

/** Object keys. @see FORMAT.md "Keys" */

export const IDENTITY_KEY = 'dbadmin-repository';
export const KEYS_PREFIX = 'keys/';

/** `id` is 16 hex digits. */
export function keyObjectKey(id: string): string {
  return `${KEYS_PREFIX}${id}`;
}

const hex8 = (value: number): string => value.toString(16).toUpperCase().padStart(8, '0');

export const CLUSTER_PREFIX = 'clusters/';

/** Apart from the lineages, so that finding them does not list their content. */
export function clusterKey(systemIdentifier: string): string {
  return `${CLUSTER_PREFIX}${systemIdentifier}`;
}

export function packKey(systemIdentifier: string, pack: string): string {
  return `${systemIdentifier}/packs/${pack.slice(0, 2)}/${pack}`;
}

export function packPrefix(systemIdentifier: string): string {
  return `${systemIdentifier}/packs/`;
}

/**
 * The name of the pack that lies under `key`. Undefined for what lies among the packs and is none, such as one that somebody moved aside
 * (`old-<name>`, `<name>.bad`) or copied to another place: nobody finds its content there, and it must not pass for the pack.
 */
export function packAt(systemIdentifier: string, key: string): string | undefined {
  const pack = key.slice(key.lastIndexOf('/') + 1);
  return /^[0-9a-f]{32}$/.test(pack) && key === packKey(systemIdentifier, pack) ? pack : undefined;
}

export function indexPrefix(systemIdentifier: string): string {
  return `${systemIdentifier}/indexes/`;
}

export function backupPrefix(systemIdentifier: string): string {
  return `${systemIdentifier}/backups/`;
}

export function backupKey(systemIdentifier: string, label: string): string {
  return `${backupPrefix(systemIdentifier)}${label}`;
}

export function walPrefix(systemIdentifier: string, timeline?: number): string {
  return timeline === undefined ? `${systemIdentifier}/wal/` : `${systemIdentifier}/wal/${hex8(timeline)}/`;
}

export function walKey(systemIdentifier: string, segment: string): string {
  return `${systemIdentifier}/wal/${segment.slice(0, 8)}/${segment}`;
}

/** `from` and `to` are byte offsets in the segment; `nonce` keeps two writers' parts apart. */
export function partKey(systemIdentifier: string, segment: string, from: number, to: number, nonce: string): string {
  return `${walKey(systemIdentifier, segment)}.part.${hex8(from)}-${hex8(to)}-${nonce}`;
}

/** Without the end, a horizon is one of an earlier version. */
export const PROVEN_HORIZON = '.proven';

export function horizonPrefix(systemIdentifier: string, timeline: number): string {
  return `${walPrefix(systemIdentifier, timeline)}horizon.`;
}

export function horizonKey(systemIdentifier: string, timeline: number, lsn: bigint, at: Date, nonce: string): string {
  return `${horizonPrefix(systemIdentifier, timeline)}${formatLsn(lsn).replace('/', '_')}-${at.getTime()}-${nonce}${PROVEN_HORIZON}`;
}

export function historyKey(systemIdentifier: string, timeline: number): string {
  return `${systemIdentifier}/wal/${hex8(timeline)}.history`;
}

/** Leases of a lineage lie below it by name and number. */
export function leasePrefix(systemIdentifier: string, name: string): string {
  return `${systemIdentifier}/leases/${name}/`;
}

export function markPrefix(systemIdentifier: string): string {
  return `${systemIdentifier}/marks/`;
}

export function holdPrefix(systemIdentifier: string): string {
  return `${systemIdentifier}/holds/`;
}

export function gapPrefix(systemIdentifier: string): string {
  return `${systemIdentifier}/gaps/`;
}

/** WAL of `timeline` from `fromLsn` up to and not including `toLsn` is lost. */
export function gapKey(systemIdentifier: string, timeline: number, fromLsn: bigint, toLsn: bigint): string {
  return `${gapPrefix(systemIdentifier)}${hex8(timeline)}-${formatLsn(fromLsn).replace('/', '_')}-${formatLsn(toLsn).replace('/', '_')}`;
}

export function letGoPrefix(systemIdentifier: string): string {
  return `${systemIdentifier}/expired/`;
}

/** Retention let go of the WAL of `timeline` before `lsn`. */
export function letGoKey(systemIdentifier: string, timeline: number, lsn: bigint): string {
  return `${letGoPrefix(systemIdentifier)}${hex8(timeline)}-${formatLsn(lsn).replace('/', '_')}`;
}

export function levelPrefix(systemIdentifier: string): string {
  return `${letGoPrefix(systemIdentifier)}level-`;
}

/** So many bytes lay in a lineage at that time of the writer's clock. */
export function levelKey(systemIdentifier: string, at: Date, usedBytes: number): string {
  return `${levelPrefix(systemIdentifier)}${at.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${usedBytes}`;
}

/** How many bytes such a key says; undefined of what is none. */
export function levelIn(key: string): number | undefined {
  const [, bytes] = /^\d+\/expired\/level-\d{8}T\d{6}Z-(\d{1,15})$/.exec(key) ?? [];
  return bytes === undefined ? undefined : Number(bytes);
}

/** What the last part of a record's key says; undefined of what is none. */
export function timelineAndLsnIn(name: string): { readonly timeline: number; readonly lsn: bigint } | undefined {
  const [, timeline, lsn] = /^([0-9A-F]{8})-([0-9A-F]{1,8}_[0-9A-F]{1,8})$/.exec(name) ?? [];
  if (timeline === undefined || lsn === undefined) return undefined;
  return { timeline: Number.parseInt(timeline, 16), lsn: parseLsn(lsn.replace('_', '/')) };
}

/** What the server archives of a segment that its timeline left unfinished, beside the segment itself. */
export function partialKey(systemIdentifier: string, segment: string): string {
  return `${walKey(systemIdentifier, segment)}.partial`;
}

/** A backup history file: `name` is that of the file, `<segment>.<offset>.backup`. */
export function backupHistoryKey(systemIdentifier: string, name: string): string {
  return walKey(systemIdentifier, name);
}

/** What objects are kept for; `reports` are those of drills and verifications, `identity` also keys and the names of clusters. */
export const OBJECT_KINDS = [
  'packs',
  'indexes',
  'manifests',
  'wal',
  'dumps',
  'reports',
  'leases',
  'marks',
  'ledger',
  'identity',
  'other',
] as const;
export type ObjectKind = (typeof OBJECT_KINDS)[number];

const AREAS: Readonly<Record<string, ObjectKind>> = {
  packs: 'packs',
  indexes: 'indexes',
  backups: 'manifests',
  wal: 'wal',
  gaps: 'wal',
  expired: 'wal',
  dumps: 'dumps',
  drills: 'reports',
  verifications: 'reports',
  leases: 'leases',
  marks: 'marks',
  holds: 'ledger',
  ledger: 'ledger',
};

/** What the object of a key is kept for, and for which lineage where it is one's. */
export function kindOfKey(key: string): { readonly kind: ObjectKind; readonly systemIdentifier: string | undefined } {
  const [first = '', area = ''] = key.split('/', 2);
  if (/^\d+$/.test(first)) return { kind: AREAS[area] ?? 'other', systemIdentifier: first };
  return { kind: first === IDENTITY_KEY || first === 'keys' || first === 'clusters' ? 'identity' : 'other', systemIdentifier: undefined };
}
