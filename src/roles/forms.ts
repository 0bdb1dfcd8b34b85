/**
 * Settings that the server writes expressions and names by, out of its catalogs: what one login reads is compared with what another wrote down
 * or made. A constant in an expression means the same with them, but for a moment without a zone, which is one of UTC.
 *
 * DateStyle keeps the order of day and month, which is how a text such as 05/11/2026 is understood.
 */
export const FIXED_FORMS = {
  search_path: '',
  timezone: 'UTC',
  datestyle: 'ISO',
  quote_all_identifiers: 'off',
  bytea_output: 'hex',
  extra_float_digits: '1',
} as const;

/**
 * The others. The server also reads by these: `interval '-1 2:03:04'` is another one where IntervalStyle is sql_standard. So they hold only
 * while it writes, and what the file says means to a login what it means in its other sessions.
 */
export const WRITTEN_FORMS = { intervalstyle: 'postgres', lc_monetary: 'C' } as const;

/**
 * Those of them for a file that another login may read. In this style each field of an interval has its own sign, and every login takes it for the
 * same. An amount of money has no such form: it is written as the login reads it, or the file would mean another amount to it.
 */
export const FILE_FORMS = { intervalstyle: WRITTEN_FORMS.intervalstyle } as const;
