import { damaged, HEADER_READ_BYTES, openStart, type SealedKind } from './envelope.ts';
import type { Repository } from './repository.ts';

/**
 * The header of a sealed object that has a body, without reading more of that than proves the header: with the repository's key
 * it is one that somebody wrote who had it. Without the key nothing proves a header.
 *
 * @throws {DbadminError} `repository-damaged`, `storage-missing`.
 */
export async function readSealedHeader(
  repository: Pick<Repository, 'store' | 'keys'>,
  kind: SealedKind,
  { key, sizeBytes }: { readonly key: string; readonly sizeBytes: number },
): Promise<Readonly<Record<string, unknown>>> {
  for (let wanted = HEADER_READ_BYTES; ;) {
    const start = openStart(repository, kind, await repository.store.readRange(key, 0, Math.min(sizeBytes, wanted)), key);
    if ('header' in start) return start.header;
    if (start.neededBytes > sizeBytes) throw damaged(key, 'It is cut short.');
    wanted = start.neededBytes;
  }
}
