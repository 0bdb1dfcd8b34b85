import { describe, expect, test } from 'vitest';
import { readGlobals } from '../../../../src/backup/dump/globals-text.ts';

/** Globals that say that they are in `encoding`, with a role of these bytes. */
function globalsIn(encoding: string, ...name: readonly number[]): Buffer {
  return Buffer.concat([
    Buffer.from(`SET default_transaction_read_only = off;\n\nSET client_encoding = '${encoding}';\n\nCREATE ROLE "m`),
    Buffer.from(name),
    Buffer.from(`";\nCOMMENT ON ROLE x IS '\nSET client_encoding = ''UTF8'';';\n`),
  ]);
}

describe('readGlobals', () => {
  test.each([
    ['UTF8', [0xc3, 0xbc], 'ü'],
    ['SQL_ASCII', [0xc3, 0xbc], 'ü'],
    ['LATIN1', [0xfc, 0x80], 'ü\u{80}'],
    ['LATIN5', [0xfd, 0x80], 'ı\u{80}'],
    ['LATIN9', [0xa4], '€'],
    ['WIN1252', [0x80], '€'],
    ['WIN1251', [0xe6], 'ж'],
    ['KOI8R', [0xc1], 'а'],
  ])('reads what is in %s by what it says itself', (encoding, bytes, name) => {
    expect(readGlobals(globalsIn(encoding, ...bytes))).toContain(`CREATE ROLE "m${name}";`);
  });

  test.each([
    ['UTF8', [0xfc]],
    ['SQL_ASCII', [0xfc]],
    ['EUC_JP', [0xa4, 0xa2]],
    ['KOI8U', [0xae]],
    ['ISO_8859_6', [0xa1]],
  ])('refuses what is in %s and cannot be read, by name', (encoding, bytes) => {
    expect(() => readGlobals(globalsIn(encoding, ...bytes))).toThrow(`the globals of the dump are in ${encoding}, and cannot be read here`);
  });

  test('takes what does not say it for UTF-8', () => {
    expect(readGlobals(Buffer.from('CREATE ROLE "mü";'))).toBe('CREATE ROLE "mü";');
  });
});
