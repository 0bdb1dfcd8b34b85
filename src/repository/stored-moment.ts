/** Clocks that are set differ by less: S3 refuses requests that are further off. */
const CLOCKS_DIFFER_MS = 15 * 60_000;

/**
 * When something came about of which a tool wrote `said` and that was stored at `storedAt`. Nothing is stored before it came about, so a clock that was ahead by more than
 * clocks differ is told by the store's; that a copy was stored later says nothing.
 */
export function momentOf(said: Date, storedAt: Date): Date {
  return said.getTime() - storedAt.getTime() > CLOCKS_DIFFER_MS ? storedAt : said;
}

/**
 * Whether a moment has not come yet at `now`: where the store is of the machine whose clock was ahead, its times are, too. Nothing tells how old such a thing is, and it
 * must not be taken for the newest until that moment has come.
 */
export function isAhead(moment: Date, now: Date): boolean {
  return moment.getTime() - now.getTime() > CLOCKS_DIFFER_MS;
}
