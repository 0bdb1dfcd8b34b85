import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { DbadminError, isDbadminError } from '../base/errors.ts';
import { probeConditionalCreate } from '../storage/conditional-create.ts';
import type { ObjectStore } from '../storage/store.ts';
import { isWhole, proveBy, type Proof } from './content-proof.ts';
import { sampleContent } from './content-samples.ts';
import { readEmergencyKey } from './emergency-key.ts';
import { unseal } from './envelope.ts';
import { mendFlippedBit } from './flipped-bit.ts';
import { createRepository, readIdentity, understandIdentity, type RepositoryIdentity } from './identity.ts';
import { listKeys, unwrapKey, type Unlock } from './key-objects.ts';
import { CLEAR, type RepositoryKeys } from './keys.ts';
import { IDENTITY_KEY } from './layout.ts';
import { findContent } from './lost-identity.ts';
import type { LostIdentity, RecoveryPlan } from './recover-plan.ts';
import { explainUnread } from './unreadable.ts';

/** What opens a repository that lost its identity: what its configuration gives, or the text of an emergency key. */
export type RecoveryKey = Unlock | { readonly kind: 'emergency'; readonly text: string };

const GIVEN = { none: 'nothing', passphrase: 'passphrase', 'key-file': 'key file', emergency: 'emergency key' } as const;

/**
 * Looks at a repository whose identity is missing or damaged, and tries what opens it on what is there. Writes nothing.
 *
 * @throws {DbadminError} `refused` when its identity is whole; `repository-missing` when nothing of a repository is there;
 * `repository-format` when the identity is whole and of a newer version; `key-wrong` when an emergency key is none.
 */
export async function inspectLost(store: ObjectStore, key: RecoveryKey): Promise<LostIdentity> {
  const found = await lookAtIdentity(store);
  if (found.kind === 'whole') {
    throw new DbadminError('refused', `the repository in ${store.description} has its identity, and it is whole`, {
      detail: 'There is nothing to recover.',
      hint: 'What else may be wrong is found by dbadmin backup check and dbadmin backup verify.',
    });
  }
  if (found.kind === 'missing' && (await findContent(store)) === undefined) await readIdentity(store);
  const { candidates, keyObjects, damagedKeys, oldestKey } = await candidatesOf(store, key);
  const { samples, oldest } = await sampleContent(store);
  const distinct = [...new Map(candidates.map(({ keys }) => [keys.check, keys])).values()];
  const proofs: Proof[] = [];
  for (const sample of samples) {
    const proof = await proveBy(store, sample, distinct);
    if (proof !== undefined) proofs.push(proof);
  }
  return {
    description: store.description,
    state: found.kind,
    mended: found.mended,
    given: GIVEN[key.kind],
    candidates: candidates.map(({ keys, keyObject }) => ({ check: keys.check, keyObject })),
    keyObjects,
    damagedKeys,
    proofs,
    oldest: earlier(oldest, oldestKey),
    knownId: key.kind === 'emergency' ? readEmergencyKey(key.text).id : undefined,
  };
}

type Found = { readonly kind: 'whole' } | { readonly kind: 'missing' | 'damaged'; readonly mended: RepositoryIdentity | undefined };

async function lookAtIdentity(store: ObjectStore): Promise<Found> {
  await store.probe();
  let bytes: Uint8Array;
  try {
    bytes = await store.read(IDENTITY_KEY);
  } catch (caught) {
    const error = await explainUnread(store, IDENTITY_KEY, caught);
    if (isDbadminError(error, 'storage-missing')) return { kind: 'missing', mended: undefined };
    if (isDbadminError(error, 'repository-damaged')) return { kind: 'damaged', mended: undefined };
    throw error;
  }
  const mended = isWhole(bytes) ? undefined : mendFlippedBit(bytes);
  try {
    const { header } = await unseal(CLEAR, 'identity', mended ?? bytes, IDENTITY_KEY, 1024);
    const identity = understandIdentity(header, store.description);
    return mended === undefined ? { kind: 'whole' } : { kind: 'damaged', mended: identity };
  } catch (error) {
    if (isDbadminError(error, 'repository-format') && (mended !== undefined || isWhole(bytes))) throw error;
    return { kind: 'damaged', mended: undefined };
  }
}

