import { parse } from 'csv-parse/sync';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CsvScanner } from '../../../src/spotify/load/csv-scanner.ts';
import { scan, type Scanned } from './scanned.ts';

const records = (content: string | Uint8Array, cuts?: readonly number[]): readonly Scanned[] =>
  scan((onRecord) => new CsvScanner(onRecord), content, cuts);

const SEED = { seed: 20261121 };
const field = fc.string({ unit: fc.constantFrom('a', 'é', '🎧', ' ', ',', '"', '\n', '\r\n', '\\', "'"), maxLength: 6 });
const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const file = fc.record({
  rows: fc
    .integer({ min: 2, max: 4 })
    .chain((width) => fc.array(fc.array(field, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 })),
  end: fc.constantFrom('\n', '\r\n'),
  mark: fc.constantFrom('', '\uFEFF'),
  lastEnd: fc.boolean(),
});
const cuts = fc.array(fc.nat(500), { maxLength: 12 });

test('the records are those that were written, with their lines, however the text is cut', () => {
  fc.assert(
    fc.property(file, cuts, ({ rows, end, mark, lastEnd }, at) => {
      const lines = rows.map((row) => row.map(quoted).join(','));
      let line = 1;
      const wanted = lines.map((text) => {
        const begins = line;
        line += text.split('\n').length;
        return [text, begins];
      });
      expect(records(`${mark}${lines.join(end)}${lastEnd ? end : ''}`, at)).toEqual(wanted);
    }),
    SEED,
  );
});

test('each record has the fields that a CSV parser finds in it', () => {
  fc.assert(
    fc.property(file, ({ rows, end }) => {
      const found = records(rows.map((row) => row.map(quoted).join(',')).join(end)).map(([text]) => parse(text)[0]);
      expect(found).toEqual(rows);
    }),
    SEED,
  );
});

test('any bytes give the same records or the same refusal, however they are cut', () => {
  const bytes = fc.array(fc.constantFrom(...Buffer.from('a,"\n\r\uFEFF')), { maxLength: 60 }).map((each) => Uint8Array.from(each));
  const outcome = (content: Uint8Array, at: readonly number[]): unknown => {
    try {
      return records(content, at);
    } catch (error) {
      return String(error);
    }
  };
  fc.assert(
    fc.property(bytes, cuts, (content, at) => {
      expect(outcome(content, at)).toEqual(outcome(content, []));
    }),
    { ...SEED, numRuns: 500 },
  );
});

test('blank lines are passed over, and count as lines', () => {
  expect(records('a,b\n\n\r\nc,d\n')).toEqual([
    ['a,b', 1],
    ['c,d', 4],
  ]);
});

test('a byte order mark may stand before a quoted name', () => {
  expect(records('\uFEFF"a",b\n', [1, 2])).toEqual([['"a",b', 1]]);
});

test('a text shorter than a byte order mark is read', () => {
  expect(records('a')).toEqual([['a', 1]]);
  expect(records('')).toEqual([]);
});

test.for([
  ['another number of fields', 'a,b\n"x\ny",z\n1,2,3\n', 'line 4 is not a row of CSV: it has 3 fields, the header has 2'],
  ['a quote inside a bare field', 'a,b\nx"y,z\n', 'line 2 is not a row of CSV: a quote stands inside a field that does not begin with one'],
  ['text behind a closing quote', 'a,b\n"x"y,z\n', 'line 2 is not a row of CSV: text follows the closing quote of a field'],
  ['a quote that never ends', 'a,b\n1,2\n"x\ny', 'line 3 is not a row of CSV: a quoted field that begins in this record never ends'],
] as const)('%s is refused with its line', ([, content, message]) => {
  expect(() => records(content)).toThrow(expect.objectContaining({ code: 'load-failed', message }));
});
