import { damaged, unseal, unsealStream, type SealedKind } from '../../repository/envelope.ts';
import { requireAtKey } from '../../repository/object-at-key.ts';
import type { StoredObject } from '../../storage/store.ts';
import { kindOfLetter } from './object-place.ts';
import { asFault, type VerifyTask } from './task.ts';

/** Larger ones are read as a stream. */
const WHOLE_BYTES = 4 * 1024 * 1024;
const PLAIN_AT_MOST_BYTES = 256 * 1024 * 1024;

/**
 * Reads a sealed object to its end: kind, hash, encryption and compression; of a small one also whether it belongs there and has the shape of its
 * kind. `expected` is the kind that its place demands; where the place says nothing, the object itself does.
 */
export async function verifySealed(task: VerifyTask, object: StoredObject, expected: SealedKind | undefined): Promise<boolean> {
  const failure = await asFault(task, object.key, async () => {
    const kind = expected ?? (await kindOf(task, object));
    const { repository } = task;
    if (object.sizeBytes <= WHOLE_BYTES) {
      const unsealed = await unseal(repository, kind, await repository.store.read(object.key), object.key, PLAIN_AT_MOST_BYTES);
      if (expected !== undefined) requireAtKey(kind, unsealed, object.key);
      return;
    }
    for await (const piece of unsealStream(repository, kind, repository.store.readStream(object.key), object.key)) void piece;
  });
  return failure === undefined;
}

async function kindOf(task: VerifyTask, { key, sizeBytes }: StoredObject): Promise<SealedKind> {
  const head = await task.repository.store.readRange(key, 0, Math.min(sizeBytes, 9));
  const kind = kindOfLetter(Buffer.from(head).toString('latin1', 8, 9));
  if (kind !== undefined) return kind;
  throw damaged(key, 'It holds an object of no kind that this version knows.');
}
