/** What commands end with, beside 0 and 1. Of errors `errors.ts` says it. */

/** A plan or a check that found something: drift, pending, not in sync. */
export const DIFFERS = 2;
/** Done in part: what is missing is named. */
export const IN_PART = 3;
/** All was taken, and only older backups or dumps did not expire, or the room they took is not freed: 3 would say that something was not taken, and have it taken again. */
export const NOT_EXPIRED = 4;
export const WRONG_USAGE = 64;
/** Done, and what it printed could not be written (EX_IOERR of sysexits.h). Not 1, for which a schedule would do it again. */
export const NOT_PRINTED = 74;
