import type { DumpFormat } from './manifest.ts';

/** Keys of logical dumps: `<prefix>dumps/<label>/<database>.dump` or, of the directory format, `.tar`, `globals.sql`, and the manifest that makes them a dump, written last. */

export function dumpPrefix(keyPrefix: string): string {
  return `${keyPrefix}dumps/`;
}

/** A database's name may hold any character: those that keys do not have stand as `=` and two hex digits for each byte of UTF-8. */
export function dumpKey(keyPrefix: string, label: string, database: string, format: DumpFormat = 'custom'): string {
  const name = [...Buffer.from(database)].map(encodeByte).join('');
  return `${dumpPrefix(keyPrefix)}${label}/${name}.${format === 'directory' ? 'tar' : 'dump'}`;
}

/** Roles, tablespaces and settings, as SQL. */
export function dumpGlobalsKey(keyPrefix: string, label: string): string {
  return `${dumpPrefix(keyPrefix)}${label}/globals.sql`;
}

export function dumpManifestKey(keyPrefix: string, label: string): string {
  return `${dumpPrefix(keyPrefix)}${label}/manifest.json`;
}

/** A dump's label from when it began: `20261121T203001Z-dump`. */
export function dumpLabel(startedAt: Date): string {
  return `${startedAt.toISOString().replace(/[-:]|\.\d+/g, '')}-dump`;
}

function encodeByte(byte: number): string {
  const letter = String.fromCharCode(byte);
  return /[A-Za-z0-9._-]/.test(letter) ? letter : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}
