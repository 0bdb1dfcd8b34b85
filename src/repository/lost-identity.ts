import { DbadminError, isDbadminError, reasonOf } from '../base/errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { isWhole } from './content-proof.ts';
import { IDENTITY_KEY, kindOfKey } from './layout.ts';

/** What keys of a repository's content begin with: its keys, its clusters and its lineages, which are decimal. */
const BEGINNINGS = ['keys/', 'clusters/', ...Array.from({ length: 9 }, (_, digit) => String(digit + 1))] as const;

/**
 * The key of an object that only a repository has, other than its identity; undefined where there is none. With one, a place without
 * an identity is no empty place, but a repository that lost it.
 */
export async function findContent(store: ObjectStore): Promise<string | undefined> {
  for (const beginning of BEGINNINGS) {
    for await (const { key } of store.list(beginning)) if (isContent(key)) return key;
  }
  return undefined;
}

function isContent(key: string): boolean {
  return key !== IDENTITY_KEY && kindOfKey(key).kind !== 'other';
}

/**
 * Refuses a new identity where there is content: a new repository key would shut everybody out of all that was written before.
 *
 * @throws {DbadminError} `refused`; what the storage says when it cannot be listed.
 */
export async function refuseContent(store: ObjectStore): Promise<void> {
  const key = await findContent(store);
  if (key === undefined) return;
  throw new DbadminError('refused', `what is in ${store.description} is a repository without its identity: no new one is made over it`, {
    detail: detailOf(key),
    hint: HINT,
  });
}

/**
 * Why there is no repository in `store`, whose identity is proven absent: never was, or lost it. Where the storage cannot be listed,
 * the first is said.
 */
export async function explainMissing(store: ObjectStore, cause: unknown): Promise<DbadminError> {
  const key = await findContent(store).catch((error: unknown) => {
    if (error instanceof DbadminError && !isDbadminError(error, 'internal')) return undefined;
    throw error;
  });
  if (key === undefined) {
    return new DbadminError('repository-missing', `there is no repository in ${store.description}`, {
      detail: `${IDENTITY_KEY} is not there. A directory that should be mounted may not be.`,
      hint: 'Make one with dbadmin backup init, or mount the right directory.',
      cause,
    });
  }
  const message = `the repository in ${store.description} has lost its identity`;
  return new DbadminError('repository-missing', message, { detail: detailOf(key), hint: HINT, cause });
}

/** The same for an identity that is there and cannot be understood; one bit can make it seem to be of a newer version. */
export function explainDamaged(store: ObjectStore, bytes: Uint8Array, cause: unknown): unknown {
  if (isWhole(bytes) && !isDbadminError(cause, 'repository-damaged')) return cause;
  return new DbadminError('repository-damaged', `the identity of the repository in ${store.description} is damaged`, {
    detail: `${IDENTITY_KEY}: ${reasonOf(cause)}.`,
    hint: HINT,
    cause,
  });
}

const HINT = `dbadmin repository recover writes it anew, once what opens the repository has opened something in it.
Or bring the object ${IDENTITY_KEY} back from a copy of this very repository.`;

function detailOf(key: string): string {
  return `${IDENTITY_KEY} is not there, and ${key} is.`;
}
