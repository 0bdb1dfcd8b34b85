/** Blobs that are kept at hand after they were read, those that were wanted last: the next part may need another piece of them. */
const KEPT_BLOBS = 32;

/** Plain bytes of blobs by their numbers; of the least lately wanted ones nothing is kept. */
export class KeptBlobs {
  readonly #kept = new Map<number, Buffer>();

  get(blob: number): Buffer | undefined {
    return this.#kept.get(blob);
  }

  /** Keeps a copy: what was read may lie in a larger piece of memory. */
  keep(blob: number, plain: Buffer): void {
    // Taken out and put in again: the map's order is the order of use.
    const kept = this.#kept.get(blob) ?? Buffer.from(plain);
    this.#kept.delete(blob);
    this.#kept.set(blob, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_BLOBS && oldest !== undefined) this.#kept.delete(oldest);
  }

  clear(): void {
    this.#kept.clear();
  }
}
