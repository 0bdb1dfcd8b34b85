const ISO = /^(\d{4}|\+\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** A time as the format writes it, ISO 8601 in UTC; undefined of all else: `new Date` makes a time of the year 2001 of `7` and of `soon 7`. */
export function parseMoment(stored: unknown): Date | undefined {
  if (typeof stored !== 'string' || !ISO.test(stored)) return undefined;
  const moment = new Date(stored);
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}

/** Clocks that are set differ by less: S3 refuses requests that are further off. */
const CLOCKS_DIFFER_MS = 15 * 60_000;

/**
 * When something came about of which a tool wrote `said` and that was stored at `storedAt`: as the tool has it, unless that has not come yet at `now`, for then its
 * clock was ahead, and the store's tells. That it was stored before `said` tells nothing: it may as well be the store's clock that was behind.
 */
export function momentOf(said: Date, storedAt: Date, now: Date): Date {
  return isAhead(said, now) ? storedAt : said;
}

/**
 * Whether a moment has not come yet at `now`: where the store is of the machine whose clock was ahead, its times are, too. Nothing tells how old such a thing is, and it
 * must not be taken for the newest until that moment has come.
 */
export function isAhead(moment: Date, now: Date): boolean {
  return moment.getTime() - now.getTime() > CLOCKS_DIFFER_MS;
}
