import { DbadminError } from '../base/errors.ts';

const LSN_FORM = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/**
 * The byte position in the WAL that a text such as `0/5A0C3E10` names.
 *
 * @throws {DbadminError} `lsn-invalid` when `text` has another form.
 * @see https://www.postgresql.org/docs/current/datatype-pg-lsn.html
 */
export function parseLsn(text: string): bigint {
  const match = LSN_FORM.exec(text);
  if (match === null) {
    throw new DbadminError('lsn-invalid', `"${text}" is not a WAL position`, {
      hint: 'Write it as PostgreSQL prints it: two hexadecimal numbers with a slash between, such as 0/5A0C3E10.',
    });
  }
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

/** A WAL position as PostgreSQL prints it: `0/5A0C3E10`. */
export function formatLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffffffffn).toString(16).toUpperCase()}`;
}

/** Orders WAL positions given as text, for `sort`; positions of one timeline only. */
export function compareLsns(a: string, b: string): number {
  const [aHigh = '0', aLow = '0'] = a.split('/');
  const [bHigh = '0', bLow = '0'] = b.split('/');
  return Number.parseInt(aHigh, 16) - Number.parseInt(bHigh, 16) || Number.parseInt(aLow, 16) - Number.parseInt(bLow, 16);
}
