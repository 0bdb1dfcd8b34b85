import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonArrayScanner } from '../../../src/spotify/load/json-scanner.ts';
import { scan, type Scanned } from './scanned.ts';

const records = (content: string | Uint8Array, cuts?: readonly number[]): readonly Scanned[] =>
  scan((onRecord) => new JsonArrayScanner(onRecord), content, cuts);

const SEED = { seed: 20261121 };
const text = fc.string({ unit: fc.constantFrom('a', 'é', '🎧', '"', '\\', '{', '}', '[', ']', ',', '\n'), maxLength: 8 });
const object = fc.dictionary(text, fc.oneof(text, fc.integer(), fc.array(fc.dictionary(text, text, { maxKeys: 2 }), { maxLength: 2 })), {
  maxKeys: 4,
});
const blank = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 3 });
const cuts = fc.array(fc.nat(800), { maxLength: 12 });

test('the objects are those that were written, with their lines, however the text is cut', () => {
  const item = fc.record({ value: object, indent: fc.constantFrom(0, 2), before: blank, after: blank });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 6 }), fc.constantFrom('', '\uFEFF'), blank, cuts, (items, mark, around, at) => {
      const wanted: Scanned[] = [];
      let content = `${mark}${around}[`;
      for (const [index, { value, indent, before, after }] of items.entries()) {
        content += `${index === 0 ? '' : ','}${before}`;
        const written = JSON.stringify(value, undefined, indent);
        wanted.push([written, content.split('\n').length]);
        content += `${written}${after}`;
      }
      expect(records(`${content}${around}]${around}`, at)).toEqual(wanted);
    }),
    SEED,
  );
});

test('any bytes give the same objects or the same refusal, however they are cut', () => {
  const bytes = fc
    .array(fc.constantFrom(...Buffer.from('[[{{}}]],,"\\\n\uFEFF a')), { maxLength: 40 })
    .map((each) => Uint8Array.from(each));
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

test.for([
  ['a comma missing', '[\n{}\n{}]', 'line 3 is not a list of objects: "{" stands where comma or end should be'],
  ['a comma too many', '[{},\n]', 'line 2 is not a list of objects: "]" stands where object should be'],
  ['something else than an object', '[1]', 'line 1 is not a list of objects: "1" stands where object or end should be'],
  ['no array', '{}', 'line 1 is not a list of objects: "{" stands where opening bracket should be'],
  ['text behind the end', '[]\n[]', 'line 2 is not a list of objects: "[" stands where nothing should be'],
  ['an object that never ends', '[{},\n{"a": "}', 'line 2 is not a list of objects: the object that begins here never ends'],
  ['an array that never ends', '[{}\n', 'line 2 is not a list of objects: the file ends where comma or end should be'],
  [
    'a line break inside a text',
    '[{\n"a": "b\nc"}]',
    'line 2 is not a list of objects: a line break or control character stands inside a text',
  ],
  ['no text at all', '', 'line 1 is not a list of objects: the file ends where opening bracket should be'],
] as const)('%s is refused with its line', ([, content, message]) => {
  expect(() => records(content)).toThrow(expect.objectContaining({ code: 'load-failed', message }));
});
