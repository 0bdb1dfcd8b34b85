import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { canonicalJson } from './canonical-json.ts';

/** A report and who answers for it: the document that is stored and exported. @see FORMAT.md "Reports" */
export interface SignedReport {
  readonly report: unknown;
  readonly signature: {
    readonly algorithm: 'ed25519';
    /** SPKI form, base64. */
    readonly publicKey: string;
    /** Of the report's canonical text, base64. */
    readonly value: string;
  };
}

/** Signs a report with an Ed25519 private key. */
export function signReport(report: unknown, privateKey: KeyObject): SignedReport {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64');
  const value = sign(null, Buffer.from(canonicalJson(report)), privateKey).toString('base64');
  return { report, signature: { algorithm: 'ed25519', publicKey, value } };
}

/** What a signature says. A signature is worth what is known of its key. */
export type SignatureState =
  /** By one of the keys that were named. */
  | { readonly kind: 'valid'; readonly fingerprint: string }
  /** By a key nobody named: whole, but of unknown origin. */
  | { readonly kind: 'unknown-key'; readonly fingerprint: string }
  | { readonly kind: 'invalid'; readonly reason: string };

/** Checks a signed report; `trusted` are public keys in base64 of their SPKI form. */
export function checkSignature(document: unknown, trusted: readonly string[]): SignatureState {
  const signed = readSigned(document);
  if (signed === undefined) return { kind: 'invalid', reason: 'It is not a signed report.' };
  const { publicKey, value } = signed.signature;
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), type: 'spki', format: 'der' });
    if (key.asymmetricKeyType !== 'ed25519') return { kind: 'invalid', reason: 'Its key is not an Ed25519 key.' };
    if (!verify(null, Buffer.from(canonicalJson(signed.report)), key, Buffer.from(value, 'base64')))
      return { kind: 'invalid', reason: 'The signature does not belong to what the report says: something in it was changed.' };
  } catch (error) {
    return { kind: 'invalid', reason: `Its key or signature cannot be read: ${messageOf(error)}.` };
  }
  return { kind: trusted.includes(publicKey) ? 'valid' : 'unknown-key', fingerprint: fingerprintOf(publicKey) };
}

/** What tells one public key from others, for people: the first 16 hex digits of its SHA-256, in fours. */
export function fingerprintOf(publicKey: string): string {
  const digest = createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex');
  return (digest.slice(0, 16).match(/.{4}/g) ?? []).join(':');
}

/** A public key as {@link SignedReport} has it, from its PEM text. @throws {DbadminError} `file-unreadable`. */
export function publicKeyOfPem(pem: string, name: string): string {
  try {
    return createPublicKey(pem).export({ type: 'spki', format: 'der' }).toString('base64');
  } catch (error) {
    throw new DbadminError('file-unreadable', `${name} holds no public key`, { detail: messageOf(error), cause: error });
  }
}

/** A document as a signed report, or undefined when it has not the form of one. Says nothing of the signature. */
export function readSigned(document: unknown): SignedReport | undefined {
  const signed = document as Partial<SignedReport> | null;
  const { signature } = signed ?? {};
  if (typeof signed?.report !== 'object' || signed.report === null) return undefined;
  const isWhole = signature?.algorithm === 'ed25519' && typeof signature.publicKey === 'string' && typeof signature.value === 'string';
  return isWhole ? (signed as SignedReport) : undefined;
}
