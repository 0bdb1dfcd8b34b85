import { describe, expect, test } from 'vitest';
import { withoutSaved } from '../../../src/backup/take/skipped-warnings.ts';

const WARNING = 'WARNING 01000: ';

describe('warnings of skipped links', () => {
  test.each([
    'skipping special file "./conf.d/a b.conf"',
    'überspringe besondere Datei »./conf.d/a b.conf«',
    'ignore le fichier spécial « ./conf.d/a b.conf\u00a0»',
    'omitiendo el archivo especial «./conf.d/a b.conf»',
    // ISO 8859-1
    '\ufffdberspringe besondere Datei \ufffd./conf.d/a b.conf\ufffd',
    'ignore le fichier sp\ufffdcial \ufffd\ufffd./conf.d/a b.conf\ufffd\ufffd',
  ])('are left out where the content was saved, in any language: %s', (message) => {
    expect(withoutSaved([WARNING + message, WARNING + message], ['conf.d/a b.conf'])).toEqual([]);
    expect(withoutSaved([WARNING + message, WARNING + message], ['conf.d/a', 'conf.d', 'b.conf', 'a b.conf'])).toEqual([WARNING + message]);
  });

  test.each([
    'skipping special file "./conf.d/a\ufffd.lnk"',
    'skipping special file "./conf.d/a\ufffd"',
    '\ufffdberspringe besondere Datei \ufffd./conf.d/a\ufffd.lnk\ufffd',
    '\ufffdberspringe besondere Datei \ufffd./conf.d/a\ufffd\ufffd',
    'ignore le fichier sp\ufffdcial \ufffd\ufffd./conf.d/a\ufffd\ufffd\ufffd',
  ])('stay where the content of another was saved, whose name goes on with what is not UTF-8: %s', (message) => {
    expect(withoutSaved([WARNING + message], ['conf.d/a'])).toEqual([WARNING + message]);
  });
});
