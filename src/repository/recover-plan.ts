import { DbadminError } from '../base/errors.ts';
import type { Proof } from './content-proof.ts';
import { FORMAT, type RepositoryIdentity } from './identity.ts';
import { kindOfKey } from './layout.ts';

/** A repository key that may be the one, and where it came from. */
export interface Candidate {
  /** {@link RepositoryIdentity.keyCheck}. */
  readonly check: string;
  /** The id of the key object, or undefined for an emergency key. */
  readonly keyObject: string | undefined;
}

/** What is known of a repository whose identity is missing or damaged. */
export interface LostIdentity {
  /** For messages. */
  readonly description: string;
  readonly state: 'missing' | 'damaged';
  /** What the damaged identity said, where one flipped bit was all its damage. */
  readonly mended: RepositoryIdentity | undefined;
  /** What whoever recovers it gave to open it. */
  readonly given: 'nothing' | 'passphrase' | 'key file' | 'emergency key';
  readonly candidates: readonly Candidate[];
  /** Number of objects under keys/, those that cannot be read among them. */
  readonly keyObjects: number;
  /** Keys of those that cannot be read. */
  readonly damagedKeys: readonly string[];
  readonly proofs: readonly Proof[];
  /** The oldest time that the repository names. */
  readonly oldest: Date | undefined;
  /** The id that an emergency key names. */
  readonly knownId: string | undefined;
}

/** What an identity is made of where it cannot be known: `id` is 32 random hex digits. */
export interface NewParts {
  readonly id: string;
  readonly now: Date;
  readonly tool: string;
}

/** The identity to write. Whether the storage refuses a second create is for who writes it to find out, unless it was said. */
export interface RecoveryPlan {
  readonly identity: Omit<RepositoryIdentity, 'conditionalCreate'> & { readonly conditionalCreate?: boolean };
  /** Keys of the objects that prove it; none where nothing with content is there. */
  readonly provenBy: readonly string[];
  /** Keys of objects that are whole and not of this repository by its key. */
  readonly strangers: readonly string[];
  /** Keys of indexes that are not encrypted in a repository that is: a rebuild without the key leaves such. */
  readonly untrustedIndexes: readonly string[];
}

/**
 * The identity that fits what is there.
 *
 * @throws {DbadminError} `key-wrong` (exit 12) when what was given opens nothing; `repository-format` when it is not encrypted and a secret was given;
 * `repository-damaged` when nothing whole is there to prove a key by; `refused` when two keys open something.
 */
export function planRecovery(lost: LostIdentity, parts: NewParts): RecoveryPlan {
  const check = lost.given === 'nothing' ? undefined : provenCheck(lost, lost.given);
  if (check === undefined) refuseEncrypted(lost);
  const isProof = (proof: Proof): boolean =>
    check === undefined ? proof.kind === 'clear' : proof.kind === 'opened' && proof.check === check;
  const whole = lost.proofs.filter(({ kind }) => kind !== 'damaged');
  const said = lost.mended?.keyCheck === check ? lost.mended : undefined;
  const identity = said ?? {
    format: formatOf(lost, check),
    id: lost.knownId ?? parts.id,
    createdAt: (lost.oldest !== undefined && lost.oldest < parts.now ? lost.oldest : parts.now).toISOString(),
    tool: parts.tool,
    encryption: check === undefined ? ('none' as const) : ('aes-256-gcm' as const),
    ...(check === undefined ? {} : { keyCheck: check }),
  };
  return {
    identity,
    provenBy: whole.filter(isProof).map(({ key }) => key),
    strangers: whole.filter((proof) => !isProof(proof) && !(check !== undefined && isClearIndex(proof))).map(({ key }) => key),
    untrustedIndexes: whole.filter((proof) => check !== undefined && isClearIndex(proof)).map(({ key }) => key),
  };
}

/** An index may be rebuilt without the key: one that is not encrypted does not tell whether the repository is. */
function isClearIndex({ key, kind }: Proof): boolean {
  return kind === 'clear' && kindOfKey(key).kind === 'indexes';
}

