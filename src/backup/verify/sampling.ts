import { createHash } from 'node:crypto';

/** Which content is read: nothing, a share of it chosen by `seed`, or everything. */
export type ReadExtent =
  | { readonly kind: 'structure' }
  | { readonly kind: 'sample'; readonly share: number; readonly seed: string }
  | { readonly kind: 'everything' };

/**
 * Whether the piece of content called `name` is among those that are read.
 *
 * Depends on the seed and the name alone, so a run can be repeated with its seed, on any machine and in any order. Pieces
 * are chosen each by itself: a small repository may get none, a large one gets its share.
 */
export function isChosen(extent: ReadExtent, name: string): boolean {
  if (extent.kind !== 'sample') return extent.kind === 'everything';
  const draw = createHash('sha256').update(`${extent.seed}\n${name}`).digest().readUInt32BE(0) / 2 ** 32;
  return draw < extent.share;
}
