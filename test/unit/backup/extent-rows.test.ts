import { expect, test } from 'vitest';
import { ExtentRows } from '../../../src/backup/take/extent-rows.ts';

/** More than stay in memory. */
const ROWS = 100 * 8192 + 17;

type Row = readonly [offset: number, length: number, blob: number, from: number];

function rowOf(n: number): Row {
  return [n * 8192, 1 + (n % 8192), n % 3 === 0 ? ~n : n, n % 1_000_003];
}

function filled(): ExtentRows {
  const rows = new ExtentRows();
  for (let n = 0; n < ROWS; n += 1) rows.put(...rowOf(n));
  return rows;
}

/** Of rows that are visited from `first` on: the first that is not what was put. */
function wrongOf(first: number): { readonly visit: (...row: Row) => void; wrong: number | undefined; next: number } {
  const seen = {
    next: first,
    wrong: undefined as number | undefined,
    visit: (...row: Row): void => {
      if (!rowOf(seen.next).every((value, place) => value === row[place])) seen.wrong ??= seen.next;
      seen.next += 1;
    },
  };
  return seen;
}

test('rows that were set aside come back as they were put, in order and by number', () => {
  const rows = filled();
  for (let round = 0; round < 2; round += 1) {
    const seen = wrongOf(0);
    expect(rows.visit(0, ROWS, seen.visit)).toBe(ROWS);
    expect(seen).toMatchObject({ wrong: undefined, next: ROWS });
  }
  for (let n = ROWS - 1; n >= 0; n -= 4099) expect([rows.offset(n), rows.length(n), rows.blob(n), rows.from(n)]).toEqual(rowOf(n));
});

test('rows stay as they are under somebody who goes through them, whatever else comes back meanwhile', () => {
  const rows = filled();
  const seen = wrongOf(3 * 8192);
  rows.visit(3 * 8192, 5 * 8192, (...row) => {
    // In the middle of a chunk all others are asked for, in which time its memory would be another's.
    if (seen.next % 8192 === 1000) for (let n = 0; n < ROWS; n += 8192) expect(rows.offset(n)).toBe(n * 8192);
    seen.visit(...row);
  });
  expect(seen).toMatchObject({ wrong: undefined, next: 5 * 8192 });
});

test('rows are put while others are gone through', () => {
  const rows = filled();
  const seen = wrongOf(0);
  rows.visit(0, ROWS, (offset, length, blob, from) => {
    rows.put(offset, length, blob, from);
    seen.visit(offset, length, blob, from);
  });
  expect(seen).toMatchObject({ wrong: undefined, next: ROWS });
  const copied = wrongOf(0);
  rows.visit(ROWS, 2 * ROWS, copied.visit);
  expect(copied).toMatchObject({ wrong: undefined, next: ROWS });
});

test('a visit that ends with an error leaves rows that can be visited', () => {
  const rows = filled();
  expect(() =>
    rows.visit(0, ROWS, () => {
      throw new Error('enough');
    }),
  ).toThrow('enough');
  expect(rows.visit(5, ROWS, () => false)).toBe(5);
  const seen = wrongOf(0);
  rows.visit(0, ROWS, seen.visit);
  expect(seen.wrong).toBeUndefined();
});
