/** What commands end with, beside 0 and 1. Of errors `errors.ts` says it. */

/** Done in part: what is missing is named. */
export const IN_PART = 3;
/** All was taken, and only older backups or dumps did not expire: 3 would say that something was not taken, and have it taken again. */
export const NOT_EXPIRED = 4;
export const WRONG_USAGE = 64;
