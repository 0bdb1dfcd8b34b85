/**
 * A number that looks random and is the same for the same seed and text, on every machine: which part of a split it falls
 * into does not depend on the order in which rows come.
 *
 * @see FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/, and the finisher of MurmurHash3
 */
export function lotOf(seed: number, text: string): number {
  let hash = (0x811c_9dc5 ^ seed) >>> 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    hash = Math.imul(hash ^ (unit & 0xff), 0x0100_0193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x0100_0193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Which of `count` places are hidden: a fifth of them, those with the smallest lots. Of fewer than five nothing is: what
 * would be left says too little.
 */
export function hiddenPlaces(count: number, lotAt: (place: number) => number): ReadonlySet<number> {
  if (count < 5) return new Set();
  const places = Array.from({ length: count }, (_, place) => place).sort((a, b) => lotAt(a) - lotAt(b) || a - b);
  return new Set(places.slice(0, Math.round(count / 5)));
}