/** Whether something that is not encrypted tells that the repository is not: where it has keys, or something encrypted, indexes do not. */
function isToldClear({ proofs, keyObjects }: LostIdentity): boolean {
  const isMaybeEncrypted = keyObjects > 0 || proofs.some(({ kind }) => kind === 'closed');
  return proofs.some((proof) => proof.kind === 'clear' && !(isMaybeEncrypted && isClearIndex(proof)));
}

/** Format 1 had no encryption; without it the lines of manifests tell. Where nobody wrote a backup, no older tool has written one. */
function formatOf({ proofs }: LostIdentity, check: string | undefined): number {
  return check === undefined && proofs.some((proof) => proof.kind === 'clear' && proof.format === 1) ? 1 : FORMAT;
}

/** The check of the one repository key among the candidates that opens something that is there. */
function provenCheck(lost: LostIdentity, given: Exclude<LostIdentity['given'], 'nothing'>): string {
  const { proofs, candidates, description } = lost;
  const opening = new Set(proofs.flatMap((proof) => (proof.kind === 'opened' ? [proof.check] : [])));
  const [check, another] = opening;
  if (another !== undefined) {
    const ids = candidates.flatMap(({ check: of, keyObject }) => (opening.has(of) && keyObject !== undefined ? [`keys/${keyObject}`] : []));
    throw new DbadminError(
      'refused',
      `in ${description} is content of ${opening.size} repository keys, and the ${given} opens all of them`,
      {
        detail: `They are in ${ids.join(', ')}.`,
        hint: 'Move those away that are not meant, or use the emergency key of the one that is; what the others opened cannot be read then.',
      },
    );
  }
  if (check !== undefined) return check;
  // Its hash is right but for one bit, and it names the key.
  const named = candidates.find((each) => each.check === lost.mended?.keyCheck);
  if (named !== undefined) return named.check;
  const [only, second] = new Set(candidates.map((each) => each.check));
  // A repository that was begun and got no further: its key is the one that everything will be written with.
  if (proofs.length === 0 && given !== 'emergency key' && only !== undefined && second === undefined) return only;
  if (proofs.some(({ kind }) => kind === 'closed')) throw keyWrong(lost, given);
  if (isToldClear(lost)) {
    throw new DbadminError(
      'repository-format',
      `the ${given} is for an encrypted repository, and what is in ${description} is not encrypted`,
      {
        hint: 'Recover it without a key: with a configuration that has no encryption for it, and without --emergency.',
      },
    );
  }
  if (candidates.length > 0) throw nothingWhole(description);
  throw keyWrong(lost, given);
}

function keyWrong({ description, candidates, keyObjects, damagedKeys }: LostIdentity, given: string): DbadminError {
  const opensKey = candidates.length > 0 && given !== 'emergency key';
  return new DbadminError('key-wrong', `the ${given} opens nothing of what is in ${description}`, {
    detail: opensKey
      ? `It opens a key under keys/ that the content was not written with.`
      : `Under keys/ ${keyObjects === 1 ? 'is 1 object' : `are ${keyObjects} objects`}.${damagedKeys.map((key) => ` ${key} cannot be read and may be the one.`).join('')}`,
    hint: 'Give the right one, or an emergency key that was exported, with --emergency FILE. Nothing was written.',
  });
}

function refuseEncrypted(lost: LostIdentity): void {
  const { proofs, keyObjects, description } = lost;
  const isClear = isToldClear(lost);
  const closed = proofs.filter(({ kind }) => kind === 'closed').map(({ key }) => key);
  if (isClear && closed.length > 0) {
    throw new DbadminError('refused', `in ${description} is content that is encrypted, and content that is not`, {
      detail: `Encrypted: ${closed.join(', ')}.`,
      hint: 'Give the key under repositories → encryption, or move away what does not belong there.',
    });
  }
  if (closed.length > 0 || (!isClear && keyObjects > 0)) {
    throw new DbadminError('key-wrong', `what is in ${description} is encrypted and the configuration has no key for it`, {
      hint: 'Give it under repositories → encryption: a passphrase or a key_file; or an emergency key with --emergency FILE.',
    });
  }
  if (!isClear && proofs.length > 0) throw nothingWhole(description);
}

function nothingWhole(description: string): DbadminError {
  return new DbadminError('repository-damaged', `nothing whole is in ${description} to prove a key by`, {
    hint: 'Bring objects back from a copy of the repository, and run this again.',
  });
}
