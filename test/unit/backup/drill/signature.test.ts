import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../../../src/backup/drill/canonical-json.ts';
import { checkSignature, fingerprintOf, signReport } from '../../../../src/backup/drill/signature.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const REPORT = { label: 'a', times: { rtoMs: 6100, restoreMs: null }, assertions: [{ is: 0, holds: true }], text: 'ü "quoted"' };

describe('a signed report', () => {
  const signed = signReport(REPORT, privateKey);
  const trusted = [signed.signature.publicKey];

  test('is valid for who knows the key, in whatever layout and order of keys it comes', () => {
    expect(checkSignature(signed, trusted)).toEqual({ kind: 'valid', fingerprint: fingerprintOf(signed.signature.publicKey) });
    const { text, ...rest } = JSON.parse(JSON.stringify(REPORT, undefined, 4)) as typeof REPORT;
    expect(checkSignature({ signature: signed.signature, report: { text, ...rest } }, trusted).kind).toBe('valid');
  });

  test('is invalid when any one value of it is changed, added or taken away', () => {
    const changed: readonly unknown[] = [
      { ...REPORT, times: { ...REPORT.times, rtoMs: 6099 } },
      { ...REPORT, times: { ...REPORT.times, restoreMs: 0 } },
      { ...REPORT, assertions: [{ is: 0, holds: false }] },
      { ...REPORT, more: true },
      { ...REPORT, label: undefined },
      { ...REPORT, text: 'u "quoted"' },
    ];
    for (const report of changed) expect(checkSignature({ ...signed, report }, trusted).kind).toBe('invalid');
  });

  test('of a key that nobody named says whose it is, and is not believed', () => {
    expect(checkSignature(signed, [])).toMatchObject({ kind: 'unknown-key' });
    const forged = signReport({ ...REPORT, times: { rtoMs: 1 } }, generateKeyPairSync('ed25519').privateKey);
    expect(checkSignature(forged, trusted).kind).toBe('unknown-key');
  });

  test('that is none at all is invalid', () => {
    for (const document of [null, {}, { report: {} }, { report: {}, signature: { algorithm: 'none', publicKey: '', value: '' } }, 'text'])
      expect(checkSignature(document, trusted).kind).toBe('invalid');
    expect(checkSignature({ ...signed, signature: { ...signed.signature, publicKey: 'AAAA' } }, trusted).kind).toBe('invalid');
  });
});

test('canonicalJson: one text for one value', () => {
  expect(canonicalJson({ b: [1, undefined, { z: null, a: 'é' }], a: undefined, c: 1.5 })).toBe('{"b":[1,null,{"a":"é","z":null}],"c":1.5}');
  expect(canonicalJson('x')).toBe('"x"');
});
