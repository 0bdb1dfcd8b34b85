import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { scramMatches, scramVerifier } from '../../../src/roles/scram.ts';

describe('scramVerifier', () => {
  it('gives the server key that signs the exchange printed in RFC 7677, and the stored key that checks its proof', () => {
    const verifier = scramVerifier(new Secret('pencil'), Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096).reveal();
    const [, storedKey = '', serverKey = ''] = /^SCRAM-SHA-256\$4096:W22ZaJ0SNY7soEsUEjb6gQ==\$(.+):(.+)$/.exec(verifier) ?? [];
    const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
    const exchange = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=${nonce}`;
    const sign = (key: string): Buffer => createHmac('sha256', Buffer.from(key, 'base64')).update(exchange).digest();
    expect(sign(serverKey).toString('base64')).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
    const proof = Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64');
    const clientKey = Buffer.from(sign(storedKey).map((byte, index) => byte ^ (proof[index] ?? 0)));
    expect(createHash('sha256').update(clientKey).digest('base64')).toBe(storedKey);
  });

  it('normalises what looks the same, as the server does', () => {
    const salt = Buffer.alloc(16, 7);
    const verifier = (text: string): string => scramVerifier(new Secret(text), salt).reveal();
    expect(verifier('e\u0301')).toBe(verifier('\u00e9'));
    expect(verifier('a\u00a0b')).toBe(verifier('a b'));
    expect(verifier('a\u00adb')).toBe(verifier('ab'));
    expect(verifier('a b')).not.toBe(verifier('ab'));
  });

  it.each(['', 'a\nb', 'a\u0000b', '\ue000'])('refuses %j', (text) => {
    expect(() => scramVerifier(new Secret(text), Buffer.alloc(16))).toThrow(/password/);
  });

  it('never shows itself', () => {
    expect(String(scramVerifier(new Secret('x'), Buffer.alloc(16)))).toBe('***');
  });
});

describe('scramMatches', () => {
  it('is true for the password the verifier was made from, with its own salt and iterations, and for no other', () => {
    const verifier = scramVerifier(new Secret("s3cret-€'\\x"), Buffer.alloc(16, 3), 5000);
    expect(scramMatches(new Secret("s3cret-€'\\x"), verifier)).toBe(true);
    expect(scramMatches(new Secret("s3cret-€'\\y"), verifier)).toBe(false);
  });

  it('is false for an md5 password and for nonsense', () => {
    expect(scramMatches(new Secret('x'), new Secret(`md5${'0'.repeat(32)}`))).toBe(false);
    expect(scramMatches(new Secret('x'), new Secret('SCRAM-SHA-256$4096:AAAA$BBBB:CCCC'))).toBe(false);
  });
});