/** The repository keys that may be the one. */
async function candidatesOf(
  store: ObjectStore,
  key: RecoveryKey,
): Promise<{
  readonly candidates: readonly { readonly keys: RepositoryKeys; readonly keyObject: string | undefined }[];
  readonly keyObjects: number;
  readonly damagedKeys: readonly string[];
  readonly oldestKey: Date | undefined;
}> {
  const { keys: objects, damaged } = await listKeys(store);
  const times = objects.map(({ createdAt }) => new Date(createdAt)).filter((time) => !Number.isNaN(time.getTime()));
  const known = {
    keyObjects: objects.length + damaged.length,
    damagedKeys: damaged.map((found) => found.key),
    oldestKey: times.reduce<Date | undefined>(earlier, undefined),
  };
  if (key.kind === 'none') return { ...known, candidates: [] };
  if (key.kind === 'emergency') return { ...known, candidates: [{ keys: readEmergencyKey(key.text).keys, keyObject: undefined }] };
  const candidates: { readonly keys: RepositoryKeys; readonly keyObject: string }[] = [];
  for (const object of objects) {
    const keys = await unwrapKey(object, key);
    if (keys !== undefined) candidates.push({ keys, keyObject: object.id });
  }
  return { ...known, candidates };
}

function earlier(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}

/** What {@link planRecovery} needs and cannot know. */
export function newParts(clock: Clock, tool: string): { readonly id: string; readonly now: Date; readonly tool: string } {
  return { id: randomBytes(16).toString('hex'), now: clock.now(), tool };
}

/**
 * Writes the identity, in the place of the damaged one where there is one, and gives it as it stands there then. When one of the same key is there by
 * then, that one stays: somebody else's, or an earlier version that the bucket kept. Open the store with conditional creates claimed.
 *
 * @throws {DbadminError} `storage-exists` when one of another key is there by then; `storage-locked` and `storage-denied` when the damaged one
 * may not be deleted: nothing was changed then.
 */
export async function writeRecovered(store: ObjectStore, state: LostIdentity['state'], plan: RecoveryPlan): Promise<RepositoryIdentity> {
  const conditionalCreate = plan.identity.conditionalCreate ?? (await probeConditionalCreate(store));
  if (state === 'damaged') await deleteDamaged(store);
  try {
    await createRepository(store, { ...plan.identity, conditionalCreate });
  } catch (error) {
    if (!isDbadminError(error, 'storage-exists')) throw error;
    if ((await readIdentity(store)).keyCheck !== plan.identity.keyCheck) throw error;
  }
  return await readIdentity(store);
}

async function deleteDamaged(store: ObjectStore): Promise<void> {
  try {
    await store.delete(IDENTITY_KEY);
  } catch (error) {
    if (!isDbadminError(error, 'storage-locked') && !isDbadminError(error, 'storage-denied')) throw error;
    const until = (await store.stat(IDENTITY_KEY))?.lockedUntil;
    throw new DbadminError(error.code, `the damaged ${IDENTITY_KEY} in ${store.description} may not be deleted`, {
      detail: `${error.message}${until === undefined ? '' : `, until ${until.toISOString()}`}. Nothing was changed.`,
      hint:
        error.code === 'storage-locked'
          ? `Copy all other objects to another place and recover that, or wait. Where a bucket keeps versions and an earlier one of ${IDENTITY_KEY} is whole, delete the newer ones that are not locked.`
          : 'Run this with an account that may delete it; the policy of a writer does not allow that.',
      cause: error,
    });
  }
}
