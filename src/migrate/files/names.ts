import { DbadminError } from '../../base/errors.ts';

/** What the name of a versioned file says: `20261121T093000_add_plays.sql`. */
export interface MigrationName {
  /** The base name with `.sql`. */
  readonly file: string;
  /** The digits before the first underscore, with their `T` where there is one. */
  readonly version: string;
  /** The rest, without `.sql`. Only letters, digits, `_` and `-`. */
  readonly title: string;
}

const NAME = /^(\d{8}T\d{6}|\d{1,17})_([A-Za-z0-9][A-Za-z0-9_-]*)\.sql$/;

/**
 * Version and title of a versioned file.
 *
 * @throws {DbadminError} `migration-invalid` for any other form; quotes and the like never come near SQL.
 */
export function parseMigrationName(file: string): MigrationName {
  const match = NAME.exec(file);
  const [version, title] = [match?.[1], match?.[2]];
  if (version !== undefined && title !== undefined) return { file, version, title };
  if (/\.(up|down)\.sql$/i.test(file)) {
    throw new DbadminError('migration-invalid', `${file}: up and down in files of their own are not supported`, {
      hint: 'Put both into one file, the undo below a line "-- dbadmin: down".',
    });
  }
  throw new DbadminError('migration-invalid', `${file}: not the name of a migration`, {
    detail: 'A name is a UTC time or a number, an underscore, then letters, digits, "_" and "-": 20261121T093000_add_plays.sql.',
    hint: 'Make files with dbadmin migrate new NAME, or move this one elsewhere.',
  });
}

/** Orders versions as numbers, whatever their length: `2` before `10`, both before `20261121T093000`. */
export function compareVersions(a: string, b: string): number {
  // Ten thousand files are compared a quarter of a million times: those of one form need no keys.
  if (a.length === b.length && (a.charAt(8) === 'T') === (b.charAt(8) === 'T')) return a < b ? -1 : a > b ? 1 : 0;
  const [left, right] = [sortKey(a), sortKey(b)];
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The digits that count; equal for `1` and `001`. */
export function sortKey(version: string): string {
  const time = version.indexOf('T');
  const digits = time < 0 ? version : version.slice(0, time) + version.slice(time + 1);
  let zeros = 0;
  while (zeros < digits.length - 1 && digits.charAt(zeros) === '0') zeros += 1;
  return zeros === 0 ? digits : digits.slice(zeros);
}

/** The version of a file made at `now`: after `newest`, also when this clock is behind the one that made it. */
export function nextVersion(now: Date, newest: string | undefined): string {
  const version = formatVersion(now);
  if (newest === undefined || compareVersions(version, newest) > 0) return version;
  const match = /^(\d{4})(\d\d)(\d\d)T?(\d\d)(\d\d)(\d\d)$/.exec(newest);
  if (match === null) return version;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return formatVersion(new Date(Date.UTC(year, month - 1, day, hour, minute, second + 1)));
}

/** `20261121T093000` of a moment, in UTC. */
export function formatVersion(moment: Date): string {
  return moment.toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
}

/** The title part of a file name made of what a person typed. */
export function titleOf(text: string): string {
  const title = text
    .trim()
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '_')
    .replaceAll(/^[_-]+|[_-]+$/g, '')
    .slice(0, 100);
  if (title !== '') return title;
  throw new DbadminError('usage', `"${text}" gives no file name`, { hint: 'Use letters, digits and underscores: add_device_family.' });
}
