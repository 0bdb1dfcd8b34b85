import { isDbadminError } from '../../base/errors.ts';
import { compareVersions, sortKey, titleOf } from '../files/names.ts';
import type { Joined } from './source.ts';

export interface EntryName {
  readonly version: string;
  /** What stands behind the underscore of the file's name. */
  readonly title: string;
}

const TITLE = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;

/**
 * Versions for migrations in the order they are given in. The other tool's own where all have dbadmin's form and keep that order;
 * else numbers from 1 on, with Flyway's `1.2` kept in the title. One that was imported before keeps what it got then.
 */
export function nameEntries(entries: readonly Joined[], imported: ReadonlyMap<string, string>): ReadonlyMap<Joined, EntryName> {
  const own = entries.map(ownVersion);
  const natural = own.every((version, at) => {
    const before = own[at - 1];
    return version !== undefined && (at === 0 || (before !== undefined && compareVersions(before, version) < 0));
  });
  const width = Math.max(4, String(entries.length).length);
  const taken = new Set([...imported.values()].map(sortKey));
  let newest = [...imported.values()].sort(compareVersions).at(-1) ?? '0';
  return new Map(
    entries.map((entry, at): [Joined, EntryName] => {
      const written = entry.unit?.title ?? entry.label;
      const isPart = !natural && /^V\d/.test(entry.label);
      const title = titleFrom(isPart ? `${entry.label.toLowerCase()}_${written}` : written);
      const before = imported.get(entry.reason);
      if (before !== undefined) return [entry, { version: before, title }];
      let version = (natural ? own[at] : undefined) ?? String(at + 1).padStart(width, '0');
      if (taken.has(sortKey(version))) version = String(BigInt(sortKey(newest)) + 1n).padStart(width, '0');
      taken.add(sortKey(version));
      if (compareVersions(version, newest) > 0) newest = version;
      return [entry, { version, title }];
    }),
  );
}

/** The tool's own number; of a row without a file, the digits it begins with. */
function ownVersion({ unit, label, order }: Joined): string | undefined {
  if (unit !== undefined) return unit.version;
  const [digits = ''] = order;
  return order.length === 1 && digits.length <= 14 && digits !== '0' && /^V?\d/.test(label) ? digits : undefined;
}

function titleFrom(written: string): string {
  if (TITLE.test(written)) return written;
  try {
    return titleOf(written);
  } catch (error) {
    if (!isDbadminError(error, 'usage')) throw error;
    return 'migration';
  }
}
